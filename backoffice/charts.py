"""Bars drawn on the server: where each one stands, for a template that draws SVG."""

from dataclasses import dataclass

WIDTH, HEIGHT = 640, 180
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 16, 24
"""Room for the axis's numbers, half a label, half a number, and the labels."""


@dataclass(frozen=True)
class Point:
    """One place of the horizontal axis, with its two values."""

    label: str
    title: str
    opened: int
    closed: int
    opened_url: str
    closed_url: str


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    value: int


@dataclass(frozen=True)
class Column:
    point: Point
    centre: float
    opened: Bar
    closed: Bar
    shows_label: bool


@dataclass(frozen=True)
class Line:
    y: float
    value: int


@dataclass(frozen=True)
class Chart:
    """What the template draws. `columns` and `lines` are in the units of `view_box`."""

    columns: list[Column]
    lines: list[Line]
    view_box: str = f"0 0 {WIDTH} {HEIGHT}"
    left: int = LEFT
    right: int = WIDTH
    base: int = HEIGHT - BOTTOM
    label_y: int = HEIGHT - 7

    @property
    def total(self) -> int:
        return sum(column.point.opened for column in self.columns)

    @property
    def total_closed(self) -> int:
        return sum(column.point.closed for column in self.columns)


def chart(points: list[Point], label_every: int, labelled: int = 0) -> Chart:
    """Lay the points out; every so many has its label, and that at `labelled` is one of them."""
    top = ceiling(max((max(p.opened, p.closed) for p in points), default=0))
    room = (WIDTH - LEFT - RIGHT) / max(len(points), 1)
    return Chart(
        columns=[
            _column(point, LEFT + place * room, room, top, (place - labelled) % label_every == 0)
            for place, point in enumerate(points)
        ],
        lines=[Line(_y(value, top), value) for value in (0, top // 2, top)],
    )


def ceiling(value: int) -> int:
    """Return the round even number, at or above the value, that the axis ends with."""
    power = 1
    while True:
        for step in (2, 4, 6, 10):
            if value <= step * power:
                return step * power
        power *= 10


def _column(point: Point, x: float, room: float, top: int, shows_label: bool) -> Column:
    width = round(room * 0.36, 2)
    return Column(
        point=point,
        centre=round(x + room / 2, 2),
        opened=_bar(point.opened, x + room * 0.12, width, top),
        closed=_bar(point.closed, x + room * 0.52, width, top),
        shows_label=shows_label,
    )


def _bar(value: int, x: float, width: float, top: int) -> Bar:
    y = _y(value, top)
    return Bar(round(x, 2), y, width, round(_y(0, top) - y, 2), value)


def _y(value: int, top: int) -> float:
    base = HEIGHT - BOTTOM
    return round(base - (base - TOP) * value / top, 2)
