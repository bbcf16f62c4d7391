"""The user guide."""

from django.urls import path

from errors_catalog import views

app_name = "errors_catalog"
urlpatterns = [
    path("", views.guide, name="guide"),
    path("guia-asistencia-sence.pdf", views.guide_pdf, name="guide_pdf"),
]
