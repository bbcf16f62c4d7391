"""Django's backend, which asks a connection whether it lives only after a silence."""

import time

from django.db.backends.postgresql import base

SILENCE = 1.0
"""Seconds since a connection answered, after which it is asked. Django asks at every request:
while students come one after the other, that takes as long as the one question of a page."""


class DatabaseWrapper(base.DatabaseWrapper):
    answered_at = float("-inf")

    def close_if_health_check_failed(self) -> None:
        if time.monotonic() - self.answered_at < SILENCE:
            self.health_check_done = True
        super().close_if_health_check_failed()

    def close_if_unusable_or_obsolete(self) -> None:
        if self.errors_occurred and self.connection is not None:
            # Django goes on with what still answers "SELECT 1". But a statement that was planned
            # before a migration may fail on this connection for as long as it lives.
            self.close()
            return
        # At the end of a request in which it was used.
        if self.health_check_done:
            self.answered_at = time.monotonic()
        super().close_if_unusable_or_obsolete()

    def close(self) -> None:
        self.answered_at = float("-inf")
        super().close()
