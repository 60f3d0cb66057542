"""What a workflow file must hold to besides its meta schema. The money is a form's: see form_rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from chalicelib.domain.approvals.outcomes import OUTCOMES, Outcome
from chalicelib.domain.delivery.deliveries import CHANGES, DONE
from chalicelib.domain.forms.form import read_question
from chalicelib.domain.people.people import ROLE_NAMES
from chalicelib.domain.records import submissions
from chalicelib.domain.records.submissions import Status
from infra.forms.fault import Data, Found

NOT_CHOSEN = {Status.SUBMITTED, Status.CHANGES_REQUESTED, Status.WITHDRAWN, Status.LAPSED}
"""What no choice of an approver leads to."""

_OF_SOME = frozenset(name for outcome in OUTCOMES.values() for name in outcome.needs | outcome.members)
"""What a choice may say only with some outcomes."""

STATUSES = {status.value for status in submissions.STATUSES}


def faults(workflow: Data) -> Found:
    """Everything that is wrong with a workflow that its meta schema accepts."""
    yield from _names(workflow)
    yield from _choices(workflow)
    panels = {stage["asks"].get("panel") for stage in workflow["stages"]}
    for panel in sorted(set(workflow.get("panels", {})) - panels):
        yield f"panels/{panel}", "no stage asks this panel"
    for number, stage in enumerate(workflow["stages"]):
        place = f"stages/{number}"
        unknown = [value for value in stage["choices"] if value not in workflow["choices"]]
        for value in unknown:
            yield f"{place}/choices", f"there is no choice {value!r}"
        if stage["asks"].get("panel", "") not in {"", *workflow.get("panels", {})}:
            yield f"{place}/asks/panel", f"there is no panel {stage['asks']['panel']!r}"
        elif not unknown:
            yield from _stage(workflow, stage, place)
            yield from _people(workflow, stage, place)
    yield from _casting_votes(workflow)
    yield from _reminders(workflow)


def _names(workflow: Data) -> Found:
    for number, stage in enumerate(workflow["stages"]):
        if stage["name"] in (CHANGES, DONE):
            yield f"stages/{number}/name", f"{stage['name']!r} has a meaning of its own to a state machine"
    for name in repeated(stage["name"] for stage in workflow["stages"]):
        yield "stages", f"two stages are called {name!r}"
    if workflow["stages"][0].get("from_pence"):
        yield "stages/0/from_pence", "every submission starts here, whatever its amount"


def _choices(workflow: Data) -> Found:
    offered = {value for stage in workflow["stages"] for value in stage["choices"]}
    for value, said in workflow["choices"].items():
        place, outcome = f"choices/{value}", OUTCOMES[said["outcome"]]
        if value not in offered:
            yield place, "no stage offers it"
        for name in ("status", "passing"):
            if name in said and said[name] not in STATUSES:
                yield f"{place}/{name}", f"there is no status {said[name]!r}"
            elif name in said and Status(said[name]) in NOT_CHOSEN:
                yield f"{place}/{name}", f"nobody can choose {said[name]!r}"
        for name in sorted(outcome.needs - set(said)):
            yield place, f"{name!r} is missing: {outcome.word!r} needs it"
        for name in sorted(_OF_SOME & set(said) - outcome.needs - outcome.members):
            yield f"{place}/{name}", f"a choice that does {outcome.word!r} cannot have it"
        if outcome.ends and not said.get("needs_reason") and said.get("status") != Status("noted").value:
            yield f"{place}/needs_reason", "whoever ends a submission gives the reason"
        yield from _asks(said, outcome, place)
    for name in ("label", "done"):
        for words in repeated(said[name] for said in workflow["choices"].values()):
            yield "choices", f"two have the {name} {words!r}"


def _asks(said: Data, outcome: Outcome, place: str) -> Found:
    """The values that a choice asks for, each as its widget takes it."""
    asked = said.get("asks", [])
    if asked and outcome.asks_for_changes:
        yield f"{place}/asks", "a choice that asks for changes asks for no values"
    for name in repeated(one["name"] for one in [*outcome.asks, *asked]):
        yield f"{place}/asks", f"{name!r} is asked twice"
    for number, one in enumerate(asked):
        question = read_question(one, no_lists)
        must = not one.get("is_optional", False)
        for fault in question.widget.rules(question, one["schema"], is_required=must):
            yield f"{place}/asks/{number}", fault


def no_lists(name: str) -> dict[str, str]:
    """Values name no shared list."""
    raise KeyError(name)


def _stage(workflow: Data, stage: Data, place: str) -> Found:
    choices = [(value, workflow["choices"][value]) for value in stage["choices"]]
    outcomes = [OUTCOMES[said["outcome"]] for _, said in choices]
    is_last = stage is workflow["stages"][-1]
    if not any(outcome.ends for outcome in outcomes):
        yield f"{place}/choices", "none of them ends a submission"
    if not any(outcome.goes_on for outcome in outcomes) and not is_last:
        yield f"{place}/choices", "none of them advances a submission"
    for value, said in choices:
        if is_last and OUTCOMES[said["outcome"]].goes_on and "status" not in said:
            yield f"choices/{value}/status", "it advances from the last stage and needs a status to end with"
        if not said.get("is_offered", True) and value != stage.get("without_quorum"):
            yield f"{place}/choices", f"nobody can ever choose {value!r}"
    if sum(said.get("is_offered", True) for _, said in choices) < 2:
        yield f"{place}/choices", "fewer than two can be chosen"
    yield from _quorum(workflow, stage, place)


def _quorum(workflow: Data, stage: Data, place: str) -> Found:
    asks = stage["asks"]
    quorum = stage.get("quorum", 1)
    seats = len(seats_of(workflow, stage))
    if "panel" not in asks and asks.get("people") != "all":
        if quorum != 1:
            yield f"{place}/quorum", "one person is asked"
        return
    if "panel" in asks and quorum != "all" and quorum > seats:
        yield f"{place}/quorum", f"{quorum} of {seats} seats can never agree"
    stands = stage["without_quorum"]
    if stands not in stage["choices"]:
        yield f"{place}/without_quorum", f"{stands!r} is none of the stage's choices"
        return
    said = workflow["choices"][stands]
    outcome = OUTCOMES[said["outcome"]]
    goes_on = outcome.goes_on and not said.get("is_offered", True)
    if not outcome.ends and not (goes_on and stage is not workflow["stages"][-1]):
        yield f"{place}/without_quorum", "without agreement nothing may be approved"


def _people(workflow: Data, stage: Data, place: str) -> Found:
    seats = seats_of(workflow, stage)
    for seat in seats:
        for who in ("asks", "deputy"):
            if seat[who]["role"] not in ROLE_NAMES:
                yield f"{place}/{who}/role", f"the role {seat[who]['role']!r} has no words in ROLE_NAMES"
        if seat["asks"]["role"] == seat["deputy"]["role"]:
            yield f"{place}/deputy", "the deputy's role is that of whoever is asked"
    asked = [seat["asks"]["role"] for seat in seats]
    deputies = [seat["deputy"]["role"] for seat in seats]
    if repeated(asked) or repeated(deputies):
        yield f"{place}/asks", "two seats have one role or one deputy, and could not be told apart"
    elif len(seats) > 1 and set(asked) & set(deputies):
        yield f"{place}/asks", "one seat's deputy sits in another"


def _casting_votes(workflow: Data) -> Found:
    earlier: dict[str, set[str]] = {}
    for number, stage in enumerate(workflow["stages"]):
        given_at = stage.get("choices_given_at")
        place = f"stages/{number}/choices_given_at"
        if given_at is not None and given_at not in earlier:
            yield place, f"no stage {given_at!r} comes before this one"
        elif given_at is not None and not earlier[given_at] <= set(stage["choices"]):
            yield place, f"what somebody chose at {given_at} could not be chosen here"
        hidden = {value for value, said in workflow["choices"].items() if not said.get("is_offered", True)}
        earlier[stage["name"]] = set(stage["choices"]) - hidden


def _reminders(workflow: Data) -> Found:
    amending = workflow["amending"]
    waits = [("amending", amending["reminder_days"], amending["working_days"])]
    for number, stage in enumerate(workflow["stages"]):
        days = min(stage["working_days"], stage["deputy_working_days"])
        waits.append((f"stages/{number}", stage["reminder_days"], days))
    for place, reminders, days in waits:
        if any(reminder >= days for reminder in reminders):
            yield f"{place}/reminder_days", "a reminder comes before the time begins"


def seats_of(workflow: Data, stage: Data) -> list[Data]:
    """The seats of a stage, as `asks` and `deputy` of each."""
    panel = stage["asks"].get("panel")
    return list(workflow["panels"][panel]) if panel else [{"asks": stage["asks"], "deputy": stage["deputy"]}]


def repeated(names: Iterable[str]) -> list[str]:
    """Those that are there more than once."""
    return [name for name, times in Counter(names).items() if times > 1]
