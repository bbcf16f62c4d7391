import pytest

from tests.factories import OtecFactory


@pytest.fixture
def otec(db):
    """The only OTEC that there is."""
    return OtecFactory(name="USECAP")
