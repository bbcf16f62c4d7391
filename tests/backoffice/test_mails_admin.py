"""The list of mails in admin: what waits, what went, and what staff can do about it."""

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import outbox, remind
from courses import long_lists
from courses.models import StaffScope, Student
from tests.attendance_steps import opened
from tests.factories import OtecFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/attendance/sentmail/"


def staff(group, *otecs):
    user = User.objects.create_user(f"persona-{group}", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    if otecs:
        StaffScope.objects.create(user=user).otecs.set(otecs)
    return user


@pytest.fixture
def coordinator():
    return staff("Coordinador")


def reminder(user=None):
    session = opened()
    remind(session, user or User.objects.create_superuser("jefa"), timezone.now())
    return SentMail.objects.get(session=session)


def digest(otec, *recipients):
    new = outbox.mail(
        SentMail.Kind.DIGEST, f"{otec.pk}", to=recipients, subject="Resumen", body="Texto",
        now=timezone.now(), otec=otec,
    )  # fmt: skip
    outbox.queue([new])
    return SentMail.objects.get(key=new.key)


def listed(client, **query):
    response = client.get(LIST, query)
    assert response.status_code == 200
    return set(response.context["cl"].result_list)


@pytest.mark.parametrize("group", ["Coordinador", "Administrador", "Auditor"])
def test_a_mail_can_be_read_and_not_changed(client, group):
    row = reminder()
    client.force_login(staff(group))
    page = client.get(reverse("admin:attendance_sentmail_change", args=[row.pk]))
    assert page.status_code == 200
    assert row.enrolment.student.email in page.content.decode()
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{row.pk}/change/", {"body": "x"}).status_code == 403
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_each_state_has_its_list(client, coordinator):
    otec = OtecFactory(alert_emails="")
    rows = {
        "espera": digest(OtecFactory(), "a@example.com"),
        "enviado": digest(OtecFactory(), "a@example.com"),
        "fallido": digest(OtecFactory(), "a@example.com"),
        "sin-destinatario": digest(otec),
        "fuera-de-plazo": reminder(),
    }
    SentMail.objects.filter(pk=rows["enviado"].pk).update(sent_at=timezone.now())
    SentMail.objects.filter(pk=rows["fallido"].pk).update(attempts=outbox.MAX_ATTEMPTS)
    rows["fuera-de-plazo"].session.mark_closed(timezone.now(), time="", zone="")
    client.force_login(coordinator)
    for state, row in rows.items():
        assert listed(client, estado=state) == {row}
    page = client.get(LIST).content.decode().split('id="result_list"')[-1]
    for label in (
        "Por enviar", "Enviado", "No se pudo enviar", "Sin destinatario", "Ya no correspondía"
    ):  # fmt: skip
        assert label in page
    assert listed(client) == set(rows.values())
    assert listed(client, estado="inventado") == set(rows.values())


def test_who_works_for_some_otecs_sees_only_their_mails(client):
    own, other = reminder(), digest(OtecFactory(), "secreta@example.com")
    client.force_login(staff("Coordinador", own.otec))
    assert listed(client) == {own}
    assert listed(client, q="secreta") == set()
    assert other.otec.name not in client.get(LIST).content.decode()
    assert client.get(f"{LIST}{other.pk}/change/").status_code == 302
    again(client, other)
    other.refresh_from_db()
    assert other.attempts == 0


@pytest.mark.parametrize("typed", ["{run}", "{RUN}", "{email}", "recuerde cerrar", "{name}"])
def test_mails_are_found_by_run_name_address_and_subject(client, coordinator, typed):
    row = reminder()
    digest(OtecFactory(), "a@example.com")
    student = row.enrolment.student
    values = {
        "run": student.run, "RUN": student.run.upper(), "email": student.email,
        "name": student.surnames,
    }  # fmt: skip
    client.force_login(coordinator)
    assert listed(client, q=typed.format(**values)) == {row}


@pytest.mark.parametrize("rows", [1, 12])
def test_the_list_asks_the_same_of_the_database_however_long(
    client, coordinator, rows, django_assert_num_queries
):
    boss = User.objects.create_superuser("jefa")
    for _ in range(rows):
        reminder(boss)
    client.force_login(coordinator)
    with django_assert_num_queries(8):
        assert len(listed(client)) == rows


def again(client, *rows):
    return client.post(
        LIST, {"action": "try_again", "_selected_action": [row.pk for row in rows]}, follow=True
    )


def test_staff_have_a_mail_that_was_given_up_tried_again(client, coordinator):
    row = digest(OtecFactory(), "a@example.com")
    SentMail.objects.update(attempts=outbox.MAX_ATTEMPTS)
    call_command("send_mails", verbosity=0)
    assert mail.outbox == []
    client.force_login(coordinator)
    page = again(client, row).content.decode()
    assert "Correos que se volverán a intentar: 1." in page
    call_command("send_mails", verbosity=0)
    assert [message.to for message in mail.outbox] == [["a@example.com"]]
    # What was sent stays sent.
    assert "Correos que se volverán a intentar: 0." in again(client, row).content.decode()
    call_command("send_mails", verbosity=0)
    assert len(mail.outbox) == 1


def test_a_mail_without_recipients_goes_to_whom_its_otec_names_by_now(client, coordinator):
    otec, other = OtecFactory(), OtecFactory(alert_emails="otra@example.com")
    row = digest(otec)
    digest(other, "otra@example.com")
    client.force_login(coordinator)
    assert "intentar: 0." in again(client, row).content.decode()
    otec.alert_emails = "ana@example.com\nluis@example.com"
    otec.save()
    assert "intentar: 1." in again(client, row).content.decode()
    row.refresh_from_db()
    assert row.recipients == "ana@example.com\nluis@example.com"


def test_what_is_tried_again_goes_to_the_address_that_the_student_has_by_now(client, coordinator):
    row = reminder()
    SentMail.objects.update(attempts=outbox.MAX_ATTEMPTS)
    Student.objects.update(email="bien@example.com")
    client.force_login(coordinator)
    data = {"action": "try_again", "_selected_action": [row.pk]}
    page = client.post(LIST, data, follow=True).content.decode()
    assert "Correos que se volverán a intentar: 1." in page
    row.refresh_from_db()
    assert (row.recipients, row.attempts) == ("bien@example.com", 0)


def test_whatever_is_not_tried_again_is_told_why_and_what_to_do(client, coordinator):
    waits, gone = digest(OtecFactory(), "a@example.com"), digest(OtecFactory(), "b@example.com")
    failed, late = digest(OtecFactory(), "c@example.com"), reminder()
    nobody = digest(OtecFactory(alert_emails=""))
    SentMail.objects.filter(pk=gone.pk).update(sent_at=timezone.now())
    SentMail.objects.filter(pk=failed.pk).update(attempts=outbox.MAX_ATTEMPTS)
    late.session.mark_closed(timezone.now(), time="", zone="")
    client.force_login(coordinator)
    page = again(client, waits).content.decode()
    assert "Correos que se volverán a intentar: 0." in page
    assert "Ya están por salir, sin ningún intento fallido: no hay que hacer nada" in page
    page = again(client, waits, gone, failed, late, nobody).content.decode()
    assert "Correos que se volverán a intentar: 1." in page
    assert "No se volverán a intentar: 4." in page
    for why in (
        "si siguen aquí, avise a quien administra el sistema (1).", "Ya se enviaron",
        "Ya no corresponden", "No tienen a quién ir: escriba el correo",
    ):  # fmt: skip
        assert why in page
    # Out of the list that it was chosen in, since it is no longer given up.
    SentMail.objects.filter(pk=failed.pk).update(attempts=outbox.MAX_ATTEMPTS)
    data = {"action": "try_again", "_selected_action": [failed.pk]}
    page = client.post(f"{LIST}?estado=fallido", data, follow=True).content.decode()
    assert "Correos que se volverán a intentar: 1." in page


def test_more_mails_than_are_tried_at_once_are_refused_whole(client, coordinator, monkeypatch):
    monkeypatch.setattr(long_lists, "MOST_COUNTED", 1)
    rows = digest(OtecFactory(), "a@example.com"), digest(OtecFactory(), "b@example.com")
    SentMail.objects.update(attempts=outbox.MAX_ATTEMPTS)
    client.force_login(coordinator)
    page = again(client, *rows).content.decode()
    assert "Se cambian hasta 1 a la vez y eligió más" in page
    assert set(SentMail.objects.values_list("attempts", flat=True)) == {outbox.MAX_ATTEMPTS}


def test_an_auditor_has_nothing_tried_again(client):
    row = digest(OtecFactory(), "a@example.com")
    SentMail.objects.update(attempts=outbox.MAX_ATTEMPTS)
    client.force_login(staff("Auditor"))
    assert "Volver a intentar" not in client.get(LIST).content.decode()
    again(client, row)
    row.refresh_from_db()
    assert row.attempts == outbox.MAX_ATTEMPTS
