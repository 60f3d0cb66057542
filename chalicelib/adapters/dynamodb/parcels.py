"""A parcel: the deliveries of one transaction in one item, and how it changes.

Relays of both lanes work on a parcel at the same time. Each lane is claimed by itself, and each part is marked by
itself; whoever finishes the last lane takes the parcel out of the index `due`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import UpdateError

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.parcel_tables import ParcelItem
from chalicelib.adapters.dynamodb.tables import Row, shared_connection
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import CARRIED, Claimed, Delivery, Kind, Mark
from chalicelib.services.changes import AddDelivery, Change, ChangeSubmission

Stored = Mapping[str, Any]
"""An item, or a part of one, as DynamoDB has it."""

KEPT_AFTER = timedelta(days=30)


def prepared(changes: Iterable[Change]) -> list[Change]:
    """The changes of one transaction, with each delivery's parcel. A submission that remembers deliveries, to take them
    back, remembers their addresses."""
    found = list(changes)
    parts = deliveries.gathered(change.delivery for change in found if isinstance(change, AddDelivery))
    addresses = {part.id: part.address for part in parts if part.parcel}
    if not addresses:
        return found
    rest = iter(parts)
    return [_prepared(change, rest, addresses) for change in found]


def _prepared(change: Change, parts: Any, addresses: Mapping[str, str]) -> Change:
    if isinstance(change, AddDelivery):
        return replace(change, delivery=next(parts))
    if isinstance(change, ChangeSubmission) and change.submission.undo is not None:
        undo = change.submission.undo
        held = tuple(addresses.get(one, one) for one in undo.deliveries)
        return replace(change, submission=replace(change.submission, undo=replace(undo, deliveries=held)))
    return change


def parcel_item(parts: Sequence[Delivery], relay_grace: timedelta) -> ParcelItem:
    """The item of a parcel's parts. Its `lane` names the relays that the stream wakes: of parts that may go at once."""
    stored = {part.id: _stored_part(part, relay_grace) for part in parts}
    awake = sorted({part.lane for part in parts if not part.is_held})
    dues = {lane: _lane_due(stored, lane) for lane in CARRIED}
    parcel = parts[0].parcel
    return ParcelItem(
        keys.delivery(parcel),
        keys.ONLY,
        delivery=parcel,
        lane="both" if len(awake) > 1 else "".join(awake) or "later",
        what=parcel.split(".")[1],
        parts=stored,
        workflow_due=dues["workflow"],
        mail_due=dues["mail"],
        due_kind=keys.DUE_DELIVERY,
        due_at=_moment(min(due for due in dues.values() if due)),
    )


def _stored_part(part: Delivery, relay_grace: timedelta) -> dict[str, Any]:
    grace = timedelta(0) if part.is_held else relay_grace
    return {
        "M": {
            "what": {"S": part.kind.value},
            "reference": {"S": part.reference},
            "force": {"S": part.force},
            "starts_at": items.moment(part.due_at),
            "due_at": items.moment(part.due_at + grace),
            "attempts": {"N": str(part.attempts)},
            "payload": {"S": json.dumps(dict(part.payload), ensure_ascii=False, separators=(",", ":"))},
        }
    }


def part_of(item: ParcelItem, delivery_id: str) -> Stored | None:
    """A part as it is stored, open or not."""
    found = item.parts.get(delivery_id)
    return found["M"] if found else None


def delivery_from(parcel: str, delivery_id: str, part: Stored) -> Delivery:
    """The delivery that a part is."""
    return Delivery(
        id=delivery_id,
        kind=Kind(part["what"]["S"]),
        reference=part["reference"]["S"],
        force=part["force"]["S"],
        due_at=_moment(part["starts_at"]["S"]),
        payload=json.loads(part["payload"]["S"]) if "payload" in part else {},
        attempts=int(part["attempts"]["N"]),
        parcel=parcel,
    )


def is_open(part: Stored) -> bool:
    """Whether it is neither done nor set aside."""
    return "done_at" not in part and "aside_at" not in part


def claim(parcel: str, *, lane: str, now: datetime, until: datetime, is_late: bool) -> Claimed | None:
    """One update claims a lane and reads the parcel. It moves nothing in the index."""
    due, claimed = f"{lane}_due", f"{lane}_until"
    when = f"{due} <= :now" if is_late else f"attribute_exists ({due})"
    written = {
        "UpdateExpression": f"SET {claimed} = :until, {lane}_claimed_at = :now",
        "ConditionExpression": f"{when} AND (attribute_not_exists ({claimed}) OR {claimed} <= :now)",
        "ExpressionAttributeValues": {":now": items.moment(now), ":until": items.moment(until)},
        "ReturnValues": "ALL_NEW",
    }
    with in_our_words():
        try:
            seen = _update(parcel, written)["Attributes"]
        except UpdateError as error:
            if is_condition(error):
                return None
            raise
    date, is_now = "due_at" if is_late else "starts_at", items.moment(now)["S"]
    parts = tuple(
        delivery_from(parcel, one, part)
        for one, part in _open_parts(seen["parts"]["M"], lane)
        if part[date]["S"] <= is_now
    )
    return Claimed(parcel=parcel, lane=lane, until=until, parts=parts, seen=seen)


def mark(claimed: Claimed, marks: Sequence[Mark], *, at: datetime) -> None:
    """One update; another where the other lane was finished meanwhile. Where it took so long that somebody else has
    claimed the lane, only what was delivered is said."""
    other = f"{_other(claimed.lane)}_due"
    tries = [_marking(claimed, marks, None, at)]
    if other in claimed.seen:
        tries.insert(0, _marking(claimed, marks, claimed.seen[other]["S"], at))
    if any(not one.error for one in marks):
        tries.append(_only_done(marks, at))
    with in_our_words():
        for written in tries:
            try:
                _update(claimed.parcel, written)
            except UpdateError as error:
                if not is_condition(error):
                    raise
            else:
                return


def _marking(claimed: Claimed, marks: Sequence[Mark], of_other: str | None, at: datetime) -> dict[str, Any]:
    """Everything: each part, the lane's next date, the claim's end, and where the parcel is in the index. `of_other` is
    the other lane's date, none where it is finished: a lane that is finished stays so. Its date may have
    moved since it was seen: then the sweeper comes once too early, and finds nothing."""
    lane = claimed.lane
    change = _Change(conditions=[f"{lane}_until = :until"], removed=[f"{lane}_until"])
    change.values[":until"] = items.moment(claimed.until)
    is_there = "attribute_exists" if of_other else "attribute_not_exists"
    change.conditions.append(f"{is_there} ({_other(lane)}_due)")
    parts = dict(claimed.seen["parts"]["M"])
    for number, one in enumerate(marks):
        new = _marked(one, at)
        parts[one.delivery.id] = {"M": {**parts[one.delivery.id]["M"], **new}}
        if one.again_at is not None or not one.error:  # what was set aside is marked already
            change.part(number, one.delivery.id, new)
    due = _lane_due(parts, lane)
    change.put(f"{lane}_due", {"S": due} if due else None)
    dates = [date for date in (due, of_other) if date]
    change.put("due_at", {"S": min(dates)} if dates else None)
    if not dates:
        change.put("due_kind", None)
        change.put("done_at", items.moment(at))
        change.put("ttl", {"N": str(items.seconds(at + KEPT_AFTER))})
    return change.written()


def _other(lane: str) -> str:
    return next(one for one in CARRIED if one != lane)


def _only_done(marks: Sequence[Mark], at: datetime) -> dict[str, Any]:
    """What was delivered, by one whose claim is over: whoever has it now sees to the rest."""
    change = _Change(conditions=[], removed=[])
    for number, one in enumerate(marks):
        if not one.error:
            change.part(number, one.delivery.id, _marked(one, at))
            change.conditions.append(f"attribute_exists (parts.#p{number})")
    return change.written()


def _marked(one: Mark, at: datetime) -> dict[str, Any]:
    if not one.error:
        return {"done_at": items.moment(at)}
    if one.again_at is None:
        return {"aside_at": items.moment(at)}
    return {
        "attempts": {"N": str(one.delivery.attempts + 1)},
        "last_error": {"S": one.error},
        "due_at": items.moment(one.again_at),
    }


class _Change:
    """An UpdateItem in the making."""

    def __init__(self, *, conditions: list[str], removed: list[str]) -> None:
        self.conditions = conditions
        self._removed = removed
        self._set: list[str] = []
        self._names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def part(self, number: int, delivery_id: str, new: Stored) -> None:
        """These attributes of a part. What is done has no payload any more, and with it no personal data."""
        self._names[f"#p{number}"] = delivery_id
        for name, value in new.items():
            self._set.append(f"parts.#p{number}.{name} = :{name}{number}")
            self.values[f":{name}{number}"] = value
        if "done_at" in new:
            self._removed.append(f"parts.#p{number}.payload")

    def put(self, name: str, value: Any) -> None:
        """An attribute of the parcel; None removes it."""
        self._names[f"#a_{name}"] = name  # ttl is a reserved word
        if value is None:
            self._removed.append(f"#a_{name}")
        else:
            self._set.append(f"#a_{name} = :{name}")
            self.values[f":{name}"] = value

    def written(self) -> dict[str, Any]:
        """As UpdateItem takes it."""
        said = [("SET", self._set), ("REMOVE", self._removed)]
        return {
            "UpdateExpression": " ".join(f"{verb} {', '.join(what)}" for verb, what in said if what),
            "ConditionExpression": " AND ".join(self.conditions),
            "ExpressionAttributeNames": self._names,
            "ExpressionAttributeValues": self.values,
        }


def putting_aside(delivery: Delivery, *, at: datetime) -> dict[str, Any]:
    """The part that is set aside, of a parcel: refused where it is done, or set aside already."""
    return {
        **_key(delivery.parcel),
        "UpdateExpression": "SET parts.#p.aside_at = :at REMOVE parts.#p.payload",
        "ConditionExpression": "attribute_exists (parts.#p) AND attribute_not_exists (parts.#p.done_at)"
        " AND attribute_not_exists (parts.#p.aside_at)",
        "ExpressionAttributeNames": {"#p": delivery.id},
        "ExpressionAttributeValues": {":at": items.moment(at)},
    }


def cancelling(parcel: str, delivery_ids: Sequence[str]) -> dict[str, Any]:
    """Parts taken back, which all begin at one time: refused where a lane was claimed since then. Without a claim none
    of them can be done or set aside."""
    names = {f"#p{number}": one for number, one in enumerate(delivery_ids)}
    conditions = [f"attribute_exists (parts.{name})" for name in names]
    conditions += [
        f"(attribute_not_exists ({lane}_claimed_at) OR {lane}_claimed_at < parts.#p0.starts_at)"
        for lane in CARRIED
    ]
    return {
        **_key(parcel),
        "UpdateExpression": "REMOVE " + ", ".join(f"parts.{name}" for name in names),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
    }


def _key(parcel: str) -> dict[str, Any]:
    return {
        "TableName": Row.Meta.table_name,
        "Key": {"pk": {"S": keys.delivery(parcel)}, "sk": {"S": keys.ONLY}},
    }


def _update(parcel: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateItem as it is written: PynamoDB knows no paths into a map whose keys are data. Raises UpdateError."""
    try:
        return shared_connection().dispatch("UpdateItem", {**_key(parcel), **written})
    except (BotoCoreError, ClientError) as error:
        raise UpdateError(f"Failed to update item: {error}", error) from error


def _open_parts(parts: Stored, lane: str) -> list[tuple[str, Stored]]:
    """Those of a lane, by when they are due."""
    found = [
        (one, part["M"])
        for one, part in parts.items()
        if is_open(part["M"]) and deliveries.LANES[Kind(part["M"]["what"]["S"])] == lane
    ]
    return sorted(found, key=lambda one: (int(one[1]["attempts"]["N"]), one[1]["due_at"]["S"]))


def _lane_due(parts: Stored, lane: str) -> str | None:
    """When the sweeper should look at a lane next."""
    return min((part["due_at"]["S"] for _, part in _open_parts(parts, lane)), default=None)


def _moment(text: str) -> datetime:
    found: datetime = Row.due_at.deserialize(text)  # type: ignore[no-untyped-call]
    return found
