"""The student's screens by the names that the guide gives them, and SENCE's way back."""

from django.urls import path, re_path

from attendance import views

app_name = "attendance"

# Longer or shorter than a nonce of ours is kept as well: it is a POST that reached us.
SENCE = r"^sence/(?P<nonce>[A-Za-z0-9_-]{8,64})/"

urlpatterns = [
    path("", views.rut, name="rut"),
    path("cursos/", views.courses, name="courses"),
    path("otro-rut/", views.forget, name="forget"),
    path("asistencia/<uuid:public_id>/", views.session, name="session"),
    path("asistencia/<uuid:public_id>/reloj/", views.clock, name="clock"),
    path("asistencia/<uuid:public_id>/reintentar/", views.retry, name="retry"),
    path("asistencia/<uuid:public_id>/sesiones/", views.own_sessions, name="own_sessions"),
    # Exact addresses: a redirect of a POST loses its body.
    re_path(SENCE + r"inicio/$", views.sence_callback, {"phase": "open", "error": False}),
    re_path(SENCE + r"inicio/error/$", views.sence_callback, {"phase": "open", "error": True}),
    re_path(SENCE + r"cierre/$", views.sence_callback, {"phase": "close", "error": False}),
    re_path(SENCE + r"cierre/error/$", views.sence_callback, {"phase": "close", "error": True}),
]
