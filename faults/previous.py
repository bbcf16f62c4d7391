"""The release before this one, in a folder of its own, and this one checked out over it."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from faults.world import FOLDER, NotHereError
from tests.site_process import ROOT

MIGRATION = "attendance/migrations/0005_pending_callbacks.py"
"""The last that changes the tables which SENCE's answers are written to, with triggers and a
backfill: the release before it is the hardest to come from. A later such one takes its place."""
PREPARES = ("faults/__init__.py", "faults/prepare.py")


def check_out_previous() -> Path:
    """Return a folder with the code as it was before MIGRATION."""
    folder = FOLDER / "release"
    shutil.rmtree(folder, ignore_errors=True)
    added = _git("log", "--diff-filter=A", "--format=%H", "--", MIGRATION).decode().split()
    if not added:
        raise NotHereError("the project's git history, which has the release before this one")
    with tarfile.open(fileobj=io.BytesIO(_git("archive", f"{added[-1]}^"))) as code:
        code.extractall(folder, filter="data")
    # That release had no such program; what it calls is its own code.
    for name in PREPARES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def check_out_this(folder: Path) -> None:
    """As `git checkout` does: file by file, under the feet of whoever runs there."""
    names = {Path(name) for name in _git("ls-files", "-z").decode().split("\0") if name}
    present = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    for name in present - names:
        if name.suffix != ".pyc":
            (folder / name).unlink()
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S607
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotHereError("git, with the project's history") from error
