"""Whatever the bytes, a load ends well or with the one exception."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courses.models import RejectedRow
from courses.rosters.columns import SYNONYMS
from courses.rosters.errors import RosterError
from tests.fuzzing import examples
from tests.rosters.makers import csv_bytes, load, ods_bytes, person, table, xls_bytes, xlsx_bytes

pytestmark = pytest.mark.django_db

ROWS = table(person(1), person(2, codigo_accion="0600002"))
GOOD = [
    csv_bytes(ROWS),
    csv_bytes(ROWS, ",", "cp1252"),
    csv_bytes(ROWS, "\t", "utf-16"),
    xlsx_bytes(ROWS),
    xls_bytes(ROWS),
    ods_bytes(ROWS),
]
STARTS = [b"", b"rut;codigo_accion\n", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", GOOD[4][:512]]
cells = st.one_of(
    st.text(max_size=30),
    st.sampled_from([cell for row in ROWS for cell in row if cell]),
    st.sampled_from(["-1", "1e+400", "٣", "１", "²", "0", "31-02-2026", "٠١-٠٣-٢٠٢٦", "9" * 400]),
)
slow = settings(max_examples=examples(30))


def survives(data):
    """Load twice: both end well, or in the one exception, with the same rows rejected."""
    try:
        first, second = load(data), load(data)
    except RosterError:
        return
    assert first.read == first.created + first.updated + first.unchanged + first.rejected
    assert second.unchanged == second.read - second.rejected == first.read - first.rejected
    assert first.troubles == second.troubles or first.created
    assert not RejectedRow.objects.filter(reason="").exists()


@slow
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=2000))
def test_any_bytes_at_all(otec, start, rest):
    survives(start + rest)


@slow
@given(data=st.data(), good=st.sampled_from(GOOD))
def test_a_good_file_with_some_bytes_changed(otec, data, good):
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(changed[: data.draw(st.integers(1, len(good)))]))


@slow
@given(
    columns=st.lists(st.sampled_from(sorted(SYNONYMS)), unique=True),
    rows=st.lists(st.lists(cells, max_size=18), max_size=8),
)
def test_any_cells_under_a_header(otec, columns, rows):
    out = io.StringIO()
    header = ["rut", "codigo_accion", *(c for c in columns if c not in ("rut", "codigo_accion"))]
    csv.writer(out, delimiter=";").writerows([header, *rows])
    survives(out.getvalue().encode("utf-8", "surrogatepass"))


@slow
@given(rows=st.lists(st.lists(cells.filter(str.isprintable), max_size=18), max_size=8))
def test_any_cells_in_a_workbook(otec, rows):
    survives(xlsx_bytes([ROWS[0], *rows]))
