"""The command, as a person or a script runs it."""

import io
import os
import stat
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from courses.models import Enrolment, RosterImport
from tests.factories import OtecFactory
from tests.rosters.makers import csv_bytes, person, table, xlsx_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def roster(tmp_path):
    """A function that writes a roster of `people` and returns its path."""

    def write(*people):
        path = tmp_path / "inscritos.csv"
        path.write_bytes(csv_bytes(table(*people)))
        return path

    return write


def run(*arguments):
    """Run the command and return (exit status, what it printed, what it said last)."""
    out = io.StringIO()
    try:
        call_command("import_enrolments", *map(str, arguments), stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def test_a_good_roster_ends_with_its_summary_and_status_0(otec, roster):
    status, said, _ = run(roster(person(1), person(2)))
    assert status == 0
    assert "Leídas: 2. Creadas: 2. Actualizadas: 0. Sin cambios: 0. Rechazadas: 0." in said
    assert "Cursos nuevos: 1. Acciones nuevas: 1." in said


def test_some_rejected_rows_end_with_status_3_and_the_others_load(otec, roster):
    status, said, last = run(roster(person(1), person(2, linea="9")))
    assert status == 3
    assert "Línea 3, linea «9»: La línea de capacitación es 1, 3 o 6." in said
    assert "Creadas: 1" in said
    assert "Filas rechazadas: 1." in last
    assert Enrolment.objects.count() == 1


def test_all_or_nothing_ends_with_status_1_and_nothing_loaded(otec, roster):
    status, _, last = run(roster(person(1), person(2, linea="9")), "--all-or-nothing")
    assert status == 1
    assert "No se cargó ninguna fila" in last
    assert not Enrolment.objects.exists()


def test_a_roster_of_nothing_but_bad_rows_ends_with_status_1(otec, roster):
    assert run(roster(person(1, linea="9")))[0] == 1


def test_a_file_that_cannot_be_read_ends_with_status_1_and_a_sentence(tmp_path):
    assert run(tmp_path / "nada.csv")[::2] == (
        1,
        f"No existe el archivo {tmp_path / 'nada.csv'}. Revise la ruta.",
    )


def test_a_dry_run_says_so_and_keeps_nothing(otec, roster):
    status, said, _ = run(roster(person(1)), "--dry-run")
    assert status == 0
    assert "Prueba: no se guardó nada" in said
    assert "Creadas: 1" in said
    assert not RosterImport.objects.exists()


def test_the_terminal_shows_no_rut_no_name_and_no_mail(otec, roster):
    people = (
        person(1),
        person(1),
        person(2, rut="11.000.002-1"),
        person(3, correo="ana@malo", nombres="A" * 151),
        person(4, curso=person(4)["rut"]),
        person(5, rut_otec=person(5)["rut"]),
    )
    _, said, last = run(roster(*people))
    assert "Rechazadas: 5" in said
    for secret in ("11000001", "11.000.002", "ana@malo", "AAA", "11000004", "11000005"):
        assert secret not in said + last


def test_a_file_without_a_header_is_not_shown_in_the_terminal(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(table(person(1))[1:]))
    _, _, last = run(path)
    assert "faltan rut y codigo_accion" in last
    assert "11000001" not in last
    assert "Muñoz" not in last


def test_what_the_file_has_beyond_is_named(otec, tmp_path):
    rows = [[*row, "x"] for row in table(person(1, ambiente=""))]
    rows[0][-1] = "Sucursal"
    path = tmp_path / "a.csv"
    path.write_bytes(xlsx_bytes(rows))
    _, said, _ = run(path)
    assert "Hoja leída: Inscritos." in said
    assert "Columnas que no se usan: Sucursal." in said
    assert "en producción, porque el archivo no dice el ambiente: 1." in said


def test_the_report_has_every_rejected_row_for_its_owner_alone(otec, roster, tmp_path):
    report = tmp_path / "rechazos.csv"
    bad = [person(n, linea="9") for n in range(30)]
    _, said, _ = run(roster(*bad), "--report", report)
    assert "--report" in said
    assert len(report.read_text("utf-8-sig").splitlines()) == 31
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_the_report_never_overwrites_the_roster(otec, roster):
    path = roster(person(1))
    status, _, last = run(path, "--report", path)
    assert status == 1
    assert "sobre el archivo que se carga" in last
    assert path.stat().st_size


def test_a_report_that_cannot_be_written_stops_the_load(otec, roster, tmp_path):
    status, _, last = run(roster(person(1)), "--report", tmp_path / "nada" / "r.csv")
    assert status == 1
    assert "No se puede escribir el informe" in last
    assert not Enrolment.objects.exists()


def this_database():
    """The environment that gives another process this test's database."""
    info = connection.connection.info
    place = f"/{info.host}" if info.host.startswith("/") else f"{info.host}:{info.port}"
    return {
        "DATABASE_URL": f"postgres://{place}/{info.dbname}",
        "PGUSER": info.user,
        "PGPASSWORD": info.password,
        "PGPORT": str(info.port),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }


def test_a_disk_that_is_full_undoes_the_load(otec, roster):
    status, _, last = run(roster(person(1)), "--report", "/dev/full")
    assert status == 1
    assert "No se cargó nada" in last
    assert not Enrolment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_script_pipes_a_roster_and_reads_the_status():
    OtecFactory()
    data = csv_bytes(table(person(1), person(2, linea="9")))
    done = subprocess.run(
        [sys.executable, "manage.py", "import_enrolments", "-", "--progress"],
        input=data,
        capture_output=True,
        cwd=settings.BASE_DIR,
        env=os.environ | this_database(),
        check=False,
    )
    assert done.returncode == 3
    assert "Creadas: 1" in done.stdout.decode()
    assert b"100%" in done.stderr
    assert Enrolment.objects.count() == 1
