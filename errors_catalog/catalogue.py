"""What the pages say when someone needs help, as staff last wrote it.

Everything comes from one snapshot of the catalogue's tables, kept in the cache for CACHE_SECONDS
and dropped when a row is saved or deleted, so a warm page asks the database nothing. What the
tables don't hold, or can't be asked for, comes from `errors_catalog.defaults`: none of these
functions raises because the database is away.
"""

import contextlib
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseProblem
from django.db import connection

from errors_catalog import defaults
from errors_catalog.models import (
    CODE,
    CODE_LENGTH,
    ContactDetails,
    HelpLink,
    HelpSection,
    HelpText,
    Responsible,
    SenceError,
)
from errors_catalog.placeholders import fill

CACHE_SECONDS = 30
# Long enough not to try a dead database for each text of a page, short enough not to be noticed.
FALLBACK_SECONDS = 5
HELD_SECONDS = 1
# A new number keeps what an older version of these classes left in a shared cache unread.
VERSION = 3
CURRENT = f"errors_catalog:{VERSION}:current"
LAST_KNOWN = f"errors_catalog:{VERSION}:last-known"

SHOWN_CODE_LENGTH = 20

# A code comes from outside: more of them than this at once is not SENCE adding codes.
MAX_DRAFTS = 200
ADD_DRAFT = """
    INSERT INTO errors_catalog_senceerror
        (code, description, solution, responsible, alerts_staff, is_draft)
    SELECT %s, '', '', %s, true, true
    WHERE (SELECT count(*) FROM errors_catalog_senceerror WHERE is_draft) < %s
    ON CONFLICT (code) DO NOTHING
"""


@dataclass(frozen=True)
class Explanation:
    """An error of SENCE as the student reads it, and what it asks of staff."""

    code: str
    description: str
    solution: str
    responsible: str
    alerts_staff: bool
    is_known: bool


@dataclass(frozen=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True)
class Section:
    """A titled group of help links, the hidden ones left out."""

    key: str
    title: str
    links: list[Link]
    before_rut: bool = True
    after_rut: bool = True


@dataclass(frozen=True)
class Contact:
    """Where students write and call, and where alerts for staff go."""

    email: str
    phones: list[str]
    alert_emails: list[str]

    @property
    def phone_links(self) -> list[Link]:
        """The telephones with an address that a phone can dial."""
        return [Link(phone, _dialled(phone)) for phone in self.phones]


@dataclass(frozen=True)
class Snapshot:
    """The whole catalogue at one moment; its methods are the functions of this module, for it."""

    errors: dict[str, defaults.ErrorText]
    texts: dict[str, str]
    sections: list[Section]
    contact: Contact
    drawn: dict[object, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    """What `{% kept %}` and `kept_pages` drew of it, by what it was drawn of."""

    def explain(self, codes: list[str]) -> list[Explanation]:
        distinct = dict.fromkeys(code.strip() for code in codes) or {"": None}
        explanations = [_explanation(code, self) for code in distinct]
        return sorted(explanations, key=lambda found: found.responsible != Responsible.STUDENT)

    def text(self, key: str, **values: object) -> str:
        return fill(self.texts[key], _common_values(self) | values)

    def help_sections(self, *, after_rut: bool) -> list[Section]:
        return [
            section
            for section in self.sections
            if section.links and (section.after_rut if after_rut else section.before_rut)
        ]


class Held(NamedTuple):
    """The snapshot that this process read last, and its name in the cache."""

    name: str
    snapshot: Snapshot
    until: float
    """Until when, by the machine's monotonic clock, the cache is not asked for another."""


_held: Held | None = None


def explain(codes: list[str]) -> list[Explanation]:
    """Explain SENCE's codes, one Explanation for each distinct code, at least one.

    A code is any text from outside. One that the catalogue lacks, or has as a draft, gets the
    general text with its number; no code at all, the text for an error without a number. What the
    student can act on comes first, in the order of arrival otherwise. Texts are plain: escape
    them, and don't turn addresses in them into links, since an unknown code is part of its own
    description.
    """
    return current().explain(codes)


def known_errors() -> list[Explanation]:
    """Return every error of the catalogue that is written, by code."""
    snapshot = current()
    return [_explanation(code, snapshot) for code in sorted(snapshot.errors)]


def draft(code: str) -> None:
    """Keep a code that SENCE sent for staff to write its texts, unless it is already there.

    It takes one statement, none where the catalogue knows the code, and leaves alone what can't
    be one of SENCE's codes and whatever comes once MAX_DRAFTS wait (a few more, if they come at
    the same moment). Two at once make one draft: the second waits until the first's transaction
    ends, so call it outside of one that lasts. Raises django.db.Error where the database is away.
    """
    code = code.strip()
    if len(code) > CODE_LENGTH or not re.match(CODE, code) or code in current().errors:
        return
    with connection.cursor() as cursor:
        cursor.execute(ADD_DRAFT, [code, Responsible.SYSTEM.value, MAX_DRAFTS])


def text(key: str, **values: object) -> str:
    """Return the named text with its `{placeholders}` filled; `correo`, `telefonos` and `horas`
    are filled even when not given.

    An unknown placeholder stays as typed. Raises KeyError for a key that `defaults.TEXTS` lacks.
    """
    return current().text(key, **values)


def help_sections(*, after_rut: bool) -> list[Section]:
    """Return the sections for the page of the RUT, or for those after it, in staff's order."""
    return current().help_sections(after_rut=after_rut)


def contact() -> Contact:
    """Return where students write and call."""
    return current().contact


def current() -> Snapshot:
    """Return the catalogue from the cache, else from the database, else as it was last known.

    The cache says which one is current, and is asked at most once in HELD_SECONDS. A process
    keeps the one that it has read, for as long as that is it: to unpickle it for each page costs
    more than most of what a page does.
    """
    held = _held
    if held and time.monotonic() < held.until:
        return held.snapshot
    try:
        name = cache.get(CURRENT)
        if held and held.name == name:
            return _hold(name, held.snapshot)
        snapshot = cache.get(f"{CURRENT}:{name}") if name else None
        return _hold(name, snapshot) if snapshot else _load()
    except DatabaseProblem:
        return _fall_back()


def forget() -> None:
    """Read the tables again the next time that something is asked for."""
    global _held  # noqa: PLW0603 - the process's own
    _held = None
    cache.delete(CURRENT)


def _load() -> Snapshot:
    written = SenceError.objects.filter(is_draft=False)
    snapshot = Snapshot(
        errors=defaults.ERRORS | {row.code: error_text(row) for row in written},
        texts=_default_texts() | dict(HelpText.objects.values_list("key", "text")),
        sections=[
            section_of(row, row.links.all())
            for row in HelpSection.objects.prefetch_related("links")
        ],
        contact=contact_of(ContactDetails.objects.first()),
    )
    cache.set(LAST_KNOWN, snapshot, None)
    return _make_current(snapshot, CACHE_SECONDS)


def _fall_back() -> Snapshot:
    # The cache may live in the same database.
    with contextlib.suppress(DatabaseProblem):
        return _make_current(cache.get(LAST_KNOWN) or _built_in(), FALLBACK_SECONDS)
    return _built_in()


def _make_current(snapshot: Snapshot, seconds: int) -> Snapshot:
    name = secrets.token_hex(8)
    # What it is before which it is: whoever reads the name finds it.
    cache.set(f"{CURRENT}:{name}", snapshot, seconds + 1)
    cache.set(CURRENT, name, seconds)
    return _hold(name, snapshot, is_cached=cache.get(CURRENT) == name)


def _hold(name: str, snapshot: Snapshot, *, is_cached: bool = True) -> Snapshot:
    global _held  # noqa: PLW0603 - the process's own
    # A shared cache that is away must not have each text of a page read the tables.
    seconds = HELD_SECONDS if is_cached else FALLBACK_SECONDS
    _held = Held(name, snapshot, time.monotonic() + seconds)
    return snapshot


def _built_in() -> Snapshot:
    return Snapshot(
        errors=defaults.ERRORS,
        texts=_default_texts(),
        sections=[
            Section(
                key=section.key,
                title=section.title,
                links=[Link(label, url) for label, url in section.links],
                before_rut=section.before_rut,
                after_rut=section.after_rut,
            )
            for section in defaults.SECTIONS
        ],
        contact=contact_of(None),
    )


def _default_texts() -> dict[str, str]:
    return {key: named.text for key, named in defaults.TEXTS.items()}


def error_text(row: SenceError) -> defaults.ErrorText:
    """Return what a row, saved or not, says of its code."""
    return defaults.ErrorText(row.description, row.solution, row.responsible, row.alerts_staff)


def section_of(row: HelpSection, links: Iterable[HelpLink]) -> Section:
    """Return a section as students see it, from rows that may be unsaved; links in their order."""
    return Section(
        key=row.key,
        title=row.title,
        links=[Link(link.label, link.url) for link in links if link.is_visible],
        before_rut=row.before_rut,
        after_rut=row.after_rut,
    )


def contact_of(row: ContactDetails | None) -> Contact:
    """Return a row, saved or not, as students see it; without one, the details that we ship."""
    details = row or ContactDetails(**defaults.CONTACT)
    return Contact(
        email=details.email,
        phones=_lines(details.phones),
        alert_emails=_lines(details.alert_emails),
    )


def _lines(value: str) -> list[str]:
    return [line.strip() for line in value.splitlines() if line.strip()]


def _explanation(code: str, snapshot: Snapshot) -> Explanation:
    known = snapshot.errors.get(code)
    error = known or _unknown_error(code, snapshot.texts)
    values = _common_values(snapshot) | {"codigo": _shortened(code)}
    return Explanation(
        code=code,
        description=fill(error.description, values),
        solution=fill(error.solution, values),
        responsible=error.responsible,
        alerts_staff=error.alerts_staff,
        is_known=known is not None,
    )


def _unknown_error(code: str, texts: dict[str, str]) -> defaults.ErrorText:
    kind = "unknown_error" if code else "no_code"
    return defaults.ErrorText(
        description=texts[f"{kind}_description"],
        solution=texts[f"{kind}_solution"],
        responsible=Responsible.SYSTEM.value,
        alerts_staff=True,
    )


def _common_values(snapshot: Snapshot) -> dict[str, object]:
    return {
        "correo": snapshot.contact.email,
        "telefonos": _in_words(snapshot.contact.phones),
        "horas": settings.SENCE_SESSION_HOURS,
    }


def _in_words(items: Iterable[str]) -> str:
    *first, last = [*items] or [""]
    return f"{', '.join(first)} y {last}" if first else last


def _shortened(code: str) -> str:
    return code if len(code) <= SHOWN_CODE_LENGTH else f"{code[:SHOWN_CODE_LENGTH]}…"


def _dialled(phone: str) -> str:
    digits = re.sub(r"\D", "", phone)
    is_international = digits.startswith("56") and len(digits) == len("56") + 9
    return f"tel:{'+' if is_international else ''}{digits}"
