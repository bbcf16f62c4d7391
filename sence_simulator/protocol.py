"""Names and codes of SENCE's manual v1.1.6, with short texts for the tester."""

from datetime import datetime
from zoneinfo import ZoneInfo

CHILE = ZoneInfo("America/Santiago")
TIME_ZONE_TEXT = "(UTC-04:00) Santiago"

ECHOED_FIELDS = (
    "CodSence",
    "CodigoCurso",
    "IdSesionAlumno",
    "RunAlumno",
    "LineaCapacitacion",
)
CALLBACK_FIELDS = (
    "CodSence",
    "CodigoCurso",
    "IdSesionAlumno",
    "IdSesionSence",
    "RunAlumno",
    "FechaHora",
    "ZonaHoraria",
    "LineaCapacitacion",
)

ERROR_CODES = {
    "100": "Contraseña incorrecta (manuales antiguos)",
    "200": "Falta un parámetro obligatorio, o está en blanco o mal escrito",
    "201": "Falta UrlRetoma o UrlError",
    "202": "UrlRetoma mal formada",
    "203": "UrlError mal formada",
    "204": "Código SENCE del curso demasiado corto o no válido",
    "205": "Código de la acción demasiado corto o no válido",
    "206": "Línea de capacitación no válida",
    "207": "RUN del alumno mal formado o con dígito verificador incorrecto",
    "208": "El alumno no está autorizado para el curso",
    "209": "RUT del OTEC mal formado o con dígito verificador incorrecto",
    "210": "Se agotaron los tres minutos para ingresar (manuales antiguos)",
    "211": "El token pertenece a otro OTEC",
    "212": "El token ya no está vigente",
    "300": "Error interno sin clasificar",
    "301": "No se pudo registrar el inicio o el cierre",
    "302": "No se pudo validar al OTEC",
    "303": "El token no existe o su formato es incorrecto",
    "304": "No se pudieron verificar los datos enviados",
    "305": "No se pudieron registrar los datos",
    "306": "La acción no corresponde al código SENCE del curso",
    "307": "La acción no es de modalidad e-learning",
    "308": "La acción pertenece a otro OTEC",
    "309": "Hoy está fuera de las fechas comunicadas de la acción",
    "310": "La acción está terminada o anulada",
    "311": "Quien ingresó no es el alumno anunciado",
    "312": "No se pudo completar la autenticación con ClaveÚnica",
    "313": "La URL de cierre es incorrecta",
}


def chile_now() -> datetime:
    """This moment on Chile's wall clock."""
    return datetime.now(CHILE)


def same_run(run: str) -> str:
    """A RUN in the form used for comparing: no dots, no spaces, lower-case k."""
    return run.replace(".", "").strip().lower()
