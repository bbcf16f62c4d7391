import pytest
from django.core.cache import cache
from django.test import Client

from attendance import sence_state
from errors_catalog import catalogue
from tests import fuzzing, migrated_rows

fuzzing.load_profile()


def pytest_addoption(parser):
    parser.addoption(
        "--pictures", action="store_true", help="keep the pictures of the guide and the manual"
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        migrated_rows.keep()


@pytest.fixture(autouse=True)
def _own_spool_and_cold_cache(settings, tmp_path, monkeypatch):
    # A second of the machine's, whatever clock a test has.
    monkeypatch.setattr(catalogue, "HELD_SECONDS", 0)
    monkeypatch.setattr(sence_state, "HELD_SECONDS", 0)
    settings.SPOOL_DIR = tmp_path / "spool"
    cache.clear()
    # What the process itself holds of it, where a test before had no cache.
    catalogue.forget()
    sence_state.forget()


@pytest.fixture
def browser_client():
    """A client as a browser is one: CSRF is enforced, and it follows nothing by itself."""
    return Client(enforce_csrf_checks=True)
