"""What students read when they need help: SENCE's errors, help links, contact details, named texts.

Staff edit all of it in admin; the pages show it from a cache (`errors_catalog.catalogue`). What
each row said before, since when and by whom, is in its `history` (django-simple-history).
"""

from django.core.validators import RegexValidator
from django.db import models
from simple_history.models import HistoricalRecords

from errors_catalog.placeholders import check_error_text

CODE = r"^[0-9A-Za-z_-]+\Z"
CODE_LENGTH = 20


class Responsible(models.TextChoices):
    """Who has to act for the error to go away."""

    STUDENT = "student", "El alumno"
    ENROLMENT = "enrolment", "Coordinación: la inscripción"
    COURSE = "course", "Coordinación: los datos del curso o de la acción"
    OTEC = "otec", "Coordinación: los datos del OTEC"
    SYSTEM = "system", "Soporte de este sistema"
    SENCE = "sence", "SENCE"


class SenceError(models.Model):
    """A code of `GlosaError` with what the student reads of it (manual, annex of errors)."""

    code = models.CharField(
        "código",
        max_length=CODE_LENGTH,
        unique=True,
        validators=[RegexValidator(CODE, "Solo letras, números y guiones.")],
        help_text="El número que Sence da en la glosa del error (manual de integración, anexo).",
    )
    description = models.TextField(
        "descripción", validators=[check_error_text], help_text="Qué pasó, para el alumno."
    )
    solution = models.TextField(
        "solución", validators=[check_error_text], help_text="Qué hacer ahora, para el alumno."
    )
    responsible = models.CharField("quién debe actuar", max_length=20, choices=Responsible)
    alerts_staff = models.BooleanField(
        "avisa a coordinación", help_text="Cada aparición deja un aviso para el personal."
    )
    # SENCE sent it and nobody has written its texts: students read the general one.
    is_draft = models.BooleanField("por escribir", default=False, editable=False)

    history = HistoricalRecords(
        verbose_name="cambio de error de SENCE", verbose_name_plural="cambios de errores de SENCE"
    )

    class Meta:
        verbose_name = "error de SENCE"
        verbose_name_plural = "errores de SENCE"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code}: {self.description or 'por escribir'}"


class HelpSection(models.Model):
    """A titled group of links, shown in order on the pages that it is placed on."""

    key = models.SlugField("clave", unique=True)
    title = models.CharField("título", max_length=120)
    position = models.PositiveSmallIntegerField("orden", default=0)
    before_rut = models.BooleanField(
        "en la página del RUT", default=True, help_text="También si el RUT no tiene cursos."
    )
    after_rut = models.BooleanField("en las páginas que siguen", default=True)

    history = HistoricalRecords(
        verbose_name="cambio de sección de ayuda",
        verbose_name_plural="cambios de secciones de ayuda",
    )

    class Meta:
        verbose_name = "sección de ayuda"
        verbose_name_plural = "secciones de ayuda"
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.title


class HelpLink(models.Model):
    """A button of a help section. `url` is absolute, or a path of this site."""

    section = models.ForeignKey(
        HelpSection, verbose_name="sección", on_delete=models.CASCADE, related_name="links"
    )
    label = models.CharField("texto del botón", max_length=80)
    url = models.CharField(
        "dirección",
        max_length=300,
        validators=[
            RegexValidator(r"^(https?://|/)\S*\Z", "Una dirección https:// o una ruta del sitio.")
        ],
    )
    position = models.PositiveSmallIntegerField("orden", default=0)
    is_visible = models.BooleanField("visible", default=True)

    history = HistoricalRecords(
        verbose_name="cambio de enlace de ayuda", verbose_name_plural="cambios de enlaces de ayuda"
    )

    class Meta:
        verbose_name = "enlace de ayuda"
        verbose_name_plural = "enlaces de ayuda"
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label


class ContactDetails(models.Model):
    """Where students write and call. One row."""

    email = models.EmailField("correo para alumnos")
    phones = models.TextField("teléfonos", help_text="Uno por línea.")
    alert_emails = models.TextField(
        "correos para avisos al personal", blank=True, help_text="Uno por línea."
    )

    history = HistoricalRecords(
        verbose_name="cambio de datos de contacto",
        verbose_name_plural="cambios de datos de contacto",
    )

    class Meta:
        verbose_name = "datos de contacto"
        verbose_name_plural = "datos de contacto"
        constraints = [
            models.CheckConstraint(name="contact_details_one_row", condition=models.Q(id=1))
        ]

    def __str__(self) -> str:
        return self.email


class HelpText(models.Model):
    """A named text of a screen. `{nombre}` in it stands for what the screen puts there."""

    key = models.SlugField("clave", unique=True, editable=False)
    where = models.CharField("dónde aparece", max_length=200, editable=False)
    text = models.TextField("texto")

    history = HistoricalRecords(
        verbose_name="cambio de texto de pantalla",
        verbose_name_plural="cambios de textos de pantalla",
    )

    class Meta:
        verbose_name = "texto de pantalla"
        verbose_name_plural = "textos de pantalla"
        ordering = ["key"]

    def __str__(self) -> str:
        return self.where or self.key
