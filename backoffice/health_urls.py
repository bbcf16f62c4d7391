"""What monitors ask: /healthz, /readyz and /metrics."""

from django.urls import path

from backoffice import health, metrics

app_name = "health"
urlpatterns = [
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
]
