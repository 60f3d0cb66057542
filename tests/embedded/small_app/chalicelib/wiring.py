"""The small app has no parts."""


def parts():
    """Nothing to put together."""
