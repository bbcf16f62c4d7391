from django.apps import AppConfig


class ErrorsCatalogConfig(AppConfig):
    name = "errors_catalog"
    verbose_name = "Catálogo de errores y ayuda"
