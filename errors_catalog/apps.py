from django.apps import AppConfig


class ErrorsCatalogConfig(AppConfig):
    name = "errors_catalog"
    verbose_name = "Catálogo de errores y ayuda"

    def ready(self) -> None:
        from errors_catalog import signals  # noqa: PLC0415  (models load before it)

        signals.connect()
