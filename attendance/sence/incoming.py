"""SENCE's callbacks, read tolerantly: whatever the bytes, reading never fails.

Field names may carry stray spaces, values may come in another encoding, fields may be missing or
repeated (all seen in production). What can't be tolerated is said by `Answer.too_large` and
`Answer.is_cut`.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

MAX_BODY = 64 * 1024
"""Bytes kept and read of a body. SENCE's own are below 2 KiB."""
MAX_FIELDS = 100
MAX_CODES = 10
MAX_CODE = 20
MAX_GLOSA = 500
EXPECTED = (
    "CodSence", "CodigoCurso", "IdSesionAlumno", "RunAlumno", "FechaHora", "ZonaHoraria",
    "LineaCapacitacion",
)  # fmt: skip
ECHOED = {
    "IdSesionAlumno": "student_session_id",
    "RunAlumno": "run",
    "CodSence": "sence_code",
    "CodigoCurso": "action_code",
    "LineaCapacitacion": "training_line",
}
"""Fields that SENCE sends back as it got them, with the attempt's attribute for each."""

# After the name may come JSON's and XML's punctuation, percent-encoded or not, or multipart's
# headers. Possessive, so that no body makes it slow.
TOKEN_NEAR_ITS_NAME = re.compile(
    rb"(?i)(token(?>\r?\ncontent-[^\r\n]*+|%[0-9a-f]{2}|[^0-9a-z&]){0,40}?)"
    rb"[0-9a-f]{8}(?:(?:-|%2d)[0-9a-f]{4}){3}(?:-|%2d)[0-9a-f]{12}"
)


@dataclass(frozen=True)
class Answer:
    """A callback's fields: name without spaces and in lower case → its distinct values."""

    values: dict[str, list[str]] = field(default_factory=dict)
    too_large: bool = False
    is_cut: bool = False

    def all(self, name: str) -> list[str]:
        """Return the distinct non-empty values of a field."""
        return self.values.get(name.lower(), [])

    def first(self, name: str) -> str:
        """Return a field's first non-empty value, or an empty string."""
        return next(iter(self.all(name)), "")

    @property
    def glosa(self) -> str:
        """`GlosaError` as it came, bounded; several values joined as SENCE joins codes.

        Every kind of space is a plain one, so that SQL finds the codes that Python does.
        """
        return re.sub(r"\s", " ", ";".join(self.all("GlosaError")))[:MAX_GLOSA]

    @property
    def missing(self) -> list[str]:
        """The fields of the manual's table that did not come (an empty `CodSence` is line 1's)."""
        return [name for name in EXPECTED if name != "CodSence" and not self.all(name)]

    @property
    def is_blank(self) -> bool:
        """Whether none of SENCE's fields came at all."""
        return not any(self.all(name) for name in EXPECTED)


def read(body: bytes, length: int) -> Answer:
    """Return the fields of a form body of which `length` bytes were announced or counted.

    What is cut is not read: a field that is missing or short would say what SENCE did not.
    """
    pairs = body.split(b"&", MAX_FIELDS)
    if length > MAX_BODY or len(pairs) > MAX_FIELDS:
        return Answer(too_large=True)
    if length > len(body):
        return Answer(is_cut=True)
    values: dict[str, list[str]] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        text = _text(value).strip()
        known = values.setdefault(_text(name).strip().lower(), [])
        if text and text not in known:
            known.append(text)
    return Answer(values)


def _text(raw: bytes) -> str:
    data = unquote_to_bytes(raw.replace(b"+", b" "))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    # PostgreSQL's text holds no NUL.
    return text.replace("\x00", "�")


def without_token(body: bytes) -> bytes:
    """Return the body without any field named Token: a secret that SENCE never sends back.

    Its value is also masked where the name comes before it in what is not a form.
    """
    kept = [pair for pair in body.split(b"&") if not _is_named_token(pair)]
    return TOKEN_NEAR_ITS_NAME.sub(rb"\1***", b"&".join(kept))


def _is_named_token(pair: bytes) -> bool:
    name = _text(pair.partition(b"=")[0]).lower()
    return re.sub(r"[^a-z]", "", name) == "token"


def error_codes(glosa: str) -> list[str]:
    """Return the codes of a `GlosaError`, in order, without repeats: `211;204` has two."""
    return list(dict.fromkeys(code[:MAX_CODE] for code in whole_codes(glosa)))[:MAX_CODES]


def whole_codes(glosa: str) -> list[str]:
    """Return the codes of a `GlosaError` as they came, however long or many they are."""
    # Between two semicolons there may be nothing, which is no code.
    return [code for part in glosa.split(";") if (code := part.strip())]


def contradictions(answer: Answer, attempt: object) -> list[str]:
    """Return the names of the echoed fields that contradict the attempt's snapshot.

    The case of the check digit's k is not a contradiction, nor is a field that did not come.
    """
    return [
        name
        for name, attribute in ECHOED.items()
        if any(
            value.lower() != str(getattr(attempt, attribute)).lower() for value in answer.all(name)
        )
    ]
