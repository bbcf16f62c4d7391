"""Answers to review leave their list once staff say, by name, that they looked at them."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from attendance.models import SenceCallback
from backoffice.models import CallbackReview, CallbackToReview
from tests.attendance_steps import again, answer, opened, post
from tests.backoffice.staff import GROUPS, browser_of, member

pytestmark = pytest.mark.django_db

LIST = "/admin/backoffice/callbacktoreview/"


def flagged(session=None):
    session = session or opened()
    post(session, "open", answer(session, CodigoCurso="9999999"))
    return CallbackToReview.objects.filter(public_id=session.public_id).latest("pk")


def mark(client, *answers, note="Lo vimos con Sence", query=""):
    chosen = [row.pk for row in answers]
    fields = {"action": "mark_reviewed", "_selected_action": chosen, "confirmada": "1"}
    return client.post(LIST + query, fields | {"reason": note}, follow=True)


def listed(client, **query):
    return {row.pk for row in client.get(LIST, query).context["cl"].result_list}


def session_page(session):
    return reverse("admin:attendance_attendancesession_change", args=[session.pk])


def resolve(client, session, reason="Se cerró por teléfono"):
    url = reverse("admin:attendance_attendancesession_changelist")
    fields = {"action": "resolve", "_selected_action": [session.pk], "confirmada": "1"}
    return client.post(url, fields | {"reason": reason}, follow=True)


@pytest.mark.parametrize("group", [*GROUPS, None])
def test_who_resolves_sessions_marks_answers_as_reviewed(group):
    row, user = flagged(), member(group)
    mark(browser_of(user), row)
    assert CallbackReview.objects.exists() is user.has_perm("attendance.resolve_attendancesession")


def test_a_reviewed_answer_leaves_the_list_and_says_who_and_why():
    session = opened()
    row, other = flagged(session), flagged()
    client = browser_of(member("Coordinador", "ana"))
    assert "Respuestas revisadas: 1." in mark(client, row).content.decode()
    assert listed(client) == {other.pk}
    assert listed(client, revision="revisadas") == {row.pk}
    assert listed(client, revision="todas") == {row.pk, other.pk}
    for model in ("attendance_sencecallback", "backoffice_callbacktoreview"):
        page = client.get(reverse(f"admin:{model}_change", args=[row.pk])).content.decode()
        assert "por ana: Lo vimos con Sence" in page
    assert "por ana: Lo vimos con Sence" in client.get(session_page(session)).content.decode()
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user.username) == (str(row.pk), "ana")


def test_it_is_asked_for_with_a_reason_before_it_is_done():
    row, client = flagged(), browser_of(member("Coordinador"))
    asked = client.post(LIST, {"action": "mark_reviewed", "_selected_action": [row.pk]})
    page = asked.content.decode()
    assert "1 respuesta elegida" in page
    assert row.verdict.session.run in page
    assert "Este campo es obligatorio" in mark(client, row, note="  ").content.decode()
    assert not CallbackReview.objects.exists()


def test_the_first_review_stands():
    row = flagged()
    mark(browser_of(member("Coordinador", "ana")), row, note="Primera")
    page = mark(
        browser_of(member("Coordinador", "eva")), row, note="Otra", query="?revision=todas"
    ).content.decode()
    assert "Respuestas revisadas: 0." in page
    assert CallbackReview.objects.get().note == "Primera"


def test_an_answer_of_another_otec_is_not_marked():
    mine, other = flagged(), flagged()
    client = browser_of(member("Coordinador", otecs=[mine.verdict.session.otec]))
    mark(client, mine, other)
    assert CallbackReview.objects.get().callback_id == mine.pk


def test_a_selection_of_nobodys_numbers_is_refused():
    fields = {"action": "mark_reviewed", "_selected_action": "x", "confirmada": "1", "reason": "x"}
    assert browser_of(member("Coordinador")).post(LIST, fields).status_code == 400


def test_resolving_a_session_reviews_its_answers_with_the_same_reason():
    session = opened()
    row, other = flagged(session), flagged()
    client = browser_of(member("Coordinador", "ana"))
    resolve(client, session)
    review = CallbackReview.objects.get()
    assert (review.callback_id, review.note) == (row.pk, "Se cerró por teléfono")
    assert review.reviewed_by.username == "ana"
    assert listed(client) == {other.pk}


def test_a_session_that_cannot_be_resolved_keeps_its_answers_to_review():
    session = opened()
    row = flagged(session)
    again(session).mark_closed(timezone.now(), time="", zone="")
    client = browser_of(member("Coordinador"))
    resolve(client, session)
    assert listed(client) == {row.pk}


def test_the_desk_and_the_filters_count_those_that_are_pending():
    session = opened()
    row, other = flagged(session), flagged()
    client = browser_of(member("Coordinador"))
    mark(client, row)
    shown = client.get("/admin/").context["desk"].numbers
    number = next(n for n in shown if n.label == "Respuestas observadas")
    assert (number.count, number.url) == (1, LIST)
    answers = client.get("/admin/attendance/sencecallback/?resultado=revisar")
    assert {row.pk for row in answers.context["cl"].result_list} == {other.pk}
    sessions = client.get("/admin/attendance/attendancesession/?estado=observada")
    found = {row.pk for row in sessions.context["cl"].result_list}
    assert found == {other.verdict.session_id}


def test_the_answer_itself_stays_as_it_came():
    row = flagged()
    before = SenceCallback.objects.filter(pk=row.pk).values().get()
    mark(browser_of(member("Coordinador")), row)
    assert SenceCallback.objects.filter(pk=row.pk).values().get() == before


# What the pages say


def test_a_page_that_is_only_read_goes_back_and_closes_nothing():
    session = opened()
    page = browser_of(member("Coordinador")).get(session_page(session)).content.decode()
    assert 'class="closelink">Volver</a>' in page
    assert 'class="closelink">Cerrar</a>' not in page


def test_before_resolving_it_is_said_what_follows():
    session = opened()
    fields = {"action": "resolve", "_selected_action": [session.pk]}
    url = reverse("admin:attendance_attendancesession_changelist")
    page = browser_of(member("Coordinador")).post(url, fields).content.decode()
    assert "El alumno podrá iniciar otra sesión" in page
    assert "En Sence no cambia nada" in page


def test_the_catalogue_says_in_words_whether_an_error_is_told_to_coordination():
    page = browser_of(member("Coordinador")).get("/admin/errors_catalog/senceerror/")
    results = page.content.decode().split('id="result_list"')[1]
    assert "icon-no" not in results
    assert "Sí, avisa" in results
