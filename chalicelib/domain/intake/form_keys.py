"""What the page of a form carries from when it was shown until it is sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.values import value

LIFE = timedelta(days=7)
"""How long a page may be open before it is sent."""


@value
class FormKey:
    """However often one page is sent, it has one `key`: it makes one submission. `shown_at` is when the page was
    first shown, and `version` is the form's that it shows."""

    form: str
    version: int
    key: str
    shown_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether the page was open for too long."""
        return now - self.shown_at > LIFE

    def is_too_soon(self, now: datetime, wait: timedelta) -> bool:
        """Whether nobody can have filled the form in since."""
        return bool(wait) and now - self.shown_at < wait
