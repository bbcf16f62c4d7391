"""The one exception of this package."""


class RosterError(Exception):
    """A roster that can't be loaded at all. Its text is a sentence for the user, with a remedy."""
