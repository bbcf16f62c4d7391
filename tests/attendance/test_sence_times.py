"""`FechaHora` read as Chile's time."""

from datetime import UTC, datetime, timedelta

import pytest

from attendance.sence.times import difference, readings


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sence_time", "meant"),
    [
        # Summer time, UTC-3, and winter time, UTC-4.
        ("2026-11-23 10:00:00", [utc(2026, 11, 23, 13)]),
        ("2026-07-01 10:00:00", [utc(2026, 7, 1, 14)]),
        # On Saturday 4 April 2026 at 24:00 the clock went back to 23:00.
        ("2026-04-04 23:30:00", [utc(2026, 4, 5, 2, 30), utc(2026, 4, 5, 3, 30)]),
        ("2026-04-04 22:59:59", [utc(2026, 4, 5, 1, 59, 59)]),
        ("2026-04-05 00:00:00", [utc(2026, 4, 5, 4)]),
        # On Sunday 6 September 2026 00:00 became 01:00.
        ("2026-09-06 00:30:00", [utc(2026, 9, 6, 3, 30), utc(2026, 9, 6, 4, 30)]),
        (" 2026-11-23 10:00:00 ", [utc(2026, 11, 23, 13)]),
        ("23-11-2026 10:00", []),
        ("2026-02-30 10:00:00", []),
        ("9999-12-31 23:59:59", []),
        ("", []),
    ],
)
def test_a_wall_clock_means_one_moment_or_two(sence_time, meant):
    assert readings(sence_time) == meant


def test_the_nearer_reading_tells_how_far_sence_is_ahead():
    repeated = "2026-04-04 23:30:00"
    assert difference(repeated, utc(2026, 4, 5, 3, 29)) == timedelta(minutes=1)
    assert difference(repeated, utc(2026, 4, 5, 2, 31)) == timedelta(minutes=-1)


def test_without_a_reading_there_is_no_difference():
    assert difference("ayer", utc(2026, 4, 5)) is None
