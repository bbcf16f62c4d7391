"""load_demo (replay_callbacks is in test_spool.py, check_sence in the back office)."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from attendance import demo
from attendance.models import AttendanceSession, State
from courses.models import Enrolment, Environment, Otec
from sence_simulator.memory import Memory
from tests.attendance_steps import choose, identified

pytestmark = pytest.mark.django_db


def everything():
    """Every row of our own tables."""
    models = [m for app in ("courses", "attendance", "errors_catalog")
              for m in apps.get_app_config(app).get_models()]  # fmt: skip
    return {model: list(model.objects.order_by("pk").values()) for model in models}


def test_load_demo_twice_changes_nothing_the_second_time(settings, tmp_path, capsys):
    settings.DEBUG = True
    registry = tmp_path / "sence.json"
    call_command("load_demo", registry=registry)
    first, said = everything(), registry.read_text()
    call_command("load_demo", registry=registry)
    assert everything() == first
    assert json.loads(registry.read_text()) == json.loads(said)
    assert "11111111-1" in capsys.readouterr().out


def test_load_demo_a_day_later_keeps_what_was_done_and_renews_what_passed(
    settings, capsys, time_machine
):
    settings.DEBUG = True
    time_machine.move_to("2026-11-23T15:00:00Z", tick=False)
    call_command("load_demo")
    done = set(AttendanceSession.objects.values_list("pk", flat=True))
    time_machine.shift(timedelta(days=1))
    call_command("load_demo")
    assert done <= set(AttendanceSession.objects.values_list("pk", flat=True))
    near = AttendanceSession.objects.live().get(run="15000000-9")
    assert not near.is_past_limit(timezone.now())
    assert AttendanceSession.objects.live().get(run="15000001-7").is_past_limit(timezone.now())


def test_the_simulator_closes_the_sessions_that_the_demo_begins_with(settings, capsys):
    settings.DEBUG = True
    call_command("load_demo")
    memory = Memory()
    for run in demo.OPEN_FOR:
        session = AttendanceSession.objects.live().get(run=run)
        sent = {"RunAlumno": run, "IdSesionSence": session.sence_session_id}
        assert memory.close_session(memory.receive(sent, environment="rcetest", closing=True))


def test_load_demo_refuses_outside_development(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="solo con DEBUG=true"):
        call_command("load_demo")
    assert not Otec.objects.exists()


def test_the_demo_has_a_student_for_each_case(settings, capsys):
    settings.DEBUG = True
    call_command("load_demo")
    assert not Enrolment.objects.exclude(action__environment=Environment.TEST).exists()
    said = {}
    for run, *_ in demo.CASES:
        enrolment = Enrolment.objects.filter(student__run=run).earliest("pk")
        response = choose(identified(enrolment), enrolment)
        said[run] = response.content.decode() if response.status_code == 200 else "started"
    assert "becario" in said.pop("33333333-3")
    assert "comienza el" in said.pop("66666666-6")
    assert "todavía no se puede enviar a Sence" in said.pop("77777777-7")
    assert set(said.values()) == {"started"}
    assert AttendanceSession.objects.get(run="11111111-1").state == State.REQUESTED
    course = AttendanceSession.objects.get(run="11111111-1").course_name
    assert course == "APLICACION DE EXCEL PARA PLANILLAS DE CALCULO, INTERMEDIO"
