"""What students hold in their hands, as options of Playwright's contexts."""

from typing import Any

import pytest

CHILE = {"locale": "es-CL", "timezone_id": "America/Santiago"}
PHONE: dict[str, Any] = CHILE | {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
}
PHONE_WITHOUT_JAVASCRIPT = PHONE | {"java_script_enabled": False}
DESKTOP: dict[str, Any] = CHILE | {"viewport": {"width": 1280, "height": 800}}


def on(**devices: dict[str, Any]) -> pytest.MarkDecorator:
    """Run a test once on each of the devices, by name."""
    return pytest.mark.parametrize(
        "browser_context_args", devices.values(), ids=list(devices), indirect=True
    )


with_and_without_javascript = on(phone=PHONE, phone_without_javascript=PHONE_WITHOUT_JAVASCRIPT)
on_phone_and_desktop = on(phone=PHONE, desktop=DESKTOP)
on_every_device = on(
    phone=PHONE, phone_without_javascript=PHONE_WITHOUT_JAVASCRIPT, desktop=DESKTOP
)
