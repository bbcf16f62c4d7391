"""The design, for whoever carries on: with DEBUG alone."""

from django.urls import path

from backoffice import design

app_name = "design"
urlpatterns = [
    path("", design.components, name="components"),
    path("vista-previa/", design.social_preview, name="social_preview"),
    path("errores/<int:status>/", design.error_page, name="error_page"),
    path("correos/<slug:name>/", design.mail, name="mail"),
]
