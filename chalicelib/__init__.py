"""The forms-and-workflow backend: domain, services, adapters and web, in that order of dependence."""

import gc

_USUAL = gc.get_threshold()

# What is loaded up to the first answer stays. Looking for garbage among it again and again, as Python does after every
# 700 new objects, takes a tenth of a cold start.
gc.set_threshold(100_000)


def started() -> None:
    """The process has answered for the first time: what it holds now is looked through no more, what comes is."""
    if gc.get_threshold() != _USUAL:
        gc.freeze()
        gc.set_threshold(*_USUAL)
