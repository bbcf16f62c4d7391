"""The admin site's own addresses."""

import pytest
from django.contrib.contenttypes.models import ContentType

from attendance.models import AttendanceSession
from tests.attendance_steps import requested
from tests.backoffice.staff import browser_of, member


@pytest.mark.django_db
@pytest.mark.parametrize("group", ["Coordinador", "Administrador", "Auditor"])
def test_no_number_leads_staff_to_a_students_page_and_its_form_with_the_token(group):
    session = requested()
    kind = ContentType.objects.get_for_model(AttendanceSession).pk
    answer = browser_of(member(group)).get(f"/admin/r/{kind}/{session.pk}/")
    assert answer.status_code == 404
