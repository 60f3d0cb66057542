"""How much is taken from whom, and how soon. A limit of nothing is no limit."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.values import value


@value
class Limits:
    """`mailbox_an_hour`: submissions from one mailbox, more are refused. `force_an_hour`: submissions of one force,
    more are taken and told to those who run the service. `form_wait`: nobody fills a form in sooner.
    `source_an_hour`: codes asked for from one network address, more are refused. `more_domains`: what addresses may be
    of besides the domains that a form names. `unconfirmed_for`: how long a submission waits for its code.
    `unproven_mails_an_hour`: codes mailed to whoever sends something without proof; more wait for the next hour.
    """

    mailbox_an_hour: int
    force_an_hour: int
    form_wait: timedelta
    source_an_hour: int = 0
    more_domains: tuple[str, ...] = ()
    unconfirmed_for: timedelta = timedelta(days=7)
    unproven_mails_an_hour: int = 0
