"""requirements.lock, which production installs, says what requirements.txt says (`make lock`)."""

import re

from django.conf import settings

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z]+\])?==(\S+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Versions by name, as PEP 503 compares names."""
    return {re.sub("[-_.]+", "-", name).lower(): version for name, version in PIN.findall(text)}


def test_the_lock_has_the_versions_of_the_pins_and_no_others():
    locked, pinned = (
        pins((settings.BASE_DIR / name).read_text())
        for name in ("requirements.lock", "requirements.txt")
    )
    assert len(pinned) > 40
    assert locked == pinned


def test_every_package_of_the_lock_is_known_by_its_hashes():
    lock = (settings.BASE_DIR / "requirements.lock").read_text()
    for package in re.split(r"\n(?=\S)", lock.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package.splitlines()[0]
