"""What lists draw without Django's templates says what Django would draw, and leads there."""

import uuid

import pytest
from django import forms
from django.contrib import admin
from django.test import SimpleTestCase
from django.urls import reverse, set_script_prefix

from courses.long_lists import LongListAdmin
from courses.models import Course
from usecap_sence.addresses import address_of
from usecap_sence.widgets import LongSelect

HOSTILE = """<b>"'&amp;"""


def test_the_box_that_chooses_a_row():
    rows, row = LongListAdmin(Course, admin.site), Course(pk=12345, name=HOSTILE)
    assert rows.action_checkbox(row) == admin.ModelAdmin.action_checkbox(rows, row)


@pytest.mark.parametrize("value", [None, "", 1, '"2"', "nada"])
def test_a_long_select(value):
    choices = [("", "---------"), (1, HOSTILE), ('"2"', "Dos")]
    ours, djangos = (
        kind(choices=choices).render("curso", value, {"id": "filtro-curso", "required": True})
        for kind in (LongSelect, forms.Select)
    )
    SimpleTestCase().assertHTMLEqual(ours, djangos)
    assert ours.count("<option") == 3


def test_a_rows_address_wherever_the_site_is_mounted():
    rows = [("admin:courses_action_change", 10), ("attendance:session", uuid.uuid4())]
    try:
        for prefix in ("/", "/asistencia/", "/"):
            set_script_prefix(prefix)
            for name, key in rows:
                assert address_of(name, key) == reverse(name, args=[key])
    finally:
        set_script_prefix("/")
