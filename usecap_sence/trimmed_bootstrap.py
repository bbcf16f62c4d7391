"""The one style sheet of the students' pages: what they need of Bootstrap, then our own.

`python -m usecap_sence.trimmed_bootstrap` writes it. A phone on a slow network waits for it before
it shows anything, and nine tenths of Bootstrap's are for what these pages don't have. Kept are the
rules whose classes are all named somewhere in the pages, and the custom properties that those
rules use. `make styles` after a page names a new class or site.css changes; a test fails until
then.
"""

import re
from collections.abc import Iterable, Iterator
from importlib import metadata, util
from pathlib import Path

import tinycss2
from tinycss2.ast import Node, QualifiedRule

ROOT = Path(__file__).resolve().parent.parent
STYLES = ROOT / "static" / "usecap"
OURS = STYLES / "site.css"
WRITTEN = STYLES / "pages.css"
PAGES = ("attendance", "errors_catalog", "design")
"""Folders of templates; besides those right under `templates/`."""
CRISPY = ("crispy_forms", "crispy_bootstrap5")
"""What draws the forms, and names classes in its templates and in Python."""


def trimmed() -> str:
    """Return the style sheet."""
    css = (_package("bootstrap") / "css" / "bootstrap.min.css").read_text(encoding="utf-8")
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    kept = "\n".join(_kept(rules, _words()))
    version = metadata.version("bootstrap-wrapper").split(".post")[0]
    # What its licence asks to be kept with every copy.
    notice = f"/*! Bootstrap v{version}, in part. © 2011-2025 The Bootstrap Authors, MIT licence */"
    ours = OURS.read_text(encoding="utf-8")
    return f"{notice}\n{_without_unused_properties(kept)}\n{ours}"


def _package(name: str) -> Path:
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(name=name)
    return Path(next(iter(spec.submodule_search_locations)))


def _words() -> set[str]:
    """Whatever might name a class: every word of the pages and of what draws forms."""
    files = [*(ROOT / "templates").glob("*.html"), *STYLES.glob("*.js")]
    for folder in PAGES:
        files += (ROOT / "templates" / folder).rglob("*.html")
    files += [ROOT / "attendance" / "forms.py", ROOT / "backoffice" / "design.py"]
    for name in CRISPY:
        package = _package(name)
        files += [*package.glob("templates/bootstrap5/*.html"), *package.glob("templatetags/*.py")]
        files += package.glob("templates/bootstrap5/layout/help*.html")
        files += package.glob("templates/bootstrap5/layout/field*.html")
    text = " ".join(file.read_text(encoding="utf-8") for file in files)
    return set(re.findall(r"[A-Za-z_][\w-]*", text))


def _kept(rules: Iterable[Node], words: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            yield from _kept_selectors(rule, words)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media":
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if block := "\n".join(_kept(inner, words)):
                yield f"@media{tinycss2.serialize(rule.prelude)}{{\n{block}\n}}"


def _kept_selectors(rule: QualifiedRule, words: set[str]) -> Iterator[str]:
    selectors = re.split(r",(?![^(]*\))", tinycss2.serialize(rule.prelude))
    wanted = [
        selector
        for selector in selectors
        if set(re.findall(r"\.([A-Za-z_][\w-]*)", selector)) <= words
        # Themes chosen by an attribute, which the pages don't have.
        and "[data-bs-theme=dark]" not in selector
    ]
    if wanted:
        yield f"{','.join(wanted)}{{{tinycss2.serialize(rule.content)}}}"


def _without_unused_properties(css: str) -> str:
    while True:
        used = set(re.findall(r"var\(\s*(--[\w-]+)", css))
        # What our own sheet sets or uses must stay settable.
        found = set(re.findall(r"(--bs-[\w-]+)\s*:", css))
        unused = found - used - _ours()
        if not unused:
            return css
        names = "|".join(sorted(unused, key=len, reverse=True))
        css = re.sub(rf"(?:{names})\s*:[^;}}]*;?", "", css)


def _ours() -> set[str]:
    sheets = STYLES.glob("*.css")
    text = " ".join(s.read_text(encoding="utf-8") for s in sheets if s != WRITTEN)
    return set(re.findall(r"--bs-[\w-]+", text))


if __name__ == "__main__":
    WRITTEN.write_text(trimmed(), encoding="utf-8")
