"""What admin says in Spanish where Django's own would not do."""

import re

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, override

from tests.factories import ActionFactory

FOLDER = settings.BASE_DIR / "usecap_sence" / "locale" / "es" / "LC_MESSAGES"


def test_what_is_compiled_is_what_is_written():
    written = (FOLDER / "django.po").read_text(encoding="utf-8")
    found = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', written, re.MULTILINE)
    assert len(found) == written.count("\nmsgid ") - 1
    with override("es-cl"):
        assert [gettext(english) for english, _ in found] == [spanish for _, spanish in found]


@pytest.mark.django_db
def test_admin_says_what_it_did_without_a_wrong_article(admin_client):
    action = ActionFactory()
    page = reverse("admin:courses_action_delete", args=[action.pk])

    told = admin_client.post(page, {"post": "yes"}, follow=True).content.decode()

    assert f"Se eliminó: acción “{action}”." in told
