"""4 · What a page, a list or a number costs with many sessions, beside what it costs with few.

`python -m bench.growth` prints one site's times, in milliseconds by page, as JSON.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

from bench import world
from bench.figures import Figure

SECTION = "4 growth"
ROUNDS = 5
TIMES = 5
ENROLLED = 60
"""Students of the action that is looked at, or as near to it as there is one."""


def run(few: int, many: int) -> Iterator[Figure]:
    """Measure both databases in turn, each time in processes of their own."""
    with world.copy_of(world.database(few)) as small, world.copy_of(world.database(many)) as large:
        rounds = [[_measure(name) for name in (small, large)] for _ in range(ROUNDS)]
    for page in rounds[0][0]:
        less, more = (median(one[number][page] for one in rounds) for number in (0, 1))
        yield Figure(SECTION, f"{page}, {many:,} sessions / {few:,}", more, less, "ms",
                     at_most=1.5)  # fmt: skip


def _measure(name: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.growth"],
        cwd=world.ROOT,
        env=world.environment(name),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _times() -> dict[str, float]:
    import django  # noqa: PLC0415 - the one who asks for it has the environment of a site

    django.setup()
    from django.contrib.auth import get_user_model  # noqa: PLC0415
    from django.db.models import Count, F  # noqa: PLC0415
    from django.db.models.functions import Abs  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from attendance.models import AttendanceSession  # noqa: PLC0415
    from courses.models import Action, Student  # noqa: PLC0415

    headers = {"x-forwarded-proto": "https", "host": "127.0.0.1"}
    staff, student = Client(headers=headers), Client(headers=headers)
    everything = {"is_staff": True, "is_superuser": True}
    user, _ = get_user_model().objects.get_or_create(username="bench", defaults=everything)
    staff.force_login(user)
    running = AttendanceSession.objects.open().live().filter(close_required=True)
    session = running.latest("opened_at")
    # Of one size in both databases: in a larger one the largest action is larger too.
    sized = Action.objects.running(timezone.localdate()).annotate(size=Count("enrolments"))
    action = sized.order_by(Abs(F("size") - ENROLLED), "pk")[0]
    person = Student.objects.get(run=session.run)
    student.post("/", {"rut": session.run})
    admin = "/admin/attendance/attendancesession/"
    pages = {
        "RUT": (student, "/"),
        "courses": (student, "/cursos/"),
        "timer": (student, session.get_absolute_url()),
        "own sessions": (student, f"{session.get_absolute_url()}sesiones/"),
        "desk": (staff, "/admin/"),
        "sessions": (staff, admin),
        "sessions, open": (staff, f"{admin}?estado=en-curso"),
        "sessions, overlong": (staff, f"{admin}?estado=excedida"),
        "sessions, of a RUN": (staff, f"{admin}?q={session.run}"),
        "sessions, by surname": (staff, f"{admin}?q={person.surnames.split()[-1]}"),
        "sessions, of an action": (staff, f"{admin}?q={action.code}"),
        "a session": (staff, f"{admin}{session.pk}/change/"),
        "answers": (staff, "/admin/attendance/sencecallback/"),
        "answers to review": (staff, "/admin/backoffice/callbacktoreview/"),
        "board of an action": (staff, f"/admin/tablero/{action.pk}/"),
        "actions": (staff, "/admin/courses/action/"),
        "courses (admin)": (staff, "/admin/courses/course/"),
        "students": (staff, "/admin/courses/student/"),
        "students, by surname": (staff, f"/admin/courses/student/?q={person.surnames.split()[-1]}"),
        "enrolments": (staff, "/admin/courses/enrolment/"),
    }
    return {page: _milliseconds(client, path) for page, (client, path) in pages.items()}


def _milliseconds(client: Any, path: str) -> float:
    def once() -> float:
        begun = perf_counter()
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} was answered with {answer.status_code}")
        return (perf_counter() - begun) * 1000

    once()
    return median(once() for _ in range(TIMES))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    json.dump(_times(), sys.stdout)
