"""Who may attend what: OTECs, courses, actions, students, enrolments, and the rosters' imports.

Rules of SENCE's manual (v1.1.6, table of parameters) are kept by the database itself, so that the
importer's set-based writes can't get round them.
"""

from datetime import date, datetime
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Max, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from courses import tokens
from courses.rut import normalise, validate_rut
from courses.words import Words

UNVERIFIED = "-1"
"""Switches off SENCE's verification of a code, in its test environment only (manual, §3)."""
MIN_ACTION_CODE = 7


class RutIsValid(Func):
    """The SQL function that knows RUT's check digit (created by this app's first migration)."""

    function = "rut_is_valid"
    output_field = models.BooleanField()


class RutField(models.CharField):
    """A canonical RUT: `12345678-k`. Forms accept it however it is typed."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_length", 10)
        super().__init__(*args, **kwargs)
        self.validators = [*self.validators, validate_rut]

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("validators", None)
        return name, path, args, kwargs

    def clean(self, value, model_instance):
        if value:
            value = normalise(value)
        return super().clean(value, model_instance)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        # People type dots; the canonical form is made in clean().
        return super().formfield(*args, **{"max_length": 20, **kwargs})


class TrainingLine(models.IntegerChoices):
    SOCIAL_PROGRAMMES = 1, "1 · Programas Sociales"
    TAX_CREDIT = 3, "3 · Franquicia Tributaria"
    FPT = 6, "6 · FPT"


class Environment(models.TextChoices):
    PRODUCTION = "production", "Producción"
    TEST = "test", "Prueba"


class Otec(models.Model):
    """A training body. Its SENCE token is write-only: set with `set_token`, used with `token`."""

    name = models.CharField("nombre", max_length=200)
    rut = RutField(
        "RUT",
        unique=True,
        help_text="El del organismo ante SENCE, con o sin puntos. El token se emite para él.",
    )
    token_ciphertext = models.TextField("token cifrado", blank=True, editable=False)
    alert_emails = models.TextField(
        "correos de coordinación",
        blank=True,
        help_text="Uno por línea: reciben los avisos y el resumen diario de este OTEC.",
    )

    class Meta:
        verbose_name = "OTEC"
        verbose_name_plural = "OTEC"
        ordering = ["name"]
        permissions = [("change_otec_token", "Puede cambiar el token de un OTEC")]
        constraints = [
            models.CheckConstraint(
                name="otec_rut_valid",
                condition=RutIsValid(F("rut")),
                violation_error_message="El RUT del OTEC no es válido.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_token(self) -> bool:
        return bool(self.token_ciphertext)

    def set_token(self, token: str) -> None:
        """Encrypt and keep the token. Raises TokenUnavailableError without a usable key."""
        self.token_ciphertext = tokens.encrypt(token)

    def token(self) -> str:
        """Return the token that SENCE is sent. Raises TokenUnavailableError with a remedy."""
        return tokens.decrypt(self.token_ciphertext)


class StaffScope(models.Model):
    """The OTECs that a member of staff works for. Without one, or with none chosen: all of them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name="usuario",
        on_delete=models.CASCADE,
        related_name="scope",
    )
    otecs = models.ManyToManyField(
        Otec,
        verbose_name="OTEC",
        blank=True,
        help_text="Ve solo lo de los OTEC elegidos. Sin ninguno elegido, ve todos.",
    )

    class Meta:
        verbose_name = "alcance"
        verbose_name_plural = "alcances"

    def __str__(self) -> str:
        return f"Alcance de {self.user}"


class Course(models.Model):
    """A course as SENCE knows it. Line 1 has no SENCE code; lines 3 and 6 need one."""

    otec = models.ForeignKey(
        Otec, verbose_name="OTEC", on_delete=models.PROTECT, related_name="courses"
    )
    name = models.CharField(
        "nombre", max_length=300, help_text="Así lo leen los alumnos al elegir su curso."
    )
    training_line = models.PositiveSmallIntegerField(
        "línea de capacitación",
        choices=TrainingLine,
        default=TrainingLine.TAX_CREDIT,
        help_text=(
            "Con qué financiamiento se comunicó la acción: 1, Programas Sociales; 3, Franquicia "
            "Tributaria; 6, FPT. Con otra línea SENCE responde 206 o 301."
        ),
    )
    sence_code = models.CharField(
        "código SENCE",
        max_length=10,
        blank=True,
        help_text=(
            "El código del curso, de diez caracteres: no es el de la acción, que cambia en cada "
            "ejecución. Vacío en la línea 1; -1, que SENCE no verifica, solo en el ambiente de "
            "prueba. En los mensajes de SENCE se llama CodSence."
        ),
        validators=[RegexValidator(r"^(-1|[0-9A-Za-z]{10})$", "Son diez letras o números.")],
    )

    class Meta:
        verbose_name = "curso"
        verbose_name_plural = "cursos"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="course_line_known", condition=Q(training_line__in=TrainingLine.values)
            ),
            models.CheckConstraint(
                name="course_sence_code_fits_line",
                condition=Q(training_line=1, sence_code="")
                | Q(training_line__in=[3, 6], sence_code__regex=r"^(-1|[0-9A-Za-z]{10})$"),
                violation_error_message=(
                    "La línea 1 no lleva código SENCE; las líneas 3 y 6 llevan uno de diez."
                ),
            ),
            models.UniqueConstraint(
                name="course_sence_code_unique",
                fields=["otec", "sence_code"],
                condition=~Q(sence_code__in=["", UNVERIFIED]),
                violation_error_message="El OTEC ya tiene un curso con ese código SENCE.",
            ),
            models.UniqueConstraint(
                name="course_name_unique_without_code",
                fields=["otec", "name", "training_line"],
                condition=Q(sence_code__in=["", UNVERIFIED]),
                violation_error_message="El OTEC ya tiene un curso con ese nombre y línea.",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="course_keeps_its_actions_valid",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("training_line", "sence_code"),
                func="""
                    IF NEW.sence_code = '-1' AND EXISTS (
                        SELECT 1 FROM courses_action
                        WHERE course_id = NEW.id AND environment <> 'test'
                    ) THEN
                        RAISE EXCEPTION 'action_unverified_only_in_test'
                        USING ERRCODE = 'check_violation';
                    END IF;
                    IF NEW.training_line <> 6 AND EXISTS (
                        SELECT 1 FROM courses_action
                        WHERE course_id = NEW.id AND code <> '-1' AND length(code) < 7
                    ) THEN
                        RAISE EXCEPTION 'action_code_long_enough' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Say in words, before the database does, what would make this course's actions invalid."""
        if self.pk is None:
            return
        for action in self.actions.all():
            action.course = self
            try:
                action.clean()
            except ValidationError as error:
                # Without the action's field names, which a form of the course doesn't have.
                raise ValidationError(
                    f"La acción {action.code} lo impide. {' '.join(error.messages)}"
                ) from error


class ActionQuerySet(models.QuerySet["Action"]):
    def running(self, today: date) -> "ActionQuerySet":
        """Actions whose communicated dates include `today` (a date of Chile's calendar)."""
        return self.filter(starts_on__lte=today, ends_on__gte=today)

    def dates(self, field_name: str, kind: Any, order: Any = "ASC") -> Any:
        """Django's, but years, which admin asks for, are looked for one by one: an index has each.

        To truncate every action's date took half as long as the page that lists a hundred.
        """
        if kind != "year":
            return super().dates(field_name, kind, order)
        days = self.order_by()
        ends = days.aggregate(first=Min(field_name), last=Max(field_name))
        if not ends["first"]:
            return []
        first, last = ends["first"].year, ends["last"].year
        between = range(first + 1, last)
        found = [year for year in between if days.filter(**{f"{field_name}__year": year}).exists()]
        found = sorted({first, *found, last})
        return [date(year, 1, 1) for year in (found if order == "ASC" else reversed(found))]


class Action(models.Model):
    """A run of a course, known to SENCE by its code (ID de acción; `CodigoCurso` on the wire)."""

    course = models.ForeignKey(
        Course, verbose_name="curso", on_delete=models.PROTECT, related_name="actions"
    )
    code = models.CharField(
        "código de acción",
        max_length=50,
        help_text=(
            "ID de acción: el código con que SENCE identifica esta ejecución del curso desde que "
            "el OTEC la comunicó; también se llama folio o SENCENET. Cópielo tal como está en "
            "esa comunicación. Al menos 7 caracteres, salvo en la línea 6; en la línea 1 se "
            "parece a RLAB-19-02-08-0071-1. -1, que SENCE no verifica, solo en prueba. En los "
            "mensajes de SENCE se llama CodigoCurso."
        ),
        validators=[RegexValidator(r"^\S+$", "El código de acción no lleva espacios.")],
    )
    starts_on = models.DateField(
        "inicio", help_text="La fecha comunicada a SENCE: antes de ella responde 309."
    )
    ends_on = models.DateField(
        "término", help_text="La fecha comunicada a SENCE: después de ella responde 309."
    )
    environment = models.CharField(
        "ambiente",
        max_length=10,
        choices=Environment,
        default=Environment.PRODUCTION,
        help_text=(
            "Prueba envía a los alumnos al ambiente de prueba de SENCE: sirve para ensayar, "
            "admite -1 en los códigos y nada de lo registrado allí cuenta como asistencia. Lo "
            "registrado en producción no se puede borrar."
        ),
    )
    close_required = models.BooleanField(
        "exige cierre",
        default=True,
        help_text=(
            "Con esta marca se pide al alumno cerrar su sesión, se le recuerda y, si no lo hace, "
            "la sesión queda por revisar. Sin ella le basta iniciar: ve un agradecimiento y no se "
            "le pide cerrar."
        ),
    )

    objects = ActionQuerySet.as_manager()

    class Meta:
        verbose_name = "acción"
        verbose_name_plural = "acciones"
        ordering = ["-starts_on", "code"]
        indexes = [
            models.Index(F("starts_on").desc(), "code", name="action_in_order"),
            # Few of all there were are still running.
            models.Index(fields=["ends_on"], name="action_by_end"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="action_code_unique",
                fields=["code"],
                condition=~Q(code=UNVERIFIED),
                violation_error_message="Ya existe una acción con ese código.",
            ),
            models.UniqueConstraint(
                name="action_unverified_unique_in_course",
                fields=["course"],
                condition=Q(code=UNVERIFIED),
                violation_error_message="El curso ya tiene una acción con código -1.",
            ),
            models.CheckConstraint(
                name="action_dates_in_order",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message="La fecha de término es anterior a la de inicio.",
            ),
            models.CheckConstraint(
                name="action_environment_known", condition=Q(environment__in=Environment.values)
            ),
            models.CheckConstraint(name="action_code_one_word", condition=Q(code__regex=r"^\S+$")),
            models.CheckConstraint(
                name="action_code_unverified_only_in_test",
                condition=~Q(code=UNVERIFIED) | Q(environment="test"),
                violation_error_message="El código -1 solo sirve en el ambiente de prueba.",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="action_fits_its_course",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("course", "courses_course%ROWTYPE")],
                func="""
                    -- Locked, so that no other transaction changes the course meanwhile.
                    SELECT * INTO course FROM courses_course WHERE id = NEW.course_id FOR SHARE;
                    IF course.sence_code = '-1' AND NEW.environment <> 'test' THEN
                        RAISE EXCEPTION 'action_unverified_only_in_test'
                        USING ERRCODE = 'check_violation';
                    END IF;
                    IF course.training_line <> 6 AND NEW.code <> '-1' AND length(NEW.code) < 7 THEN
                        RAISE EXCEPTION 'action_code_long_enough' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.course}"

    def clean(self) -> None:
        """The two rules that need the course, which the database keeps with a trigger."""
        if self.course_id is None:
            return
        if self.course.sence_code == UNVERIFIED and self.environment != Environment.TEST:
            raise ValidationError(
                {"environment": "Un curso con código SENCE -1 solo sirve en el ambiente de prueba."}
            )
        if (
            self.course.training_line != TrainingLine.FPT
            and self.code != UNVERIFIED
            and len(self.code) < MIN_ACTION_CODE
        ):
            raise ValidationError(
                {"code": "El código de acción tiene al menos 7 caracteres, salvo en la línea 6."}
            )


STUDENT_WORDS = ("given_names", "surnames", "email", "run")
"""What a student is found by, in the order of the index that answers."""


class Student(models.Model):
    """A person who attends. `run` is canonical: `12345678-k`."""

    run = RutField(
        "RUN",
        unique=True,
        help_text="Con o sin puntos. Debe ser el de su ClaveÚnica: con otro SENCE responde 311.",
    )
    given_names = models.CharField("nombres", max_length=150, blank=True)
    surnames = models.CharField("apellidos", max_length=150, blank=True)
    email = models.EmailField(
        "correo", blank=True, help_text="A él llegan los recordatorios; sin correo no los recibe."
    )

    class Meta:
        verbose_name = "alumno"
        verbose_name_plural = "alumnos"
        ordering = ["surnames", "given_names", "run"]
        indexes = [
            models.Index(fields=["surnames", "given_names", "run"], name="student_in_order"),
            GinIndex(Words(*STUDENT_WORDS), name="student_words"),
        ]
        constraints = [
            models.CheckConstraint(
                name="student_run_valid",
                condition=RutIsValid(F("run")),
                violation_error_message="El RUN no es válido.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.full_name} ({self.run})" if self.full_name else self.run

    @property
    def full_name(self) -> str:
        return f"{self.given_names} {self.surnames}".strip()


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def active(self):
        """Enrolments that have not been withdrawn."""
        return self.filter(withdrawn_at=None)

    def withdrawn(self):
        return self.filter(withdrawn_at__isnull=False)

    def missing(self):
        """Those that SENCE still needs a session of: active, not exempt and never connected."""
        return self.active().filter(is_exempt=False, connected_at=None)

    def connected(self):
        """The others of those that SENCE needs a session of."""
        return self.active().filter(is_exempt=False, connected_at__isnull=False)

    def withdraw(self, now: datetime) -> int:
        """Their students attend no more; what was registered stays. Return how many it is."""
        return self.active().update(withdrawn_at=now)

    def reinstate(self) -> int:
        """Their students attend again. Return how many it is."""
        return self.withdrawn().update(withdrawn_at=None)


class Enrolment(models.Model):
    """A student in an action. Withdrawn rather than deleted once it has sessions."""

    # What is unique of student and action finds a student's as well.
    student = models.ForeignKey(
        Student,
        verbose_name="alumno",
        on_delete=models.PROTECT,
        related_name="enrolments",
        db_index=False,
    )
    action = models.ForeignKey(
        Action,
        verbose_name="acción",
        on_delete=models.PROTECT,
        related_name="enrolments",
        db_index=False,
    )
    is_exempt = models.BooleanField(
        "becario",
        default=False,
        help_text=(
            "Un becario está inscrito en el curso y no registra asistencia en SENCE: se le dice "
            "que no tiene nada que registrar y no aparece entre los que faltan."
        ),
    )
    withdrawn_at = models.DateTimeField("retirado el", null=True, blank=True)
    created_at = models.DateTimeField("creado el", default=timezone.now, db_default=Now())
    connected_at = models.DateTimeField(
        "primera conexión", null=True, editable=False,
        help_text="Cuándo se abrió su primera sesión: lo escribe la base de datos con ella.",
    )  # fmt: skip

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        verbose_name = "inscripción"
        verbose_name_plural = "inscripciones"
        ordering = ["action", "student"]
        constraints = [
            models.UniqueConstraint(
                name="enrolment_unique",
                fields=["student", "action"],
                violation_error_message="El alumno ya está inscrito en esa acción.",
            )
        ]
        indexes = [
            # With all that the board counts of an action's, which is read from it alone.
            models.Index(
                fields=["action"],
                name="enrolment_on_board",
                include=["is_exempt", "withdrawn_at", "connected_at"],
            ),
            models.Index(
                fields=["action"],
                name="enrolment_missing",
                condition=Q(withdrawn_at=None, is_exempt=False, connected_at=None),
            ),
        ]
        triggers = [
            # A form that was opened before the student connected knows nothing of it.
            pgtrigger.Trigger(
                name="enrolment_stays_connected",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__connected_at__isnull=False, new__connected_at=None),
                func="NEW.connected_at = OLD.connected_at; RETURN NEW;",
            )
        ]

    def __str__(self) -> str:
        return f"{self.student} en {self.action}"


class RosterImport(models.Model):
    """One load of a roster: who, when, from what, and what came of it."""

    loaded_at = models.DateTimeField("cargado el", default=timezone.now)
    loaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="cargado por",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
    )
    file_name = models.CharField("archivo", max_length=255)
    digest = models.CharField("SHA-256", max_length=64)
    actions = models.ManyToManyField(
        Action, verbose_name="acciones que tocó", related_name="roster_imports"
    )
    rows_read = models.PositiveIntegerField("filas leídas", default=0)
    rows_created = models.PositiveIntegerField("creadas", default=0)
    rows_updated = models.PositiveIntegerField("actualizadas", default=0)
    rows_unchanged = models.PositiveIntegerField("sin cambios", default=0)
    rows_rejected = models.PositiveIntegerField("rechazadas", default=0)

    class Meta:
        permissions = [("load_rosterimport", "Puede cargar inscritos")]
        verbose_name = "carga de inscritos"
        verbose_name_plural = "cargas de inscritos"
        ordering = ["-loaded_at"]

    def __str__(self) -> str:
        return f"{self.file_name} ({timezone.localtime(self.loaded_at):%d-%m-%Y %H:%M})"


class RejectedRow(models.Model):
    """A row that a roster import refused: where, what it said and what to do."""

    roster_import = models.ForeignKey(
        RosterImport, on_delete=models.CASCADE, related_name="rejected_rows"
    )
    line = models.PositiveIntegerField("línea")
    column = models.CharField("columna", max_length=50, blank=True)
    value = models.CharField("valor", max_length=300, blank=True)
    reason = models.TextField("motivo y remedio")

    class Meta:
        verbose_name = "fila rechazada"
        verbose_name_plural = "filas rechazadas"
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"Línea {self.line}: {self.reason}"
