"""`{% kept %}`: drawn once for each state of the catalogue, for everybody."""

import pytest
from django.template import Context, Template

from errors_catalog import catalogue
from errors_catalog.models import HelpText

pytestmark = pytest.mark.django_db
TWO = (
    "{% load kept %}{% kept %}kept {{ who }}{% endkept %}, {{ who }}, "
    "{% kept %}{{ texts.offline }}{% endkept %}"
)


def draw(template: Template, who: str, **more) -> str:
    return template.render(Context({"who": who} | more))


def of_catalogue() -> dict:
    snapshot = catalogue.current()
    return {"catalogue": snapshot, "texts": {"offline": snapshot.text("offline")}}


def test_it_is_drawn_once_until_staff_write_something_else():
    template = Template(TWO)
    assert draw(template, "first", **of_catalogue()).startswith("kept first, first, ")
    assert draw(template, "second", **of_catalogue()).startswith("kept first, second, ")
    text, _ = HelpText.objects.get_or_create(key="offline")
    text.text = "Escrito ahora."
    text.save()
    assert draw(template, "third", **of_catalogue()) == "kept third, third, Escrito ahora."


def test_two_places_and_two_templates_are_told_apart():
    one, other = Template(TWO), Template(TWO)
    assert "No hay conexión" in draw(one, "first", **of_catalogue())
    assert draw(other, "second", **of_catalogue()).startswith("kept second")


def test_without_a_catalogue_it_is_drawn_each_time():
    template = Template("{% load kept %}{% kept %}{{ who }}{% endkept %}")
    assert [draw(template, "first"), draw(template, "second")] == ["first", "second"]
