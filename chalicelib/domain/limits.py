"""How much is taken from whom, and how soon. A limit of nothing is no limit."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.values import value


@value
class Limits:
    """`mailbox_an_hour`: submissions from one mailbox, more are refused. `force_an_hour`: submissions of one force,
    more are taken and told to those who run the service. `form_wait`: nobody fills a form in sooner.
    `source_an_hour`: codes asked for from one network address, more are refused."""

    mailbox_an_hour: int
    force_an_hour: int
    form_wait: timedelta
    source_an_hour: int = 0
