"""Whether everything that the service needs answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chalicelib.domain.errors import Refused
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts

KEPT_FOR = timedelta(seconds=10)
"""How long everybody is told the same. Looking takes calls to DynamoDB, Step Functions and SES, and anybody may ask."""

OK = "ok"


@value
class Health:
    """How each part answered at one moment: OK, or what is wrong with it, without anything that an error says."""

    at: datetime
    lines: Mapping[str, str]

    @property
    def is_well(self) -> bool:
        """Whether all parts answered."""
        return all(line == OK for line in self.lines.values())


_kept: tuple[Parts, Health] | None = None
"""What this process found last, and with which parts."""


def look(parts: Parts) -> Health:
    """Ask every part now."""
    checks: Mapping[str, Callable[[], object]] = {
        "database": lambda: parts.people.person("health"),
        "forms": lambda: parts.forms.all(),
        "workflows": lambda: [
            parts.workflows.is_running(form.workflow.name, "health") for form in parts.forms.all()
        ],
        "mail": lambda: parts.mailer.check(),
    }
    return Health(at=parts.now(), lines={name: _line(check) for name, check in checks.items()})


def lately(parts: Parts) -> Health:
    """What was found within KEPT_FOR by this process; else ask now."""
    global _kept
    if _kept is not None and _kept[0] is parts and abs(parts.now() - _kept[1].at) < KEPT_FOR:
        return _kept[1]
    found = look(parts)
    _kept = (parts, found)
    return found


def _line(check: Callable[[], object]) -> str:
    try:
        check()
    except Refused:
        return "does not answer"
    except Exception as error:
        return f"fails: {type(error).__name__}"
    return OK
