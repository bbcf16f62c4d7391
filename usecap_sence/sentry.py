"""Our own errors to Sentry, where an operator wants that: with nothing of the people in them."""

from typing import Any

from usecap_sence.logs import masked

OF_THE_REQUEST = ("method",)
"""What an event tells of the request: its address, cookies, headers and body name people."""


def start(dsn: str, environment: str) -> None:
    """Send what no view caught to `dsn`; without one, nothing."""
    if not dsn:
        return
    # Loaded where it is used alone: most installations have no DSN.
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.integrations.django import DjangoIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        before_send=without_people,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0,
        # Of Django the unhandled errors alone; of what is logged, nothing twice.
        default_integrations=False,
        integrations=[DjangoIntegration(middleware_spans=False, signals_spans=False)],
    )


def without_people(event: Any, hint: Any) -> Any:
    """Return the event with texts masked, and the request without what tells whose it is."""
    for name in ("user", "server_name", "extra", "breadcrumbs"):
        event.pop(name, None)
    request = event.pop("request", None) or {}
    for raised in event.get("exception", {}).get("values", []):
        # The words of an exception may quote what somebody typed.
        raised.pop("value", None)
    event = masked(event)
    event["request"] = {name: request[name] for name in OF_THE_REQUEST if name in request}
    return event
