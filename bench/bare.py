"""The reference: a Django that does the least possible, on the same server and database.

`/` renders one template with one value, `/row/` one row's that it asks the database for, `/words/`
is a file. A POST to `/commits/2/` makes two commits of one row each.
No middleware, nothing cached, nothing looked up.
"""

import os
from pathlib import Path

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

PAGE = "<!doctype html><title>{{ title }}</title><h1>{{ title }}</h1>"

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="of a server on loopback that keeps nothing",  # noqa: S106
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["BARE_NAME"],
            "HOST": os.environ["BARE_HOST"],
            "USER": os.environ["BARE_USER"],
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    },
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [
                    (
                        "django.template.loaders.locmem.Loader",
                        {"page.html": PAGE},
                    )
                ]
            },
        }
    ],
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the settings come first
from django.db import models, transaction  # noqa: E402


class Row(models.Model):
    """What a commit writes."""

    body = models.TextField()

    class Meta:
        app_label = "bare"
        db_table = "bare_row"

    def __str__(self) -> str:
        return self.body


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "page.html", {"title": "Asistencia"})


def row(request: HttpRequest) -> HttpResponse:
    return render(request, "page.html", {"title": Row._default_manager.get(pk=1).body})


def commits(request: HttpRequest, times: int) -> HttpResponse:
    body = request.body.decode()
    for _ in range(times):
        with transaction.atomic():
            Row(body=body).save(force_insert=True)
    return HttpResponse(status=303, headers={"Location": "/"})


def words(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Path(os.environ["BARE_WORDS"]).read_bytes())


urlpatterns = [
    path("", page),
    path("row/", row),
    path("words/", words),
    path("commits/<int:times>/", commits),
]
application = get_wsgi_application()
