import pytest
from django.core.cache import cache
from django.test import Client

from tests.errors_catalog.staff import browser_of, member


@pytest.fixture(autouse=True)
def empty_cache():
    """Each test reads the catalogue from its own database."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def coordinator(db) -> Client:
    """Who edits what students read."""
    return browser_of(member("Coordinador", first_name="Carla", last_name="Rojas"))


@pytest.fixture
def auditor(db) -> Client:
    """Who looks at it and changes nothing."""
    return browser_of(member("Auditor", first_name="Ana", last_name="Soto"))
