"""A code that SENCE sends and the catalogue lacks becomes a draft, for staff to write."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from errors_catalog import catalogue
from errors_catalog.models import SenceError

pytestmark = pytest.mark.django_db


def drafts() -> list[str]:
    found = SenceError.objects.filter(is_draft=True).order_by("code")
    return list(found.values_list("code", flat=True))


def test_a_new_code_waits_to_be_written_and_staff_are_told_of_it_meanwhile():
    catalogue.draft("999")
    row = SenceError.objects.get(code="999")
    assert (row.is_draft, row.description, row.solution) == (True, "", "")
    assert (row.responsible, row.alerts_staff) == ("system", True)
    assert str(row) == "999: por escribir"


def test_students_read_the_general_text_of_a_draft():
    catalogue.draft("999")
    catalogue.forget()
    [error] = catalogue.explain(["999"])
    assert error.description == "Sence respondió con el error 999, que aún no conocemos."
    assert not error.is_known
    assert "999" not in [known.code for known in catalogue.known_errors()]


def test_a_draft_is_not_in_the_guide(client):
    catalogue.draft("999")
    catalogue.forget()
    assert "error-999" not in client.get("/guia/").content.decode()


def test_the_same_code_twice_is_one_draft():
    catalogue.draft("999")
    catalogue.draft(" 999 ")
    assert drafts() == ["999"]


def test_what_staff_wrote_is_never_made_a_draft_again():
    catalogue.draft("999")
    SenceError.objects.filter(code="999").update(
        description="Descripción.", solution="Solución.", is_draft=False
    )
    catalogue.draft("999")
    assert drafts() == []
    assert SenceError.objects.get(code="999").description == "Descripción."


def test_a_draft_takes_one_query_and_a_known_code_none(django_assert_num_queries):
    catalogue.explain(["311"])
    with django_assert_num_queries(1):
        catalogue.draft("999")
    with django_assert_num_queries(0):
        catalogue.draft("311")
    assert drafts() == ["999"]


@pytest.mark.parametrize(
    "code",
    ["", " ", "9" * 21, "<script>", "2 11", "99\n9", "999\x00", "ñ", "{codigo}", "9;9", "９９９"],
)
def test_what_cannot_be_a_code_is_left_alone(code, django_assert_num_queries):
    with django_assert_num_queries(0):
        catalogue.draft(code)
    assert drafts() == []


@pytest.mark.parametrize("code", ["0", "-1", "E_500", "9" * 20])
def test_whatever_has_the_shape_of_a_code_is_kept(code):
    catalogue.draft(code)
    assert drafts() == [code]


def test_nobody_fills_the_catalogue_with_drafts(monkeypatch):
    monkeypatch.setattr(catalogue, "MAX_DRAFTS", 3)
    for number in range(900, 910):
        catalogue.draft(str(number))
    assert drafts() == ["900", "901", "902"]
    SenceError.objects.filter(code="901").update(is_draft=False)
    catalogue.draft("950")
    assert drafts() == ["900", "902", "950"]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_draft():
    together = Barrier(8)

    def send(_: int) -> None:
        together.wait()
        try:
            catalogue.draft("999")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as senders:
        list(senders.map(send, range(8)))
    assert drafts() == ["999"]
