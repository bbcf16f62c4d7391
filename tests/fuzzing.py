"""How far the tests of any bytes look: some examples in the suite, many more in `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

USUAL = 100
COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}

# The suite's are the same ones each time; a round of `make fuzz` has new ones.
settings.register_profile("suite", max_examples=USUAL, derandomize=True, database=None, **COMMON)
settings.register_profile("fuzz", max_examples=5 * USUAL, derandomize=False, **COMMON)


def load_profile() -> None:
    """Load the profile that HYPOTHESIS_PROFILE names."""
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def examples(count: int) -> int:
    """Return how many examples the profile wants of a test that has `count` in the suite."""
    return count * settings.default.max_examples // USUAL
