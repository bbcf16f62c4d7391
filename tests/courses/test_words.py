"""Words typed find people by an index, however they are written; lists count to a bound."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from courses.long_lists import MoreThan, bounded_count
from courses.models import STUDENT_WORDS, Student
from courses.words import found_by_words, have_words, parted
from tests.factories import EnrolmentFactory, StudentFactory

pytestmark = pytest.mark.django_db


def found(typed: str) -> set[int]:
    students = Student.objects.filter(found_by_words(Student.objects.all(), typed, *STUDENT_WORDS))
    return set(students.values_list("pk", flat=True))


@pytest.mark.parametrize(
    "text",
    [
        "María-José O'Higgins",
        "ÑUÑOA  Pérez",
        "ana.soto+x@example.cl",
        "João Çelik",
        "Mădălina Erdős Żak İpek Ștefan",
        "ØYVIND ŁUKASZ ĐORĐE ÆSA",
        "Ελένη ИВАН",
        "12345678-k",
        " - ",
    ],
)
def test_the_database_parts_a_text_into_words_as_we_do(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(search_words(%s))", [text])
        assert cursor.fetchone()[0] == sorted(set(parted(text)))


@pytest.mark.parametrize(
    "typed",
    [
        "nun",
        "PEREZ maria",
        "maria-jose",
        "josé",
        "mj.perez@example",
        "12.345",
        "123456785",
        "12345678-5 nuñez",
    ],
)
def test_a_student_is_found_by_how_each_word_begins(typed):
    student = StudentFactory(
        run="12345678-5",
        given_names="María José",
        surnames="Pérez Núñez",
        email="mj.perez@example.cl",
    )
    StudentFactory(given_names="Ana", surnames="Soto", email="ana@otra.cl")
    assert found(typed) == {student.pk}


@pytest.mark.parametrize("typed", ["", " ", "-", "%", "\x00", "'", "\\", "':*", "a" * 3000, "😀"])
def test_what_has_no_word_of_theirs_finds_nobody(typed):
    StudentFactory(given_names="Ana", surnames="Soto", email="")
    assert found(typed) == set()


def test_students_are_found_by_the_index_and_not_row_by_row():
    query = Student.objects.filter(have_words("soto", *STUDENT_WORDS)).order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "student_words" in query.explain()


def test_students_are_found_by_the_index_first_whatever_order_the_page_wants():
    found = found_by_words(Student.objects.all(), "soto", *STUDENT_WORDS)
    with connection.cursor() as cursor:
        # As a rare word among a million looks to PostgreSQL: to read in order seems cheaper.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    assert "student_words" in Student.objects.filter(found).order_by("-pk")[:501].explain()
    assert "student_words" in Student.objects.filter(found)[:100].explain()


def test_a_count_says_where_it_stopped_and_is_exact_before(monkeypatch):
    StudentFactory.create_batch(3)
    monkeypatch.setattr("courses.long_lists.MOST_COUNTED", 3)
    assert str(bounded_count(Student.objects.all())) == "3"
    monkeypatch.setattr("courses.long_lists.MOST_COUNTED", 2)
    assert str(bounded_count(Student.objects.all())) == f"{MoreThan(2)}" == "más de 2"
    assert f"{MoreThan(10_000)}" == "más de 10\xa0000"


@pytest.mark.parametrize("model", ["student", "enrolment", "action", "course"])
def test_a_long_list_shows_no_wrong_number_as_exact(admin_client: Client, monkeypatch, model):
    EnrolmentFactory.create_batch(3)
    monkeypatch.setattr("courses.long_lists.MOST_COUNTED", 2)
    page = admin_client.get(reverse(f"admin:courses_{model}_changelist")).content.decode()
    assert "más de 2" in page
    assert "3 en total" not in page


def test_no_list_counts_every_row_to_help_a_search():
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label in ("courses", "attendance", "backoffice"):
            assert not model_admin.show_full_result_count, model
