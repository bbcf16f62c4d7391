import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def empty_cache():
    """Each test reads the catalogue from its own database."""
    cache.clear()
    yield
    cache.clear()
