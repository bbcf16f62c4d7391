"""A roster from a coordinator's hands to the database: checked first, loaded once confirmed.

Both steps run in a thread of their own on the importer that `import_enrolments` uses, so that the
browser may be closed meanwhile. What a step found is kept on the `RosterUpload`. Whoever works on
one holds a lock of PostgreSQL's, which ends with its process: so a deploy is noticed.
"""

import csv
import io
import logging
import re
import threading
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import connection, transaction
from django.utils import timezone

from backoffice.models import PASTED, RosterUpload
from courses.models import Action
from courses.rosters.errors import RosterError
from courses.rosters.load import Progress, RosterResult, load_roster
from courses.rosters.sources import receive, stream_chunks
from courses.rut import normalise
from usecap_sence import locks

logger = logging.getLogger(__name__)
Step = RosterUpload.Step

MAX_BYTES = 30 * 2**20
PENDING_FOR = timedelta(days=1)
PROGRESS_SECONDS = 0.5
LOCKS = 0x5550
"""The first of an upload's two keys among PostgreSQL's advisory locks: this module's own."""
STARTING_FOR = timedelta(seconds=10)
"""How long a thread may take from the row that asks for it to the lock that shows it."""


def accept(file: File, user: Any, now: datetime) -> RosterUpload:
    """Keep an uploaded file and start to check it."""
    return _begin(file.name or "archivo", file.read(), user, now)


def accept_pasted(text: str, action: Action, user: Any, now: datetime) -> RosterUpload:
    """Make a roster of the RUTs in a text, all of them for one action, and start to check it.

    The roster repeats what the action says of itself, so that `-1` finds its course too. A RUT
    that is pasted more than once, however it is written, is taken once.
    """
    course = action.course
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(
        [
            "rut", "codigo_accion", "curso", "codigo_sence", "linea", "inicio", "termino",
            "ambiente", "rut_otec",
        ]
    )  # fmt: skip
    for rut in {_same(rut): rut for rut in re.split(r"[\s,;]+", text.strip())}.values():
        writer.writerow(
            [
                rut, action.code, course.name, course.sence_code, course.training_line,
                action.starts_on, action.ends_on, action.get_environment_display(), course.otec.rut,
            ]
        )  # fmt: skip
    return _begin(f"{PASTED} {action.code}", table.getvalue().encode(), user, now)


def _same(rut: str) -> str:
    """Return what is the same of one RUT written in several ways: what is no RUT stays as it is."""
    try:
        return normalise(rut)
    except ValidationError:
        return rut


def _begin(name: str, content: bytes, user: Any, now: datetime) -> RosterUpload:
    forgotten = RosterUpload.objects.filter(step=Step.CHECKED, uploaded_at__lt=now - PENDING_FOR)
    forgotten.forget(step=Step.DISCARDED)
    upload = RosterUpload.objects.create(
        uploaded_by=user, uploaded_at=now, progress_at=now, file_name=name[-255:], content=content
    )
    _in_background(upload.pk)
    return upload


def confirm(upload: RosterUpload, now: datetime) -> bool:
    """Start to load what was checked. False where it was not waiting for that (any more)."""
    return _restart(upload, [Step.CHECKED], Step.LOADING, now)


def has_stopped(upload: RosterUpload, now: datetime) -> bool:
    """Whether the process that worked on it ended (a deploy, a crash) before it was done."""
    if not upload.is_working or upload.progress_at > now - STARTING_FOR:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = %s AND objid = %s)",
            _lock_of(upload.pk),
        )
        return cursor.fetchone()[0]


def resume(upload: RosterUpload, now: datetime) -> bool:
    """Check again what stopped: what it was loading was rolled back. False where it goes on."""
    return has_stopped(upload, now) and _restart(upload, [upload.step], Step.CHECKING, now)


def discard(upload: RosterUpload) -> bool:
    """Forget what was checked. False where it was not waiting for confirmation (any more)."""
    waiting = RosterUpload.objects.filter(pk=upload.pk, step=Step.CHECKED)
    return bool(waiting.forget(step=Step.DISCARDED))


def _restart(upload: RosterUpload, from_steps: list[str], to: str, now: datetime) -> bool:
    claimed = RosterUpload.objects.filter(
        pk=upload.pk, step__in=from_steps, progress_at=upload.progress_at
    ).update(step=to, progress_at=now, done=0, total=0)
    if claimed:
        _in_background(upload.pk)
    return bool(claimed)


def _in_background(pk: int) -> None:
    # After the commit: the thread has a connection of its own.
    transaction.on_commit(threading.Thread(target=_work, args=[pk], name=f"roster-{pk}").start)


def _lock_of(pk: int) -> list[int]:
    return [LOCKS, pk % 2**31]


def _work(pk: int) -> None:
    try:
        locks.wait(connection)
        with _Progress(pk) as progress:
            # Whoever had the lock before us may have done it all.
            upload = RosterUpload.objects.select_related("uploaded_by").get(pk=pk)
            if upload.is_working:
                run(upload, progress)
    finally:
        connection.close()


def run(upload: RosterUpload, progress: Progress) -> None:
    """Check or load the upload, as its step says, and keep what came of it."""
    loading = upload.step == Step.LOADING
    report = io.StringIO(newline="")
    try:
        chunks = stream_chunks(io.BytesIO(upload.content))
        # In one transaction: no process can end between the load and the note of it.
        with receive(chunks, upload.file_name, MAX_BYTES) as source, transaction.atomic():
            result = load_roster(
                source,
                dry_run=not loading,
                progress=progress,
                report=report,
                user=upload.uploaded_by,
            )
            _finish(
                upload,
                summary=_summary(result),
                report=report.getvalue().encode(),
                roster_import=result.roster_import,
                **({"step": Step.LOADED, "content": b""} if loading else {"step": Step.CHECKED}),
            )
    except RosterError as error:
        _finish(upload, step=Step.FAILED, problem=str(error), content=b"")
    except Exception:
        logger.exception("La carga de inscritos falló.")
        problem = "La carga falló y no se guardó nada. Inténtelo de nuevo o avise a soporte."
        _finish(upload, step=Step.FAILED, problem=problem, content=b"")


def _finish(upload: RosterUpload, **values: Any) -> None:
    RosterUpload.objects.filter(pk=upload.pk, step=upload.step).update(
        progress_at=timezone.now(), **values
    )


def _summary(result: RosterResult) -> dict:
    kept = (
        "read", "created", "updated", "unchanged", "rejected", "courses_created",
        "actions_created", "actions_in_production_by_default", "shared_students",
        "unknown_columns", "sheet",
    )  # fmt: skip
    return {name: getattr(result, name) for name in kept} | {
        "troubles": [{"line": line, **trouble._asdict()} for line, trouble in result.troubles],
        "changes": [asdict(change) for change in result.changes],
    }


class _Progress:
    """Holds the upload's lock, and writes how far the importer is, outside of its transaction."""

    def __init__(self, pk: int) -> None:
        self.pk = pk
        self.connection = connection.copy()
        self.written_at = 0.0

    def __enter__(self) -> Self:
        locks.wait(self.connection)
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", _lock_of(self.pk))
        return self

    def __call__(self, done: int, total: int, unit: str) -> None:
        if time.monotonic() - self.written_at < PROGRESS_SECONDS:
            return
        self.written_at = time.monotonic()
        with self.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE backoffice_rosterupload SET done = %s, total = %s, unit = %s,"
                " progress_at = %s WHERE id = %s",
                [done, total, unit, timezone.now(), self.pk],
            )

    def __exit__(self, *_: object) -> None:
        self.connection.close()
