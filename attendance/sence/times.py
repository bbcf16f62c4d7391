"""SENCE's `FechaHora`: a wall clock of Chile's, without saying which side of a change it is on."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CHILE = ZoneInfo("America/Santiago")
FORMAT = "%Y-%m-%d %H:%M:%S"


def readings(sence_time: str) -> list[datetime]:
    """Return the moments that a `FechaHora` may mean, the earlier first; [] where it isn't one.

    Two in the hour that April repeats, and in the one that September skips, which a clock that
    lags behind may still show.
    """
    try:
        wall = datetime.strptime(sence_time.strip(), FORMAT)  # noqa: DTZ007 - the zone comes next
        both = {wall.replace(tzinfo=CHILE, fold=fold).astimezone(UTC) for fold in (0, 1)}
    except (ValueError, OverflowError):
        # The last evening of the year 9999 is in no calendar of UTC's.
        return []
    return sorted(both)


def difference(sence_time: str, ours: datetime) -> timedelta | None:
    """Return how far SENCE's clock is ahead of ours, by the nearer reading; None without one."""
    ahead = [reading - ours for reading in readings(sence_time)]
    return min(ahead, key=abs, default=None)
