"""Each rule about settings: what breaks it, what keeps it, and what it says."""

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from attendance.sence.callback_urls import MAX_BASE_URL, PATHS, callback_url
from attendance.starting import sence_form
from tests.attendance_steps import requested

PRODUCTION = {
    "DEBUG": False,
    "ALLOWED_HOSTS": ["asistencia.usecap.cl"],
    "PUBLIC_BASE_URL": "https://asistencia.usecap.cl",
    "SENCE_PRODUCTION_URL": "https://sistemas.sence.cl/rce/Registro/",
    "SENCE_TEST_URL": "https://sistemas.sence.cl/rcetest/Registro/",
    "SENCE_FORM_HOSTS": ["https://*.sence.cl", "https://*.claveunica.gob.cl"],
    "SENCE_SESSION_HOURS": 3,
    "TOKEN_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
}
SIMULATOR = "http://127.0.0.1:8001"
DEVELOPMENT = PRODUCTION | {
    "DEBUG": True,
    "ALLOWED_HOSTS": ["localhost"],
    "PUBLIC_BASE_URL": "http://localhost:8000",
    "SENCE_PRODUCTION_URL": f"{SIMULATOR}/rce/Registro/",
    "SENCE_TEST_URL": f"{SIMULATOR}/rcetest/Registro/",
    "SENCE_FORM_HOSTS": [SIMULATOR, "http://localhost:8002"],
}


def found(settings, base, changes):
    """Return the ids that the checks find with these settings; each says what to do."""
    for name, value in (base | changes).items():
        setattr(settings, name, value)
    messages = run_checks(tags=["attendance"])
    for message in messages:
        assert message.msg
        assert message.hint
    return {message.id for message in messages}


@pytest.mark.parametrize("base", [PRODUCTION, DEVELOPMENT], ids=["production", "development"])
def test_the_settings_of_the_documentation_break_no_rule(settings, base):
    assert found(settings, base, {}) == set()


LONGEST = "https://" + "a" * (MAX_BASE_URL - len("https://.cl")) + ".cl"
BREAKING = [
    ("attendance.E001", PRODUCTION, {"PUBLIC_BASE_URL": url})
    for url in (
        *("", "asistencia.usecap.cl", "ftp://asistencia.usecap.cl", "https://", "https://[1"),
        *("https://asistencia.usecap.cl/ruta", "https://asistencia.usecap.cl?a=b"),
        *("https://asistencia.usecap.cl#a", "https://asistencia.usecap.cl?"),
        *("https://alguien@asistencia.usecap.cl", "https://asistencia.usecap.cl:puerto"),
    )
] + [
    ("attendance.E002", PRODUCTION, {"PUBLIC_BASE_URL": f"{LONGEST}l", "ALLOWED_HOSTS": ["*"]}),
    ("attendance.E003", PRODUCTION, {"PUBLIC_BASE_URL": "http://asistencia.usecap.cl"}),
    ("attendance.E004", PRODUCTION, {"ALLOWED_HOSTS": ["www.usecap.cl"]}),
    ("attendance.E004", PRODUCTION, {"ALLOWED_HOSTS": []}),
    ("attendance.E010", PRODUCTION, {"SENCE_PRODUCTION_URL": ""}),
    ("attendance.E010", PRODUCTION, {"SENCE_TEST_URL": "https://sistemas.sence.cl/rcetest"}),
    ("attendance.E010", PRODUCTION, {"SENCE_TEST_URL": "sistemas.sence.cl/"}),
    ("attendance.E010", PRODUCTION, {"SENCE_TEST_URL": "https://[1/"}),
    (
        "attendance.E011",
        DEVELOPMENT,
        {
            "SENCE_PRODUCTION_URL": "https://sistemas.sence.cl/rce/Registro/",
            "SENCE_FORM_HOSTS": [SIMULATOR, "https://*.sence.cl"],
        },
    ),
    *(
        (
            "attendance.E012",
            PRODUCTION,
            {name: url, "SENCE_FORM_HOSTS": ["https://*.sence.cl", origin]},
        )
        for name in ("SENCE_PRODUCTION_URL", "SENCE_TEST_URL")
        for url, origin in (
            (f"{SIMULATOR}/rce/Registro/", SIMULATOR),
            ("http://sistemas.sence.cl/rce/Registro/", "http://sistemas.sence.cl"),
            ("https://sence.cl.otro.cl/rce/Registro/", "https://sence.cl.otro.cl"),
            ("https://nosence.cl/rce/Registro/", "https://nosence.cl"),
        )
    ),
    (
        "attendance.E013",
        PRODUCTION,
        {"SENCE_PRODUCTION_URL": "https://sistemas.sence.cl/RceTest/Registro/"},
    ),
    (
        "attendance.E013",
        PRODUCTION,
        {"SENCE_TEST_URL": "https://sistemas.sence.cl/rce/Registro/"},
    ),
    ("attendance.E014", PRODUCTION, {"SENCE_FORM_HOSTS": ["https://*.claveunica.gob.cl"]}),
    ("attendance.E014", PRODUCTION, {"SENCE_FORM_HOSTS": []}),
    ("attendance.E014", DEVELOPMENT, {"SENCE_FORM_HOSTS": ["http://127.0.0.1:8002"]}),
    ("attendance.E015", PRODUCTION, {"SENCE_SESSION_HOURS": 0}),
    ("attendance.E015", PRODUCTION, {"SENCE_SESSION_HOURS": 25}),
    ("attendance.W001", PRODUCTION, {"TOKEN_ENCRYPTION_KEYS": []}),
    ("attendance.W002", PRODUCTION, {"TOKEN_ENCRYPTION_KEYS": ["mal-formada"]}),
]


@pytest.mark.parametrize(("id_", "base", "changes"), BREAKING)
def test_a_setting_that_breaks_a_rule_is_said_with_its_remedy(settings, id_, base, changes):
    assert found(settings, base, changes) == {id_}


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (PRODUCTION, {"ALLOWED_HOSTS": [".usecap.cl"]}),
        (PRODUCTION, {"ALLOWED_HOSTS": ["*"]}),
        (PRODUCTION, {"PUBLIC_BASE_URL": "https://asistencia.usecap.cl:8443"}),
        (PRODUCTION, {"PUBLIC_BASE_URL": LONGEST, "ALLOWED_HOSTS": ["*"]}),
        (PRODUCTION, {"SENCE_FORM_HOSTS": ["https://sistemas.sence.cl"]}),
        (PRODUCTION, {"SENCE_SESSION_HOURS": 1}),
        (PRODUCTION, {"SENCE_SESSION_HOURS": 24}),
        (
            DEVELOPMENT,
            {
                "SENCE_TEST_URL": "https://sistemas.sence.cl/rcetest/Registro/",
                "SENCE_FORM_HOSTS": [SIMULATOR, "https://*.sence.cl"],
            },
        ),
    ],
)
def test_a_setting_on_the_right_side_of_a_rule_keeps_it(settings, base, changes):
    assert found(settings, base, changes) == set()


def test_a_spool_that_cannot_be_written_is_said(settings, tmp_path):
    (tmp_path / "a-file").touch()
    for folder in (tmp_path / "a-file", tmp_path / "a-file" / "spool"):
        assert found(settings, PRODUCTION, {"SPOOL_DIR": folder}) == {"attendance.E016"}


def test_the_check_makes_the_spool_for_us_alone_and_leaves_nothing_in_it(settings):
    assert found(settings, PRODUCTION, {}) == set()
    assert settings.SPOOL_DIR.stat().st_mode & 0o777 == 0o700
    assert list(settings.SPOOL_DIR.iterdir()) == []


@pytest.mark.django_db
def test_the_longest_address_allowed_makes_urls_of_exactly_what_sence_takes(settings):
    session = requested()
    assert (
        found(settings, PRODUCTION, {"PUBLIC_BASE_URL": LONGEST, "ALLOWED_HOSTS": ["*"]}) == set()
    )
    lengths = [
        len(callback_url(LONGEST, session.nonce, phase, error=error)) for phase, error in PATHS
    ]
    assert max(lengths) == 100
    settings.TOKEN_ENCRYPTION_KEYS = ["dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="]
    assert len(sence_form(session, "close")["fields"]["UrlError"]) == 100
