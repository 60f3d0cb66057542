"""What a workflow file must hold to besides its meta schema. The money is a form's: see form_rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from chalicelib.domain.delivery.deliveries import CHANGES, DONE
from chalicelib.domain.people.people import ROLE_NAMES
from chalicelib.domain.records import submissions
from chalicelib.domain.records.submissions import Status
from infra.forms.fault import Data, Found

NOT_CHOSEN = {Status.SUBMITTED, Status.CHANGES_REQUESTED, Status.WITHDRAWN, Status.LAPSED}
"""What no choice of an approver leads to."""

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
        place, effect = f"choices/{value}", said["effect"]
        if value not in offered:
            yield place, "no stage offers it"
        for name in ("status", "passing"):
            if name in said and said[name] not in STATUSES:
                yield f"{place}/{name}", f"there is no status {said[name]!r}"
            elif name in said and Status(said[name]) in NOT_CHOSEN:
                yield f"{place}/{name}", f"nobody can choose {said[name]!r}"
        if effect == "return" and "status" in said:
            yield f"{place}/status", "a choice that returns a submission ends nothing"
        if effect != "advance" and "passing" in said:
            yield f"{place}/passing", "only a choice that advances has it"
        if effect == "close" and not said.get("needs_reason") and said.get("status") != Status("noted").value:
            yield f"{place}/needs_reason", "whoever ends a submission gives the reason"
    for name in ("label", "done"):
        for words in repeated(said[name] for said in workflow["choices"].values()):
            yield "choices", f"two have the {name} {words!r}"


def _stage(workflow: Data, stage: Data, place: str) -> Found:
    choices = [(value, workflow["choices"][value]) for value in stage["choices"]]
    effects = {said["effect"] for _, said in choices}
    is_last = stage is workflow["stages"][-1]
    if "close" not in effects:
        yield f"{place}/choices", "none of them ends a submission"
    if "advance" not in effects and not is_last:
        yield f"{place}/choices", "none of them advances a submission"
    for value, said in choices:
        if is_last and said["effect"] == "advance" and "status" not in said:
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
    goes_on = said["effect"] == "advance" and not said.get("is_offered", True)
    if said["effect"] != "close" and not (goes_on and stage is not workflow["stages"][-1]):
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
