"""Whole pages drawn once for everybody: what must be each browser's own, and what must change."""

import gzip
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone

from attendance import sence_state
from attendance.models import AttendanceSession
from errors_catalog import catalogue, kept_pages
from errors_catalog.models import ContactDetails
from tests.attendance_steps import identified, opened, page, requested
from tests.factories import ActionFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db
RUT = reverse("attendance:rut")
PAGES = [RUT, reverse("errors_catalog:guide")]
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w{32})"')


def shown(path: str = RUT, browser: Client | None = None) -> str:
    return (browser or Client()).get(path).content.decode()


def test_each_browser_has_a_token_of_its_own_which_it_alone_can_use():
    one, other = (Client(enforce_csrf_checks=True) for _ in range(2))
    (first,), (second,) = (TOKEN.findall(shown(browser=browser)) for browser in (one, other))
    assert first != second
    typed = {"rut": "5126663-3", "csrfmiddlewaretoken": first}
    assert other.post(RUT, typed).status_code == 403
    assert one.post(RUT, typed).status_code == 303


def test_a_browser_that_comes_again_keeps_its_token():
    """A form on a page of this morning, in another tab, is still taken."""
    browser = Client()
    assert TOKEN.findall(shown(browser=browser)) == TOKEN.findall(shown(browser=browser))


def test_a_browser_with_a_token_of_djangos_own_pages_uses_that():
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")
    (token,) = TOKEN.findall(shown(browser=browser))
    assert browser.post(RUT, {"rut": "5126663-3", "csrfmiddlewaretoken": token}).status_code == 303
    assert browser.cookies["csrftoken"].value == token


def test_what_somebody_typed_wrong_is_shown_to_nobody_else():
    assert "1-2" in Client().post(RUT, {"rut": "1-2"}).content.decode()
    assert "1-2" not in TOKEN.sub("", shown())
    assert "is-invalid" not in shown()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_drawn_once(path):
    before = TOKEN.sub("", shown(path))
    with override_settings(TEMPLATES=[]):
        assert TOKEN.sub("", shown(path)) == before


def unpacked(path: str) -> str:
    """What a browser shows that takes gzip, as all of them do."""
    response = Client().get(path, headers={"accept-encoding": "gzip, deflate, br"})
    assert response["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response["Vary"]
    assert int(response["Content-Length"]) == len(response.content)
    return gzip.decompress(response.content).decode()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("read", [shown, unpacked])
def test_what_staff_write_is_on_the_next_page(path, read):
    assert "nuevo@usecap.cl" not in read(path)
    contact, _ = ContactDetails.objects.get_or_create()
    contact.email = "nuevo@usecap.cl"
    contact.save()
    assert "nuevo@usecap.cl" in read(path)


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_that_takes_gzip_reads_the_same(path):
    assert TOKEN.sub("", unpacked(path)) == TOKEN.sub("", shown(path))


def test_a_page_that_is_the_same_for_all_is_compressed_once():
    """Django's middleware pads what it compresses, each time with other bytes."""
    guide = reverse("errors_catalog:guide")
    first, second = (Client().get(guide, headers={"Accept-Encoding": "gzip"}) for _ in range(2))
    assert first["Content-Encoding"] == "gzip"
    assert first.content == second.content


def test_sences_trouble_comes_and_goes():
    trouble = catalogue.text("sence_failing")
    seen = []
    for failing in ((), ("production",), ()):
        sence_state.forget()
        cache.set(sence_state.KEY, frozenset(failing), sence_state.CACHE_SECONDS)
        seen.append(trouble in shown())
    assert seen == [False, True, False]


@pytest.mark.parametrize("reach", [requested, opened])
def test_each_students_page_has_what_is_theirs_and_nothing_of_anybody_else(reach):
    first, second = (reach(EnrolmentFactory()) for _ in range(2))
    seen = page(first, identified(first.enrolment)), page(second, identified(second.enrolment))
    for session, own, others in ((first, *seen), (second, *reversed(seen))):
        for text in (session.run, session.nonce, str(session.public_id), session.course_name):
            assert text in own
            assert text not in others


def as_asked_for(session: AttendanceSession, at: datetime) -> None: ...


def set_aside(session: AttendanceSession, at: datetime) -> None:
    AttendanceSession.objects.filter(pk=session.pk).update(superseded_at=at)


def rejected(session: AttendanceSession, at: datetime) -> None:
    session.mark_rejected("311;998", at)


def open_past_the_limit(session: AttendanceSession, at: datetime) -> None:
    session.mark_opened("sence-1", at, time="", zone="")


def not_closed_by_sence(session: AttendanceSession, at: datetime) -> None:
    open_past_the_limit(session, at)
    session.mark_close_failed("311;998", at)


def closed(session: AttendanceSession, at: datetime) -> None:
    open_past_the_limit(session, at)
    session.mark_closed(at, time="", zone="")


@pytest.mark.parametrize("close_required", [True, False])
@pytest.mark.parametrize(
    "reach",
    [as_asked_for, set_aside, rejected, open_past_the_limit, not_closed_by_sence, closed],
)
def test_in_no_state_is_a_page_drawn_with_anything_of_another_student(reach, close_required):
    sessions = []
    for days in (5, 9):
        at = timezone.now() - timedelta(days=days)
        action = ActionFactory(
            starts_on=at.date() - timedelta(days=1), close_required=close_required
        )
        session = requested(EnrolmentFactory(action=action), at)
        reach(session, at)
        sessions.append(session)
    first, second = sessions
    page(first, identified(first.enrolment))
    with override_settings(TEMPLATES=[]):
        text = page(second, identified(second.enrolment))
    for own in (second.run, str(second.public_id), second.course_name):
        assert own in text
    day = f"{timezone.localtime(first.requested_at):%d-%m-%Y}"
    for other in (first.run, first.nonce, str(first.public_id), first.course_name, day):
        assert other not in text


def test_each_student_chooses_among_their_own_courses():
    first, second = EnrolmentFactory.create_batch(2)
    names = [enrolment.action.course.name for enrolment in (first, second)]
    pages = [shown("/cursos/", identified(each)) for each in (first, second)]
    assert [[name in text for name in names] for text in pages] == [[True, False], [False, True]]
    assert [each.student.run in pages[0] for each in (first, second)] == [True, False]


def test_a_students_pages_are_drawn_once():
    first, second = (opened(EnrolmentFactory()) for _ in range(2))
    page(first), shown("/cursos/", identified(first.enrolment))
    with override_settings(TEMPLATES=[]):
        assert second.course_name in page(second)
        assert second.course_name in shown("/cursos/", identified(second.enrolment))


def test_a_name_is_text_wherever_it_is_put():
    enrolment = EnrolmentFactory(action__course__name='Curso <b>"A" & B</b>')
    escaped = "Curso &lt;b&gt;&quot;A&quot; &amp; B&lt;/b&gt;"
    for text in (
        shown("/cursos/", identified(enrolment)),
        page(opened(enrolment)),
    ):
        assert escaped in text
        assert "<b>" not in text


@pytest.fixture
def draw(tmp_path: Path, settings):
    """Return the text of a page from the source of its template."""
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]

    def drawn(source: str, own: dict[str, str], **values) -> str:
        (tmp_path / "page.html").write_text(source)
        request = RequestFactory().get("/")
        return kept_pages.render_kept(request, "page.html", own, **values).content.decode()

    return drawn


def test_what_a_page_shows_must_be_given(draw):
    with pytest.raises(KeyError, match="name"):
        draw("{{ own.name }}", {"other": "x"})


def test_what_is_a_pages_own_decides_nothing(draw):
    with pytest.raises(TypeError, match="decides nothing"):
        draw("{% if own.name %}x{% endif %}", {"name": ""})


@pytest.mark.parametrize(
    "source",
    [
        "{% if not own.name %}x{% endif %}",
        "{% if own.name and code %}x{% endif %}",
        "{% if own.name == 'Ana' %}x{% endif %}",
        "{{ own.name|upper }}",
    ],
)
def test_what_is_a_pages_own_is_shown_as_it_is(draw, source):
    with pytest.raises(TypeError, match="as it is: name"):
        draw(source, {"name": "Ana"}, code=1)


def test_what_comes_from_outside_is_kept_in_a_bounded_number(draw, monkeypatch):
    monkeypatch.setattr(kept_pages, "MOST_KEPT", len(catalogue.current().drawn) + 2)
    pages = [draw("{{ code }} {{ own.name }}", {"name": "a"}, code=code) for code in range(4)]
    assert pages == ["0 a", "1 a", "2 a", "3 a"]
    assert len(catalogue.current().drawn) == kept_pages.MOST_KEPT
