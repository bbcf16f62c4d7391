"""Pictures of our own pages for the guide and the coordinators' manual.

The tests that walk through the pages take them; `make pictures` keeps what they take.
"""

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = {
    "guide": ROOT / "static" / "usecap" / "guide",
    "manual": ROOT / "docs" / "manual-coordinador",
}

COLOURS = 32
NO_DOTS = Image.Dither.NONE

Picture = Callable[[str, Page | Locator], None]


def keep(name: str, shown: Page | Locator) -> None:
    """Write what a page or a part of it shows as WebP, for a name such as `guide/rut`."""
    folder, _, stem = name.partition("/")
    path = FOLDERS[folder] / f"{stem}.webp"
    path.parent.mkdir(exist_ok=True)
    picture = shown.screenshot(animations="disabled", caret="hide")
    # Our pages are flat colours and letters: few colours kept exactly are sharper than many kept
    # roughly, in half the bytes. As they are, without dots that mix them, which pack badly.
    few = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=NO_DOTS)
    few.convert("RGB").save(path, "WEBP", lossless=True, quality=100, method=6)


def ignore(name: str, shown: Page | Locator) -> None:
    """Take no picture."""
