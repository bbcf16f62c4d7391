"""The texts that we ship: seeded into the tables by migrations, shown when those can't be read.

Staff edit the tables, not this file: changing a text here reaches new installations only. To add
one, write it here and seed it with a migration of its own (see `errors_catalog.seeding`).
"""

from dataclasses import dataclass

from errors_catalog.models import Responsible
from errors_catalog.placeholders import COMMON, names_in


@dataclass(frozen=True)
class ErrorText:
    """A code of `GlosaError` in words; `responsible` is a value of models.Responsible."""

    description: str
    solution: str
    responsible: str
    alerts_staff: bool


@dataclass(frozen=True)
class NamedText:
    """A text of a screen: where it is shown, and as we wrote it."""

    where: str
    text: str

    @property
    def placeholders(self) -> set[str]:
        """The placeholders that this text may use: those of ours and the common ones."""
        return names_in(self.text) | COMMON


@dataclass(frozen=True)
class HelpLinks:
    """A help section; links are pairs of label and address."""

    key: str
    title: str
    links: tuple[tuple[str, str], ...]
    before_rut: bool
    after_rut: bool


def _of_student(description: str, solution: str) -> ErrorText:
    return ErrorText(description, solution, Responsible.STUDENT.value, alerts_staff=False)


def _of(responsible: Responsible, description: str, solution: str) -> ErrorText:
    return ErrorText(description, solution, responsible.value, alerts_staff=True)


OURS = (
    "No es un error suyo: debemos corregirlo nosotros. Envíe este error a {correo} y vuelva a "
    "intentar cuando le respondamos."
)
COURSE_SET_UP = (
    "No es un error suyo: debemos corregir los datos del curso. Envíe este error a {correo}, con "
    "el nombre del curso, y vuelva a intentar cuando le respondamos."
)
OTEC_SET_UP = (
    "No es un error suyo: debemos corregir los datos de la institución que dicta el curso. Envíe "
    "este error a {correo}, con el nombre del curso, y vuelva a intentar cuando le respondamos."
)
SENCE_AT_FAULT = (
    "Espere unos minutos y vuelva a intentar. Si el error se repite, envíelo a {correo}, con la "
    "hora en que ocurrió, para que lo informemos a Sence."
)

ERRORS: dict[str, ErrorText] = {
    # As the guide shows it (§3.2).
    "100": _of_student(
        "Contraseña incorrecta.", "Debe solicitar una nueva Cus, en la opción inferior"
    ),
    "200": _of(Responsible.SYSTEM, "Faltó un dato obligatorio en lo que enviamos a Sence.", OURS),
    "201": _of(
        Responsible.SYSTEM,
        "No indicamos a Sence a qué página debe volver después de ingresar su clave.",
        OURS,
    ),
    "202": _of(
        Responsible.SYSTEM,
        "Sence no aceptó la dirección de la página a la que debe volver.",
        OURS,
    ),
    "203": _of(
        Responsible.SYSTEM,
        "Sence no aceptó la dirección de la página que muestra los errores.",
        OURS,
    ),
    "204": _of(
        Responsible.COURSE,
        "El código Sence del curso está incompleto o no es válido.",
        COURSE_SET_UP,
    ),
    "205": _of(
        Responsible.COURSE,
        "El código de la acción de este curso está incompleto o no es válido.",
        COURSE_SET_UP,
    ),
    "206": _of(
        Responsible.COURSE, "La línea de capacitación del curso no es válida.", COURSE_SET_UP
    ),
    "207": _of(
        Responsible.ENROLMENT,
        "Sence no aceptó el Rut con que está inscrito en el curso.",
        "Verifique el Rut que ingresó. Si es el suyo, envíe este error a {correo}, con su nombre, "
        "su Rut y el nombre del curso.",
    ),
    "208": _of(
        Responsible.ENROLMENT,
        "Su Rut no está autorizado en Sence para este curso.",
        "Verifique que eligió el curso correcto. Si lo es, envíe este error a {correo}, con su "
        "nombre, su Rut y el nombre del curso, para que revisemos su inscripción en Sence.",
    ),
    "209": _of(
        Responsible.OTEC, "El Rut de la institución que dicta el curso no es válido.", OTEC_SET_UP
    ),
    "210": _of_student(
        "Pasaron los tres minutos que Sence da para ingresar su clave.",
        "Tenga su clave a mano, vuelva a intentar y complete el ingreso en Sence sin pausas.",
    ),
    "211": _of(
        Responsible.OTEC,
        "La autorización con que enviamos su asistencia pertenece a otra institución.",
        OTEC_SET_UP,
    ),
    "212": _of(
        Responsible.OTEC,
        "La autorización de la institución que dicta el curso ya no está vigente en Sence.",
        OTEC_SET_UP,
    ),
    "300": _of(Responsible.SENCE, "Sence tuvo un error interno.", SENCE_AT_FAULT),
    "301": _of(
        Responsible.COURSE,
        "Sence no pudo registrar el inicio o el cierre de su asistencia.",
        "Vuelva a intentar una vez. Si el error se repite, envíelo a {correo}, con el nombre del "
        "curso. Si estaba cerrando, indique además a qué hora inició la sesión.",
    ),
    "302": _of(
        Responsible.SENCE,
        "Sence no pudo validar los datos de la institución que dicta el curso.",
        SENCE_AT_FAULT,
    ),
    "303": _of(
        Responsible.OTEC,
        "Sence no reconoce la autorización de la institución que dicta el curso.",
        OTEC_SET_UP,
    ),
    "304": _of(Responsible.SENCE, "Sence no pudo verificar los datos enviados.", SENCE_AT_FAULT),
    "305": _of(Responsible.SENCE, "Sence no pudo registrar los datos enviados.", SENCE_AT_FAULT),
    "306": _of(
        Responsible.COURSE,
        "El código de la acción no corresponde al código Sence del curso.",
        COURSE_SET_UP,
    ),
    "307": _of(
        Responsible.COURSE, "Este curso no figura en Sence como curso e-learning.", COURSE_SET_UP
    ),
    "308": _of(
        Responsible.COURSE,
        "Este curso figura en Sence a nombre de otra institución.",
        COURSE_SET_UP,
    ),
    "309": _of(
        Responsible.COURSE,
        "Hoy está fuera de las fechas del curso comunicadas a Sence.",
        "Revise las fechas de su curso. Si hoy está dentro de ellas, envíe este error a {correo}, "
        "con el nombre del curso, y vuelva a intentar cuando le respondamos.",
    ),
    "310": _of(
        Responsible.COURSE,
        "Este curso figura en Sence como terminado o anulado.",
        "Si su curso sigue en marcha, envíe este error a {correo}, con el nombre del curso, y "
        "vuelva a intentar cuando le respondamos.",
    ),
    "311": _of_student(
        "Quien ingresó su Clave Única en Sence no es la persona del Rut indicado aquí.",
        "Vuelva a intentar con su propio Rut y su propia Clave Única. Si comparte el computador o "
        "el teléfono, cierre primero la sesión de Clave Única de la otra persona.",
    ),
    "312": _of_student(
        "No se completó el ingreso con Clave Única.",
        "Vuelva a intentar y complete todos los datos que pide Clave Única. Si no recuerda su "
        "clave, recupérela primero en claveunica.gob.cl.",
    ),
    "313": _of(
        Responsible.SYSTEM,
        "Sence no aceptó la dirección con que enviamos el cierre de su asistencia.",
        OURS,
    ),
}

CLAVE_UNICA = "https://claveunica.gob.cl/"
CUS = "https://cus.sence.cl/Account"

SECTIONS: tuple[HelpLinks, ...] = (
    HelpLinks(
        key="clave-unica",
        title="Para obtener clave Única",
        links=(
            ("Obtener Clave Única", CLAVE_UNICA),
            ("Recuperar Clave Única", f"{CLAVE_UNICA}recuperar"),
        ),
        before_rut=True,
        after_rut=False,
    ),
    HelpLinks(
        key="clave-sence",
        title="Accesos de interés Sence (Clave Sence)",
        links=(
            ("Registrar CUS", f"{CUS}/Registrar"),
            ("Solicitar nueva CUS", f"{CUS}/RecuperarClave"),
            ("Cambiar Cus", f"{CUS}/CambiarClave"),
            ("Actualizar Datos", f"{CUS}/ActualizarDatos"),
        ),
        before_rut=False,
        after_rut=True,
    ),
    HelpLinks(
        key="ayuda",
        title="Ayuda",
        links=(("Guía Asistencia Sence", "/guia/"),),
        before_rut=True,
        after_rut=True,
    ),
)

CONTACT: dict[str, str] = {
    "email": "cursos@usecap.cl",
    "phones": "(56) 2 3224 4420\n(56) 2 2671 4073",
    "alert_emails": "",
}

# What the guide shows on its screens stands word for word; the rest is ours.
TEXTS: dict[str, NamedText] = {
    "answer_flagged": NamedText(
        "Sesión: la respuesta de Sence contradice lo enviado",
        "La respuesta que llegó de Sence no corresponde a esta sesión, así que no registramos nada "
        "con ella. Nuestro equipo la está revisando. Si tiene dudas, escriba a {correo}.",
    ),
    "answer_pending": NamedText(
        "Sesión: la respuesta de Sence llegó y aún no se procesa",
        "La respuesta de Sence llegó y está guardada. La estamos procesando: vuelva a cargar esta "
        "página en un momento.",
    ),
    "callback_get": NamedText(
        "Dirección de respuesta de Sence abierta a mano",
        "Esta dirección es solo para las respuestas de Sence. Para registrar su asistencia, "
        "comience en la primera página.",
    ),
    "close_error": NamedText("Error al cerrar: título", "Error en el cierre de asistencia Sence."),
    "close_error_before": NamedText(
        "Sesión abierta: un cierre que Sence rechazó hace rato",
        "Sence no aceptó su último intento de cerrar la sesión.",
    ),
    "close_explanation": NamedText(
        "Sesión abierta: sobre el botón de cierre",
        "Al cerrar, se dirigirá nuevamente a Sence, donde debe validar otra vez su Clave Única. "
        "Después volverá a esta página.",
    ),
    "close_flagged": NamedText(
        "Sesión abierta: Sence respondió a un cierre y la respuesta no corresponde",
        "Sence respondió a su cierre, pero la respuesta no corresponde a esta sesión y no podemos "
        "darla por cerrada. Nuestro equipo lo está revisando. Puede intentarlo una vez más; si "
        "Sence responde con un error, no siga intentando y, si tiene dudas, escriba a {correo}.",
    ),
    "closed": NamedText("Sesión cerrada: título", "Sesión correctamente cerrada"),
    "ended": NamedText(
        "Curso que ya terminó",
        "El curso {curso} terminó el {termino}. Se dictó desde el {inicio}. Si cree que es un "
        "error, escriba a {correo}.",
    ),
    "exempt": NamedText(
        "Alumno becario",
        "Usted participa como becario en el curso {curso}: no necesita registrar asistencia en "
        "Sence.",
    ),
    "limit_near": NamedText(
        "Sesión abierta: aviso antes del límite",
        "Quedan menos de {minutos} minutos para completar {horas} horas continuas. Cierre su "
        "sesión ahora.",
    ),
    "limit_passed": NamedText(
        "Sesión abierta: aviso después del límite",
        "Su sesión lleva más de {horas} horas. Ciérrela ahora. Si Sence no acepta el cierre, "
        "escriba a {correo}.",
    ),
    "limit_reminder": NamedText(
        "Sesión abierta: recordatorio",
        "Recuerde que debes cerrar tu sesión antes de {horas} horas continuas",
    ),
    "new_session_note": NamedText(
        "Sesión pasada del límite: antes de iniciar otra",
        "Si inicia una nueva, esta sesión quedará sin cerrar y nuestro equipo la revisará. Si "
        "puede, ciérrela antes con el botón “Cerrar Sesión Sence”.",
    ),
    "no_answer_yet": NamedText(
        "Antes de iniciar: volvió y Sence aún no responde",
        "Sence todavía no nos informa de su ingreso. Si no terminó de ingresar con su Clave Única, "
        "presione el botón otra vez. Si ya terminó, espere un momento y presione “Ver si Sence ya "
        "respondió”.",
    ),
    "no_close_needed": NamedText(
        "Sesión abierta en una acción que no exige cierre",
        "Gracias: su asistencia ya está registrada. En este curso no necesita cerrar la sesión.",
    ),
    "no_code_description": NamedText(
        "Error de Sence sin número: descripción", "Sence respondió con un error, sin número."
    ),
    "no_code_solution": NamedText(
        "Error de Sence sin número: solución",
        "Vuelva a intentar. Si el error se repite, envíelo a {correo} o llame a los teléfonos "
        "{telefonos}.",
    ),
    "no_courses": NamedText(
        "RUT sin cursos: título", "El usuario no tiene cursos Sence registrados en Usecap."
    ),
    "no_courses_help": NamedText(
        "RUT sin cursos: qué hacer",
        "Verifique el Rut ingresado. Si el inconveniente persiste, envíe un mail con este mensaje "
        "a {correo}.",
    ),
    "not_found": NamedText(
        "Página que no existe",
        "La página que busca no existe. Para registrar su asistencia, comience en la primera "
        "página.",
    ),
    "not_ready": NamedText(
        "Curso cuyos datos no se pueden enviar a Sence",
        "El curso {curso} todavía no se puede enviar a Sence, porque estamos corrigiendo sus "
        "datos. Nuestro equipo ya fue avisado. Para más información, escriba a {correo} o llame a "
        "los teléfonos {telefonos}.",
    ),
    "not_registered": NamedText(
        "Error al iniciar: qué quedó registrado",
        "Su asistencia no quedó registrada y el tiempo no está corriendo.",
    ),
    "not_started": NamedText(
        "Curso que aún no comienza",
        "El curso {curso} comienza el {inicio} y termina el {termino}. Desde esa primera fecha "
        "podrá iniciar su asistencia.",
    ),
    "notify_denied": NamedText(
        "Sesión abierta: el navegador no permite avisos",
        "Su navegador no permite que este sitio le avise. Mire el tiempo en esta página de vez en "
        "cuando.",
    ),
    "notify_on": NamedText(
        "Sesión abierta: el alumno pidió un aviso",
        "Le avisaremos en este equipo cuando queden {minutos} minutos, mientras no cierre esta "
        "página.",
    ),
    "offline": NamedText(
        "Sin conexión a internet",
        "No hay conexión a internet en este equipo. No pierde nada: espere a que vuelva y presione "
        "el botón otra vez. Si su asistencia estaba en curso, su tiempo sigue corriendo.",
    ),
    "one_connection": NamedText(
        "Sesión abierta: cuánto se necesita",
        "Solo se requiere una conexión como mínimo para confirmar su asistencia e-learning de "
        "Sence.",
    ),
    "open_error": NamedText("Error al iniciar: título", "Error en el inicio de asistencia Sence."),
    "opened": NamedText("Sesión abierta: título", "Asistencia correctamente ingresada"),
    "own_sessions_note": NamedText(
        "Mis sesiones: qué figura en la lista",
        "Aquí están las sesiones que Sence confirmó. Las horas son las de Chile, según el reloj de "
        "este sitio. Si le falta alguna, escriba a {correo}.",
    ),
    "own_sessions_refused": NamedText(
        "Mis sesiones: pedidas desde otro navegador",
        "Solo puede ver sus sesiones en el navegador donde escribió su Rut, desde la página de una "
        "sesión que ya inició en Sence. Ingrese su Rut para continuar.",
    ),
    "resolved": NamedText(
        "Sesión revisada por el personal",
        "Nuestro equipo revisó esta sesión y no necesita hacer nada más con ella. Si tiene dudas, "
        "escriba a {correo}.",
    ),
    "sence_failing": NamedText(
        "Antes de iniciar: Sence responde con errores a todos",
        "En este momento Sence responde con errores a los alumnos que intentan iniciar su "
        "asistencia. No es un error suyo. Puede intentarlo; si no resulta, espere unos minutos y "
        "vuelva a intentar.",
    ),
    "server_error": NamedText(
        "Error de este sitio",
        "Tuvimos un problema y no pudimos mostrar esta página. Vuelva a intentar en unos minutos. "
        "Si se repite, escriba a {correo} o llame a los teléfonos {telefonos}.",
    ),
    "start_explanation": NamedText(
        "Antes de iniciar: sobre el botón de inicio",
        "Se dirigirá a la plataforma Sence para ingresar su Clave Única y después volverá a esta "
        "página automáticamente. Si vuelve sin terminar, presione el botón otra vez.",
    ),
    "still_open": NamedText(
        "Sesión abierta: después de un cierre que Sence rechazó",
        "Su sesión sigue abierta y el tiempo sigue corriendo.",
    ),
    "superseded": NamedText(
        "Sesión reemplazada por otra",
        "Usted inició después una sesión más nueva en este curso. Siga con esa.",
    ),
    "unavailable": NamedText(
        "Base de datos fuera de servicio",
        "En este momento no podemos mostrar sus datos. Lo que Sence nos haya respondido está a "
        "salvo. Vuelva a intentar en unos minutos.",
    ),
    "unknown_error_description": NamedText(
        "Error de Sence que el catálogo no tiene: descripción",
        "Sence respondió con el error {codigo}, que aún no conocemos.",
    ),
    "unknown_error_solution": NamedText(
        "Error de Sence que el catálogo no tiene: solución",
        "Vuelva a intentar. Si el error se repite, envíe su número a {correo} o llame a los "
        "teléfonos {telefonos}.",
    ),
    "window_note": NamedText("Cuando no queda nada más que hacer", "Ya puede cerrar esta ventana."),
    "window_note_open": NamedText(
        "Sesión abierta: al cerrar la ventana sin cerrar la sesión",
        "Puede cerrar esta ventana: su tiempo sigue corriendo. Para cerrar su sesión, vuelva a la "
        "primera página e ingrese su Rut.",
    ),
    "withdrawn": NamedText(
        "Alumno retirado del curso",
        "Usted ya no figura como inscrito en el curso {curso}. Si cree que es un error, escriba a "
        "{correo}.",
    ),
}
