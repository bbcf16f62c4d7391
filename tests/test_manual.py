"""The coordinators' manual and its pictures belong together."""

import re

from tests.browser.pictures import FOLDERS, ROOT

MANUAL = ROOT / "docs" / "manual-coordinador.md"
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
LONGEST = 120 * 1024


def shown() -> dict[str, str]:
    """What the manual says instead of each picture, by the picture's file."""
    return {file: said for said, file in PICTURE.findall(MANUAL.read_text(encoding="utf-8"))}


def test_the_manual_shows_every_picture_that_was_taken_for_it_and_no_other():
    taken = {f"{FOLDERS['manual'].name}/{file.name}" for file in FOLDERS["manual"].iterdir()}
    assert set(shown()) == taken


def test_every_picture_of_the_manual_is_told_in_words_too():
    assert shown()
    assert [file for file, said in shown().items() if len(said.split()) < 4] == []


def test_the_manuals_pictures_are_light():
    sizes = {file.name: file.stat().st_size for file in FOLDERS["manual"].iterdir()}
    assert {name: size for name, size in sizes.items() if size > LONGEST} == {}


def test_the_manuals_links_to_its_sections_lead_somewhere():
    text = MANUAL.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) - anchors == set()
