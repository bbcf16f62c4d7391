"""Absolute addresses of ours for templates, for whoever reads a page or a mail elsewhere."""

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

register = template.Library()


@register.simple_tag
def public_url(name: str) -> str:
    """Return the absolute address of a page without arguments, by its URL's name."""
    return f"{settings.PUBLIC_BASE_URL}{reverse(name)}"


@register.simple_tag
def public_static(path: str) -> str:
    """Return the absolute address of a static file."""
    return f"{settings.PUBLIC_BASE_URL}{static(path)}"
