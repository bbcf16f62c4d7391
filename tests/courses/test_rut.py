"""What people type as their RUT, and what becomes of it."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cl import rut as stdnum_rut

from courses.rut import normalise, validate_rut
from tests.factories import make_rut

numbers = st.integers(min_value=1_000_000, max_value=99_999_999)
TYPED = {
    "12345678-5": "12345678-5",
    "12.345.678-5": "12345678-5",
    "12,345,678-5": None,
    "123456785": "12345678-5",
    "  12345678-5\t": "12345678-5",
    "12 345 678 - 5": "12345678-5",
    "12.345.678\u20135": "12345678-5",
    "12345678\u20115": "12345678-5",
    "12345678\u22125": "12345678-5",
    "12345678\u20145": "12345678-5",
    "0012345678-5": "12345678-5",
    "0.012.345.678-5": "12345678-5",
    "CL12345678-5": "12345678-5",
    "1000005-K": "1000005-k",
    "1.000.005-k": "1000005-k",
    "01000005-k": "1000005-k",
    "-01000005-k": "1000005-k",
    "CL01000005-k": "1000005-k",
    "99999999-9": "99999999-9",
    "\u202a12.345.678-5\u202c": "12345678-5",
    "\ufeff12345678-5\u200b": "12345678-5",
    "12345678\u00ad-5": "12345678-5",
    "": None,
    " ": None,
    "0": None,
    "-": None,
    "k": None,
    "999999-3": None,
    "100000000-4": None,
    "12345678": None,
    "1234567k-5": None,
    "12.345.678-X": None,
    "no lo sé": None,
    "12345678-5\x00": None,
    "1234567\n4": None,
    "12345678-\n5": None,
    "😀": None,
    "1234567😀-5": None,
    "\u200b": None,
    "１２３４５６７８-５": "12345678-5",
    "١٢٣٤٥٦٧٨-٥": None,
    "12345678-5" + " " * 30: None,
    "1" * 1_000_000: None,
    "\ud800": None,
}


@pytest.mark.parametrize(("typed", "canonical"), [pair for pair in TYPED.items() if pair[1]])
def test_a_rut_is_understood_however_it_is_typed(typed, canonical):
    assert normalise(typed) == canonical


@pytest.mark.parametrize("typed", [typed for typed, canonical in TYPED.items() if not canonical])
def test_what_is_no_rut_is_refused_with_a_remedy(typed):
    with pytest.raises(ValidationError) as refused:
        normalise(typed)
    assert refused.value.code in {"rut_format", "rut_check_digit"}
    assert "Escriba" in refused.value.message or "Revise" in refused.value.message


def test_a_wrong_check_digit_is_said_as_such():
    with pytest.raises(ValidationError) as refused:
        normalise("12345678-9")
    assert refused.value.code == "rut_check_digit"


@given(numbers, st.sampled_from(["plain", "dots", "compact", "upper", "zeros"]))
def test_every_number_has_one_canonical_form(number, form):
    canonical = make_rut(number)
    typed = {
        "plain": canonical,
        "dots": stdnum_rut.format(canonical),
        "compact": canonical.replace("-", ""),
        "upper": canonical.upper(),
        "zeros": canonical.zfill(14),
    }[form]
    assert normalise(typed) == canonical
    assert normalise(normalise(typed)) == canonical
    validate_rut(canonical)


@given(numbers)
def test_only_one_check_digit_of_eleven_is_right(number):
    accepted = []
    for digit in "0123456789k":
        try:
            accepted.append(normalise(f"{number}-{digit}"))
        except ValidationError as refused:
            assert refused.code == "rut_check_digit"  # noqa: PT017
    assert accepted == [make_rut(number)]


@given(st.text() | st.text(alphabet="0123456789kK.-CL\n\x00 \u2013", max_size=14))
def test_any_text_gives_a_canonical_rut_or_a_validation_error(typed):
    try:
        canonical = normalise(typed)
    except ValidationError:
        return
    assert canonical == make_rut(int(canonical[:-2]))


@pytest.mark.parametrize("stored", ["12.345.678-5", "1000005-K", "123456785", "012345678-5"])
def test_a_rut_that_is_not_canonical_is_not_stored(stored):
    with pytest.raises(ValidationError):
        validate_rut(stored)


@pytest.mark.django_db
def test_the_database_and_stdnum_agree_on_check_digits():
    candidates = [
        f"{number}-{digit}"
        for number in range(1_000_000, 100_000_000, 412_457)
        for digit in "0123456789k"
    ]
    odd = ["", "-", "12345678-5 ", "\n12345678-5", "12345678-5\n", "012345678-5", "12.345.678-5"]
    odd += [
        "1000005-K",
        "999999-3",
        "100000000-4",
        "12345678-",
        "12345678-55",
        "1234567-",
        "x" * 99,
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rut FROM unnest(%s::text[]) AS rut WHERE rut_is_valid(rut)", [candidates + odd]
        )
        accepted = {row[0] for row in cursor.fetchall()}
    assert len(candidates) > 2_500
    assert accepted == {typed for typed in candidates if stdnum_rut.is_valid(typed)}


@pytest.mark.django_db
def test_the_database_says_neither_yes_nor_no_of_no_rut():
    with connection.cursor() as cursor:
        cursor.execute("SELECT rut_is_valid(NULL)")
        assert cursor.fetchone() == (None,)
