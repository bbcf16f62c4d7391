"""What every page shows of the catalogue."""

from django.http import HttpRequest


def site_texts(request: HttpRequest) -> dict:
    return {}
