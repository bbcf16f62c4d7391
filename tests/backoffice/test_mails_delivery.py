"""Sending what waits, through a real mail server that fails in every way."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import again, delivery, outbox, write_to_students_without_session
from courses.models import Student
from tests.attendance_steps import opened
from tests.backoffice.smtp_server import smtp_server
from tests.database_away import database_away
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings):
    with smtp_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_TIMEOUT = 5
        yield server


def wait_for(key, *recipients, now=None, body="Hola", kind=SentMail.Kind.DIGEST):
    """A mail that waits to be sent."""
    now = now or timezone.now()
    mail = outbox.mail(kind, key, to=recipients, subject=f"Asunto {key}", body=body, now=now)
    outbox.queue([mail])
    return SentMail.objects.get(key=f"{kind}:{key}")


def send(now=None):
    return delivery.send_due(now or timezone.now())


def send_mails():
    """Run the command; return its exit status and what it said."""
    out, err = StringIO(), StringIO()
    status = 0
    try:
        call_command("send_mails", stdout=out, stderr=err)
    except SystemExit as end:
        status = end.code
    return status, out.getvalue() + err.getvalue()


def test_a_mail_asked_for_twice_waits_once():
    first = wait_for("1", "a@example.com", body="Primero")
    assert wait_for("1", "b@example.com", body="Segundo") == first
    assert SentMail.objects.get().body == "Primero"


def test_what_waits_goes_out_once_over_one_connection(server):
    for number in range(5):
        wait_for(number, f"p{number}@example.com")
    assert send_mails() == (
        0, "Enviados: 5. Con problemas: 0. Por enviar: 0. Sin destinatario: 0.\n"
    )  # fmt: skip
    assert send_mails()[0] == 0
    assert sorted(server.recipients) == [f"p{number}@example.com" for number in range(5)]
    # The second run had nothing to send and did not even connect.
    assert server.connections == 1
    assert not SentMail.objects.filter(sent_at=None).exists()


def test_a_mail_is_text_and_html_in_spanish_and_answers_go_to_the_contact(server):
    wait_for("1", "a@example.com", body="Atención: <b>ñandú</b>\n\nSesiones\n--------\n- Una: 1")
    send()
    message = server.mails[0][1]
    assert message["Reply-To"] == "cursos@usecap.cl"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "a@example.com"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Atención: <b>ñandú</b>" in text
    assert "Atención: &lt;b&gt;ñandú&lt;/b&gt;" in html
    assert 'lang="es-CL"' in html
    assert "Sesiones</h2>" in html
    assert "Una: 1</li>" in html
    assert "----" not in html


def test_only_addresses_of_this_site_become_links(server):
    wait_for(
        "1",
        "a@example.com",
        body="- Abiertas: 3 <http://localhost:8000/admin/?a=1&b=2>\n- http://malo.example/x",
    )
    send()
    html = server.mails[0][1].get_body(("html",)).get_content()
    assert '<a href="http://localhost:8000/admin/?a=1&amp;b=2"' in html
    assert ">Abiertas: 3</a>" in html
    assert 'href="http://malo' not in html


def test_a_letter_follows_its_student_to_the_corrected_address_until_a_server_took_it(server):
    enrolment = EnrolmentFactory(student__email="mal@exmaple.com")
    server.refused = {"mal@exmaple.com"}
    user = get_user_model().objects.create_superuser("jefa")
    write_to_students_without_session(enrolment.action, user, "Hola", "Texto", timezone.now())
    assert send().failed == 1
    SentMail.objects.update(attempts=outbox.MAX_ATTEMPTS)
    Student.objects.update(email="bien@example.com")
    assert send().sent == 1
    assert server.recipients == ["bien@example.com"]
    Student.objects.update(email="otro@example.com")
    assert send().sent == 0
    assert SentMail.objects.get().recipients == "bien@example.com"


def test_an_address_that_was_taken_away_is_written_to_no_more(server):
    enrolment = EnrolmentFactory(action__course__otec__alert_emails="jefa@example.com")
    user = get_user_model().objects.create_superuser("jefa")
    write_to_students_without_session(enrolment.action, user, "Hola", "Texto", timezone.now())
    Student.objects.update(email="")
    assert send().sent == 0
    # Nor is it for the coordinators.
    again.try_again(SentMail.objects.all())
    assert send().sent == 0
    Student.objects.update(email="nuevo@example.com")
    assert send().sent == 1
    assert server.recipients == ["nuevo@example.com"]


def test_a_server_that_is_away_costs_no_mail_an_attempt(server, settings):
    mail = wait_for("1", "a@example.com")
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    for _ in range(outbox.MAX_ATTEMPTS + 1):
        status, said = send_mails()
        assert status == 1
        assert "El servidor de correo no responde" in said
        assert "Por enviar: 1" in said
    mail.refresh_from_db()
    assert (mail.attempts, mail.sent_at) == (0, None)
    settings.EMAIL_PORT = port
    assert send_mails()[0] == 0
    assert server.recipients == ["a@example.com"]


def test_a_sender_that_is_refused_is_no_mails_fault(server):
    mail = wait_for("1", "a@example.com")
    server.refuses_sender = True
    assert send().server_is_away
    server.refuses_sender = False
    mail.refresh_from_db()
    assert mail.attempts == 0
    assert send().sent == 1


def test_one_refused_address_delays_only_itself(server):
    server.refused = {"malo@example.com"}
    for number, address in enumerate(["a@example.com", "malo@example.com", "b@example.com"]):
        wait_for(number, address)
    assert send_mails()[0] == 1
    assert server.recipients == ["a@example.com", "b@example.com"]
    failed = SentMail.objects.get(sent_at=None)
    assert (failed.recipients, failed.attempts) == ("malo@example.com", 1)


@pytest.mark.parametrize("bad", ["malo@example.com", "no es una dirección", "ñ@", "a\tb@@x"])
def test_of_several_recipients_the_good_ones_get_theirs_once(server, bad):
    server.refused = {"malo@example.com"}
    wait_for("1", "a@example.com", bad, "b@example.com")
    result = send()
    assert (result.sent, result.failed) == (1, 1)
    assert send() == delivery.Result()
    assert server.recipients == ["a@example.com", "b@example.com"]
    assert SentMail.objects.get(sent_at__isnull=False).recipients == "a@example.com\nb@example.com"
    left = SentMail.objects.get(sent_at=None)
    assert (left.recipients, left.attempts, left.kind) == (bad, 1, "digest")


def test_a_connection_dropped_in_the_middle_delays_only_that_mail(server):
    server.dropped = {"b@example.com"}
    for number, address in enumerate(["a@example.com", "b@example.com", "c@example.com"]):
        wait_for(number, address)
    result = send()
    assert (result.sent, result.failed, result.server_is_away) == (2, 1, False)
    assert server.recipients == ["a@example.com", "c@example.com"]
    assert SentMail.objects.get(sent_at=None).attempts == 1


def test_a_server_that_drops_every_mail_is_taken_to_be_away(server):
    for number in range(10):
        wait_for(number, f"p{number}@example.com")
    server.dropped = {f"p{number}@example.com" for number in range(10)}
    assert send().server_is_away
    assert SentMail.objects.filter(attempts=0).count() == 10 - delivery.STRIKES


def test_a_mail_that_breaks_every_connection_holds_the_others_up_for_one_run(server):
    addresses = [f"p{number}@example.com" for number in range(delivery.STRIKES)]
    server.dropped = set(addresses)
    mail = wait_for("1", *addresses)
    wait_for("2", "b@example.com")
    assert send().server_is_away
    mail.refresh_from_db()
    assert mail.attempts == 1
    assert send() == delivery.Result(sent=1)
    assert server.recipients == ["b@example.com"]


def test_a_server_that_hangs_up_after_some_mails_is_called_again(server):
    server.mails_a_connection = 2
    for number in range(5):
        wait_for(number, f"p{number}@example.com")
    assert send() == delivery.Result(sent=5)
    assert server.connections == 3
    assert len(server.mails) == 5


def test_a_mail_that_failed_is_tried_again_later_and_not_for_ever(server):
    server.refused = {"malo@example.com"}
    asked_at = timezone.now()
    mail = wait_for("1", "malo@example.com", now=asked_at)
    moment, second = asked_at, timedelta(seconds=1)
    for attempts, delay in enumerate([timedelta(0), *outbox.RETRY_AFTER]):
        moment += delay
        if attempts:
            assert send_at(moment - second) == delivery.Result()
        assert send_at(moment).failed == 1
        mail.refresh_from_db()
        assert mail.attempts == attempts + 1
    assert mail.retry_at is None
    assert send_at(asked_at + timedelta(days=30)) == delivery.Result()
    assert list(outbox.given_up(timezone.now())) == [mail]


def test_a_mail_that_waited_for_days_and_then_failed_is_not_given_up_within_the_hour(server):
    server.refused = {"malo@example.com"}
    mail = wait_for("1", "malo@example.com", now=timezone.now() - timedelta(days=3))
    assert send().failed == 1
    assert send() == delivery.Result()
    mail.refresh_from_db()
    assert mail.attempts == 1
    assert mail.retry_at > timezone.now()


def send_at(moment):
    with time_machine.travel(moment, tick=False):
        return send()


def test_a_mail_without_recipients_is_kept_and_not_sent(server):
    wait_for("1")
    status, said = send_mails()
    assert status == 0
    assert "Sin destinatario: 1" in said
    assert server.connections == 0


def test_reminders_overtake_letters(server):
    wait_for("1", "carta@example.com")
    session = opened()
    outbox.queue([
        outbox.mail(
            SentMail.Kind.REMINDER, "1", to=["urgente@example.com"], subject="s", body="b",
            now=timezone.now(), session=session,
        )
    ])  # fmt: skip
    send()
    assert server.recipients == ["urgente@example.com", "carta@example.com"]


def test_no_address_and_no_name_reaches_the_logs(server, caplog):
    caplog.set_level(logging.DEBUG)
    server.refused, server.dropped = {"malo@example.com"}, {"corta@example.com"}
    wait_for("1", "malo@example.com")
    wait_for("2", "corta@example.com")
    wait_for("3", "rota@@example.com")
    send()
    text = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)
    assert "was not sent: SMTPRecipientsRefused 550" in text
    assert "example.com" not in text


def test_the_message_id_follows_from_the_mail_and_its_recipient(server):
    mail = wait_for("1", "a@example.com", "b@example.com")
    send()
    # As where we died before we could note that it went.
    SentMail.objects.filter(pk=mail.pk).update(sent_at=None, attempts=0)
    send()
    ids = [(recipient, message["Message-ID"]) for recipient, message in server.mails]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


def at_once(count, call):
    """What `count` calls at the same moment return, each in a thread and connection of its own."""
    start = threading.Barrier(count)

    def run(_):
        try:
            start.wait(timeout=10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_nothing_twice(server):
    for number in range(40):
        wait_for(number, f"p{number}@example.com")
    results = at_once(3, send)
    assert sorted(server.recipients) == sorted(f"p{number}@example.com" for number in range(40))
    assert sum(result.sent for result in results) == 40
    assert sum(result.failed for result in results) == 0


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_someone_else_is_sending_is_passed_over(server):
    wait_for("1", "a@example.com")
    wait_for("2", "b@example.com")
    held, done = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                SentMail.objects.select_for_update().get(key="digest:1")
                held.set()
                done.wait(timeout=10)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(timeout=10)
    try:
        assert send().sent == 1
        assert server.recipients == ["b@example.com"]
    finally:
        done.set()
        holder.join()
    assert send().sent == 1


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_make_one_mail():
    mails = [
        outbox.mail(
            SentMail.Kind.DIGEST, "1", to=["a@example.com"], subject="s", body="b",
            now=timezone.now(),
        )
        for _ in range(8)
    ]  # fmt: skip
    at_once(8, lambda: outbox.queue([mails.pop()]))
    assert SentMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "command",
    [
        ("send_mails",), ("remind_open_sessions",), ("send_daily_digest",), ("check_sence",),
        ("export_attendance",), ("apply_retention",), ("remove_second_factor", "ana"),
        ("anonymise_student", "11111111-1"), ("export_person", "11111111-1", "--to=/no/x"),
    ],
)  # fmt: skip
def test_while_the_database_is_away_the_commands_say_what_to_do(command):
    with database_away(), pytest.raises(CommandError, match="Repita este comando cuando responda"):
        call_command(*command)
