"""What protects browsers, on every address of the site with production's settings.

The addresses come from the URL resolver: a new one is walked without anybody adding it here. Where
its pattern needs a value that nobody can guess, the test says so.
"""

import json
import re
from http.cookies import Morsel

import pytest
from django.conf import settings as loaded
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client

from tests.attendance.test_production_start import run
from tests.attendance_steps import answer, closing, identified, opened, post, requested
from tests.backoffice.staff import browser_of
from tests.backoffice.test_every_page import a_world, address, admin_pages, patterns

pytestmark = pytest.mark.django_db

PREFIXES = ("SECURE_", "SESSION_COOKIE_", "CSRF_COOKIE_", "X_FRAME_", "CONTENT_SECURITY_")
ASK = f"""
import json
from usecap_sence import settings
names = [name for name in dir(settings) if name.startswith({PREFIXES!r})]
names += ["MIDDLEWARE", "SENCE_FORM_HOSTS"]
print(json.dumps({{name: getattr(settings, name) for name in names}}))
"""
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}
BY_CONVERTER = {"int": "1", "str": "x", "slug": "x", "path": "x"}
"""Nobody's, but in a pattern's form."""
OUR_OWN = ["/favicon.ico", "/static/usecap/icon.svg", "/static/usecap/pages.js"]


@pytest.fixture(scope="module")
def of_production(tmp_path_factory) -> dict:
    """The settings that bear on headers, as production loads them."""
    done = run(tmp_path_factory.mktemp("production"), "-c", ASK)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def production(settings, of_production):
    for name, value in of_production.items():
        setattr(settings, name, value)
    # With an address for each kind of error besides.
    settings.ROOT_URLCONF = "tests.browser.broken_urls"
    # Nothing is collected for tests.
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


def ask(client: Client, method: str, path: str, **options) -> HttpResponse:
    client.raise_request_exception = False
    return client.generic(method, path, secure=True, **options)


def policy_of(response: HttpResponse) -> dict[str, list[str]]:
    directives = response.headers.get("Content-Security-Policy", "").split(";")
    parts = [directive.split() for directive in directives if directive.strip()]
    return {name: values for name, *values in parts}


def wrong_headers(response: HttpResponse) -> list[str]:
    """What the response lacks of what every one should have."""
    found = [
        f"{name}: {response.headers.get(name)}"
        for name, value in EXPECTED.items()
        if response.headers.get(name) != value
    ]
    policy = policy_of(response)
    if policy.get("default-src") != ["'none'"] or policy.get("frame-ancestors") != ["'none'"]:
        found.append(f"policy {policy}")
    if policy.get("base-uri") != ["'none'"] or any("unsafe" in str(v) for v in policy.values()):
        found.append(f"policy {policy}")
    if not set(policy.get("form-action", ["*"])) <= {"'self'", *loaded.SENCE_FORM_HOSTS}:
        found.append(f"form-action {policy.get('form-action')}")
    if not {"camera=()", "geolocation=()", "microphone=()"} <= set(
        response.headers.get("Permissions-Policy", "").split(", ")
    ):
        found.append("Permissions-Policy")
    return found + [f"cookie {name}" for name, morsel in response.cookies.items() if bad(morsel)]


def bad(cookie: Morsel) -> bool:
    if not cookie.value and cookie["max-age"] == 0:
        # It is being deleted, and says nothing.
        return False
    return not (cookie["secure"] and cookie["httponly"] and cookie["samesite"] in ("Lax", "Strict"))


def may_be_kept(response: HttpResponse) -> bool:
    return "no-store" not in response.headers.get("Cache-Control", "")


def filled(route: str, values: dict[str, str]) -> str:
    """The address of a pattern: with our values by their names, else with some of their kind."""
    route = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<regex:\1>", route).replace("^", "").rstrip("$")

    def value(match: re.Match) -> str:
        converter, _, name = match[1].rpartition(":")
        known = values | {"converter": BY_CONVERTER.get(converter or "str", "")}
        chosen = known.get(name) or known["converter"]
        assert chosen, f"{route}: give {name} a value in this test"
        return chosen

    path = "/" + re.sub(r"<([^>]+)>", value, route)
    assert not re.search(r"[\\()\[\]?*+|]", path), f"{route}: this test can't make an address of it"
    return path


def sessions():
    """One in each state."""
    waiting, refused, closed, running = requested(), requested(), opened(), opened()
    post(refused, "open", answer(refused, GlosaError="204"), error=True)
    post(closed, "close", closing(closed))
    return [waiting, refused, closed, running]


def secrets_of(session) -> list[bytes]:
    student = session.enrolment.student
    found = [
        session.run, session.otec.token(), session.nonce, str(session.public_id),
        student.given_names, student.surnames, student.email,
    ]  # fmt: skip
    return [value.encode() for value in found if value]


def everything(response: HttpResponse) -> bytes:
    return b"".join(response) + response.headers.get("Location", "").encode()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_of_students_and_monitors(method):
    routes = [route for route in patterns() if not route.startswith("admin/")]
    wrong, seen = {}, set()
    for session in sessions():
        values = {"public_id": str(session.public_id), "nonce": session.nonce}
        for route in [*routes, "no-existe/"]:
            path = filled(route, values)
            for who in (Client(), identified(session.enrolment)):
                response = ask(who, method, path)
                found = wrong_headers(response)
                came = everything(response)
                shown = [value for value in secrets_of(session) if value in came]
                seen.update(shown)
                if shown and may_be_kept(response):
                    found.append(f"may be kept: {shown}")
                if found:
                    wrong[f"{response.status_code} {route}"] = found
    assert wrong == {}
    # Else nothing was looked for.
    looked_for = (
        [session.run, session.otec.token()] if method == "GET" else [str(session.public_id)]
    )
    assert {value.encode() for value in looked_for} <= seen


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_of_admin(method):
    rows, wrong = a_world(), {}
    boss = get_user_model().objects.create_superuser("jefa")
    for route in admin_pages():
        path = address(route, rows)
        for who in (Client(), browser_of(boss)):
            response = ask(who, method, path)
            found = wrong_headers(response)
            # All of it is for staff, but the words of Django's own scripts.
            if response.status_code == 200 and may_be_kept(response) and route != "jsi18n/":
                found.append("may be kept")
            if found:
                wrong[f"{response.status_code} {route}"] = found
    assert wrong == {}


@pytest.mark.parametrize("path", OUR_OWN)
def test_every_file_of_ours(client, path):
    response = ask(client, "GET", path)
    assert (response.status_code, wrong_headers(response)) == (200, [])


def test_a_host_that_is_not_ours_and_an_address_without_its_slash():
    for client, path, status in (
        (Client(headers={"host": "example.com"}), "/", 400),
        (Client(), "/guia", 301),
    ):
        response = ask(client, "GET", path)
        assert (response.status_code, wrong_headers(response)) == (status, [])


def test_the_page_that_needs_nothing_keeps_its_style(client, settings):
    """Its style stands in it: the policy names that one, by its hash."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": "/dev/null",
        }
    }
    response = ask(client, "GET", "/roto/500")
    assert (response.status_code, wrong_headers(response)) == (500, [])
    assert "<style>" in response.content.decode()
    assert [value for value in policy_of(response)["style-src"] if value.startswith("'sha256-")]


def test_plain_http_leads_to_https_and_sets_no_cookie(client):
    response = client.get("/")
    assert response.status_code == 301
    assert response["Location"] == "https://testserver/"
    assert not response.cookies


def test_the_policy_names_no_other_site_than_sences(client):
    policy = policy_of(ask(client, "GET", "/"))
    named = {value for values in policy.values() for value in values}
    assert named - {"'self'", "'none'", "data:"} == set(loaded.SENCE_FORM_HOSTS)
    assert all(host.startswith("https://") for host in loaded.SENCE_FORM_HOSTS)


def test_a_pattern_without_a_guess_is_said():
    with pytest.raises(AssertionError, match="give code a value"):
        filled("curso/<yyyy:code>/", {})
