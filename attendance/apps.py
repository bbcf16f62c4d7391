from django.apps import AppConfig


class AttendanceConfig(AppConfig):
    name = "attendance"
    verbose_name = "Asistencia"

    def ready(self) -> None:
        from attendance import checks  # noqa: F401, PLC0415 - registers the system checks
