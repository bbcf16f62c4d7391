"""A figure of the bench: ours beside its reference, as a ratio and against what it must reach."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`ratio` is ours / reference; without a reference it is ours, and `unit` says of what.

    `at_least` and `at_most` are what the ratio must reach, where something is asked of it. `more`
    is what else was measured on the way, for the file.
    """

    section: str
    what: str
    ours: float
    reference: float | None = None
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    more: dict[str, Any] | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.reference if self.reference else self.ours

    @property
    def is_met(self) -> bool | None:
        """Whether it reaches what is asked; None where nothing is."""
        if self.at_least is not None:
            return self.ratio >= self.at_least
        return self.ratio <= self.at_most if self.at_most is not None else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": round(self.ratio, 4), "is_met": self.is_met}

    def as_line(self) -> str:
        wanted = ""
        if self.at_least is not None:
            wanted = f"≥ {self.at_least:g}"
        elif self.at_most is not None:
            wanted = f"≤ {self.at_most:g}"
        mark = {True: "yes", False: "NO", None: ""}[self.is_met]
        reference = "" if self.reference is None else f"{self.reference:,.1f}"
        return (
            f"{self.section:9} {self.what:52} {self.ours:>12,.1f} {reference:>12} {self.unit:12}"
            f" {self.ratio:>9.3f} {wanted:>8} {mark}"
        )


HEADING = (
    f"{'':9} {'':52} {'ours':>12} {'reference':>12} {'unit':12} {'ratio':>9} {'wanted':>8} met"
)
