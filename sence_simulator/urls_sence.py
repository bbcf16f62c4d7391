"""SENCE's origin, with the simulator's own panel."""

from django.urls import path

from sence_simulator import views

handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.broken

urlpatterns = [
    path("", views.home),
    path("simulador/", views.panel, name="panel"),
    path("simulador/comportamiento", views.set_behaviour, name="set_behaviour"),
    path("simulador/reiniciar", views.reset, name="reset"),
    path("estatico/<path:path>", views.static_file),
]
for environment in ("rce", "rcetest"):
    urlpatterns += [
        path(
            f"{environment}/Registro/IniciarSesion",
            views.receive,
            {"environment": environment, "closing": False},
        ),
        path(
            f"{environment}/Registro/CerrarSesion",
            views.receive,
            {"environment": environment, "closing": True},
        ),
        path(f"{environment}/Registro/Respuesta/<request_id>", views.respond),
    ]
