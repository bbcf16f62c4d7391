"""docs/privacy.md names everything that is kept."""

from django.apps import apps
from django.conf import settings

OURS = ("courses", "attendance", "errors_catalog", "backoffice")
REGISTER = (settings.BASE_DIR / "docs" / "privacy.md").read_text()


def test_every_model_of_ours_has_a_place_in_the_register():
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    names = {
        f"{model._meta.app_label}.{model.__name__}"
        for model in models
        if not model.__name__.startswith("Historical")
    }
    assert {name for name in names if f"`{name}`" not in REGISTER} == set()


def test_the_periods_are_the_ones_that_are_shipped():
    for name in ("STUDENT_DATA_DAYS", "MAIL_TEXT_DAYS", "ROSTER_FILE_DAYS"):
        assert f"`{name}`" in REGISTER
    days = (settings.STUDENT_DATA_DAYS, settings.MAIL_TEXT_DAYS, settings.ROSTER_FILE_DAYS)
    assert days == (730, 365, 90)
