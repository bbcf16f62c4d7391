"""What deploy/ says of the project is true of it."""

import re

from django.apps import apps
from django.conf import settings
from django.core.management import get_commands

DEPLOY = settings.BASE_DIR / "deploy"


def commands_of(text: str) -> set[str]:
    return set(re.findall(r"manage\.py (\w+)", text))


def timers() -> set[str]:
    names = [file.stem for file in (DEPLOY / "systemd").glob("usecap-sence@?*.timer")]
    return {name.partition("@")[2] for name in names}


def test_each_timer_runs_a_command_and_a_container_runs_the_same():
    assert timers()
    assert timers() <= set(get_commands())
    assert commands_of((DEPLOY / "clock.sh").read_text()) == timers()


def test_the_manual_of_operation_names_what_runs_by_the_clock():
    manual = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    table = manual[manual.index("## What runs by the clock") : manual.index("## Mails")]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == timers()
    cron = manual[manual.index("## cron") : manual.index("## While the site")]
    assert commands_of(cron) == timers()
    for command in commands_of(manual):
        assert command in get_commands(), command


def test_the_image_has_every_app_of_ours_and_no_keys():
    allowed = (settings.BASE_DIR / ".dockerignore").read_text().splitlines()
    ours = {
        config.name.partition(".")[0]
        for config in apps.get_app_configs()
        if str(config.path).startswith(str(settings.BASE_DIR / config.name.partition(".")[0]))
    } - {"tests"}
    assert "*" in allowed
    assert {f"!{name}" for name in ours} <= set(allowed)
    assert not any("env" in line for line in allowed)
