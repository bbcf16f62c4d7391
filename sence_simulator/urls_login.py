"""The origin of the ClaveÚnica-like login."""

from django.urls import path

from sence_simulator import views

handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.broken

urlpatterns = [
    path("ingreso/<request_id>", views.log_in),
    path("clave", views.forgotten_password, name="forgotten_password"),
    path("estatico/<path:path>", views.static_file),
]
