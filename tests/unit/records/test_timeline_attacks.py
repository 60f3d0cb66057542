"""Somebody who can write to the table changes a stored timeline: in ten thousand ways (`make prove`), each is found.

What is changed are the items as DynamoDB has them; they are read back as the product reads them. Whoever changes them
knows how hashes are made, and may move the submission's own chain along; they cannot use the key of the MACs. What else
is stored beside a timeline is changed in test_trail_attacks.py, where the key is used, too.
"""

from __future__ import annotations

import copy
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import case_items, entry_items, keys, submission_items
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.domain.intake.references import new_reference
from chalicelib.domain.records.submissions import Case, Submission
from chalicelib.domain.records.timeline import Chain, Entry
from chalicelib.services.changes import AddEntry
from chalicelib.services.records import trail
from chalicelib.services.revision import with_entry
from tests import fakes
from tests.builders import MONDAY, a_submission, drawing, idea_answers

ATTACKS = 10_000 if os.environ.get("PROVE") else 500
SEED = 20_271_123

Item = dict[str, dict[str, Any]]
Attack = Callable[[random.Random, list[Item]], None]
"""Changes the entries of a partition in place; other items stand behind them."""

ACTIONS = (
    "asked",
    "reminded",
    "decided",
    "undone",
    "passed-over",
    "refused",
    "reassigned",
    "amended",
    "noted",
    "stuck",
)
WORDS = ("", "", "A good day.", "Da iawn — “iawn” 👍🏽", "=1+1", "x", "é" * 400)


def a_story(number: int) -> tuple[Submission, list[AddEntry]]:
    """A claim or an idea of 1 to 25 entries, as the services write them."""
    chance = random.Random(SEED + number)
    prefix = "IDA" if number % 3 == 2 else "CLM"
    changes: dict[str, Any] = {"reference": new_reference(prefix, drawing(chance))}
    if prefix == "IDA":
        changes |= {"form": "idea", "answers": idea_answers(), "amount_pence": 0, "stage": "triage"}
    one, added = a_submission(**changes), []
    for place in range(1 + number % 25):
        action = chance.choice(ACTIONS) if place else "submitted"
        details: dict[str, str | int] = {"task": place, "role": chance.choice(("finance", "innovation-lead"))}
        if action in ("submitted", "decided"):
            details = {
                "decision": "approve",
                "amount_pence": chance.randrange(1, 10**8),
                "fund-reserve": place,
            }
        one, entry = with_entry(
            one,
            at=MONDAY + timedelta(hours=place, microseconds=chance.randrange(10**6)),
            action=action,
            actor=chance.choice(("claimant", "system", "lead-kent", "finance")),
            role=chance.choice(("claimant", "system", "innovation-lead")),
            stage=chance.choice(("", "force-lead", "programme")),
            details=details if chance.random() < 0.9 else {},
            words=chance.choice(WORDS),
            parts={"costs": "Two quotes, please.", "you": "Who?"}
            if action == "decided" and place % 2
            else None,
            salt=f"{chance.getrandbits(128):032x}",
        )
        added.append(entry)
    return one, added


def stored(number: int) -> list[Item]:
    """The items of that story as DynamoDB has them: the entries first, then its texts and the submission."""
    one, added = a_story(number)
    pk = keys.case(one.force, one.reference)
    rows: list[Row] = [entry_items.entry_item(pk, fakes.MACS.sealed(change)) for change in added]
    rows += [entry_items.text_item(pk, change.text) for change in added if change.text]
    rows.append(submission_items.submission_item(one))
    return [json.loads(json.dumps(row.serialize())) for row in rows]


def read(items: list[Item]) -> Case:
    """The case, in the order in which a query gives the items."""
    rows = [
        Row.from_raw_data(copy.deepcopy(item))
        for item in sorted(items, key=lambda item: str(item["sk"]["S"]))
    ]
    case = case_items.case_from(rows)
    assert case is not None
    return case


PARTS = fakes.parts()


def found_in(case: Case) -> list[str]:
    """As the reconciler looks: the MAC of the last entry alone."""
    return trail.faults_of(PARTS, case)


def said(case: Case) -> str:
    """All that a timeline says. `1` and `True` are not the same here; the MACs of entries before the last are looked at
    when the day's root is written."""
    entries = [replace(entry, mac="", mac_key="") for entry in case.entries[:-1]]
    return repr((entries, case.entries[-1:], sorted(case.texts.items()), case.submission.chain))


def entries_of(items: list[Item]) -> list[Item]:
    return [item for item in items if item["kind"]["S"] == "entry"]


def texts_of(items: list[Item]) -> list[Item]:
    return [item for item in items if item["kind"]["S"] == "text"]


def any_of(chance: random.Random, items: list[Item]) -> Item:
    return chance.choice(items) if items else {}


UNSAID = ("pk", "sk", "kind", "listed_as", "listed_at", "mac", "mac_key")
"""What an entry is found by, and its MAC: an edit of those says nothing else."""


def edit(chance: random.Random, item: Item) -> None:
    """One attribute of an entry, by as little as a letter or a microsecond."""
    name = chance.choice([name for name in item if name not in UNSAID] + ["stage", "text_digest"])
    ((kind, value),) = item.get(name, {"S": ""}).items()
    if name == "details":
        details = json.loads(value)
        edit_details(chance, details)
        item[name] = {kind: json.dumps(details)}
    elif kind == "N":
        item[name] = {kind: str(int(value) + chance.choice((-1, 1, 10, 10**6)))}
    elif name == "at":
        place = chance.choice(
            [
                place
                for place, one in enumerate(value[:26])
                if one.isdigit() and place not in (5, 8, 11, 14, 17)
            ]
        )
        changed = value[:place] + str((int(value[place]) + 1) % 3) + value[place + 1 :]
        item[name] = {kind: changed}
    elif not value or (name in ("stage", "text_digest") and chance.random() < 0.3):
        item.pop(name) if value else item.update({name: {"S": chance.choice(("programme", "0" * 64))}})
    else:
        item[name] = {kind: edited_text(chance, value)}


def edit_details(chance: random.Random, details: dict[str, Any]) -> None:
    how = chance.randrange(5) if details else 4
    name = chance.choice(list(details)) if details else ""
    value = details.get(name)
    if how == 0:
        del details[name]
    elif how == 1:
        details[name] = value + 1 if isinstance(value, int) else edited_text(chance, str(value))
    elif how == 2:
        details[name] = str(value) if isinstance(value, int) else [value]
    elif how == 3:
        details[name + "s"] = details.pop(name)
    else:
        details[chance.choice(("more", "", "decision"))] = chance.choice(
            (0, "", "reject", None, True, 1.0, {})
        )


def edited_text(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    letter = chance.choice("ab01 é")
    return chance.choice(
        (
            text[:place] + letter + text[place:],
            text[:place] + letter + text[place + 1 :],
            text[:place] + text[place + 1 :],
            text.upper(),
        )
    )


def hashed_anew(item: Item) -> None:
    """As somebody does who knows how an entry's hash is made."""
    entry = read_entry(item)
    item["hash"] = {"S": entry.computed_hash()}


def read_entry(item: Item) -> Entry:
    return read([item, BASES[0][-1]]).entries[0]


def chained_anew(entries: list[Item], start: int = 0) -> None:
    """Every hash from there on made to follow the one before it."""
    for place in range(start, len(entries)):
        entries[place]["previous"] = {"S": entries[place - 1]["hash"]["S"] if place else Chain().head}
        hashed_anew(entries[place])


def numbered_anew(entries: list[Item]) -> None:
    for place, item in enumerate(entries):
        item["sequence"], item["sk"] = {"N": str(place)}, {"S": keys.entry(place)}


def keep(items: list[Item], entries: list[Item]) -> None:
    """Put these entries in the place of those that there are."""
    items[:] = [*entries, *(item for item in items if item["kind"]["S"] != "entry")]


def an_edit(chance: random.Random, items: list[Item]) -> None:
    edit(chance, any_of(chance, entries_of(items)))


def an_edit_hashed_anew(chance: random.Random, items: list[Item]) -> None:
    item = any_of(chance, entries_of(items))
    edit(chance, item)
    hashed_anew(item)


def an_edit_and_all_that_follows_hashed_anew(chance: random.Random, items: list[Item]) -> None:
    entries = entries_of(items)
    place = chance.randrange(len(entries))
    edit(chance, entries[place])
    chained_anew(entries, place)


def a_hash_alone(chance: random.Random, items: list[Item]) -> None:
    name = chance.choice(("hash", "previous"))
    any_of(chance, entries_of(items))[name] = {"S": f"{chance.getrandbits(256):064x}"}


def a_deletion(chance: random.Random, items: list[Item]) -> None:
    entries = entries_of(items)
    place = chance.randrange(len(entries))
    keep(items, entries[:place] + entries[place + chance.choice((1, 1, 2, 5)) :])


def a_deletion_closed_up(chance: random.Random, items: list[Item]) -> None:
    a_deletion(chance, items)
    entries = entries_of(items)
    numbered_anew(entries)
    chained_anew(entries)


def a_truncation(chance: random.Random, items: list[Item]) -> None:
    entries = entries_of(items)
    keep(items, entries[: chance.randrange(len(entries))])


def a_swap(chance: random.Random, items: list[Item]) -> None:
    """Of all but the keys and, half the time, the numbers; sometimes hashed anew."""
    entries = entries_of(items)
    one, other = any_of(chance, entries), any_of(chance, entries)
    fixed = ("sk", "sequence") if chance.random() < 0.5 else ("sk",)
    before = {name: (one[name], other[name]) for name in fixed}
    one_was, other_was = dict(one), dict(other)
    one.clear(), other.clear() if other is not one else None
    one.update(other_was), other.update(one_was)
    for name, (mine, its) in before.items():
        one[name], other[name] = mine, its
    if chance.random() < 0.5:
        chained_anew(entries)


def another_order(chance: random.Random, items: list[Item]) -> None:
    entries = entries_of(items)
    chance.shuffle(entries)
    if chance.random() < 0.5:
        numbered_anew(entries)
    else:
        for place, item in enumerate(entries):
            item["sk"] = {"S": keys.entry(place)}
    if chance.random() < 0.5:
        chained_anew(entries)
    keep(items, entries)


def an_insertion(chance: random.Random, items: list[Item]) -> None:
    entries = entries_of(items)
    place = chance.randrange(len(entries) + 1)
    extra = copy.deepcopy(any_of(chance, entries))
    if chance.random() < 0.7:
        edit(chance, extra)
    entries.insert(place, extra)
    numbered_anew(entries)
    if chance.random() < 0.6:
        chained_anew(entries, place)
    keep(items, entries)


def one_beside(chance: random.Random, items: list[Item]) -> None:
    """An item more, whose key sorts next to one that there is."""
    extra = copy.deepcopy(any_of(chance, entries_of(items)))
    extra["sk"] = {"S": extra["sk"]["S"] + chance.choice(("#", "0", "x"))}
    items.append(extra)


def a_piece_of_another(chance: random.Random, items: list[Item]) -> None:
    """Entries, rightly hashed, of another submission's timeline."""
    entries = entries_of(items)
    others = entries_of(BASES[chance.randrange(len(BASES))])
    place = chance.randrange(min(len(entries), len(others)))
    count = chance.choice((1, 1, 2, 25))
    taken = [{**copy.deepcopy(item), "pk": entries[0]["pk"]} for item in others[place : place + count]]
    entries[place : place + count] = taken
    if chance.random() < 0.5:
        chained_anew(entries, place)
    keep(items, entries)


def a_text(chance: random.Random, items: list[Item]) -> None:
    item = any_of(chance, texts_of(items))
    name = chance.choice(("words", "salt", "parts"))
    if not item:
        return
    if name != "parts":
        item[name] = {"S": edited_text(chance, item[name]["S"])}
    elif "parts" in item:
        parts = json.loads(item["parts"]["S"])
        edit_details(chance, parts)
        item["parts"] = {"S": json.dumps({name: str(value) for name, value in parts.items()})}
    else:
        item["parts"] = {"S": json.dumps({"costs": "More"})}


def a_text_moved(chance: random.Random, items: list[Item]) -> None:
    """To another entry of the timeline, beside or instead of what stands there."""
    item = any_of(chance, texts_of(items))
    if item:
        place = chance.randrange(len(entries_of(items)))
        items[:] = [
            one
            for one in items
            if one is item or one.get("sequence") != {"N": str(place)} or one in entries_of(items)
        ]
        item["sequence"] = {"N": str(place)}


def a_text_put_beside(chance: random.Random, items: list[Item]) -> None:
    with_text = {item["sequence"]["N"] for item in texts_of(items)}
    bare = [item for item in entries_of(items) if item["sequence"]["N"] not in with_text]
    if bare:
        entry = chance.choice(bare)
        new = {
            "kind": {"S": "text"},
            "words": {"S": "I said so"},
            "salt": {"S": "s"},
            "sequence": entry["sequence"],
        }
        items.append({"pk": entry["pk"], "sk": {"S": entry["sk"]["S"].replace("ENTRY", "TEXT")}, **new})


def the_chains_length(chance: random.Random, items: list[Item]) -> None:
    items[-1]["chain_length"] = {"N": str(int(items[-1]["chain_length"]["N"]) + chance.choice((-1, 1, 5)))}


def all_of_it_moved_along(chance: random.Random, items: list[Item]) -> None:
    """An edit, all that follows hashed anew, and the submission says what it then ends with."""
    an_edit_and_all_that_follows_hashed_anew(chance, items)
    items[-1]["chain_head"] = entries_of(items)[-1]["hash"]


def a_mac(chance: random.Random, items: list[Item]) -> None:
    """The last one's: another, none, or by a key of somebody else's."""
    last = entries_of(items)[-1]
    name = chance.choice(("mac", "mac_key"))
    if chance.random() < 0.3:
        del last[name]
    else:
        last[name] = {"S": f"{chance.getrandbits(256):064x}"}


def the_chains_head(chance: random.Random, items: list[Item]) -> None:
    heads = [
        Chain().head,
        f"{chance.getrandbits(256):064x}",
        *(item["hash"]["S"] for item in entries_of(items)),
    ]
    items[-1]["chain_head"] = {"S": chance.choice(heads)}


BASES = [stored(number) for number in range(25)]
KINDS: tuple[Attack, ...] = (
    an_edit,
    an_edit_hashed_anew,
    an_edit_and_all_that_follows_hashed_anew,
    a_hash_alone,
    a_deletion,
    a_deletion_closed_up,
    a_truncation,
    a_swap,
    another_order,
    an_insertion,
    one_beside,
    a_piece_of_another,
    a_text,
    a_text_moved,
    a_text_put_beside,
    the_chains_length,
    the_chains_head,
    all_of_it_moved_along,
    a_mac,
)


@pytest.mark.slow
def test_whatever_is_done_to_a_stored_timeline_is_found() -> None:
    began, chance = time.monotonic(), random.Random(SEED)
    made: Counter[str] = Counter()
    without_effect: Counter[str] = Counter()
    missed = []
    as_written = [said(read(items)) for items in BASES]
    while made.total() < ATTACKS:
        kind = KINDS[(made.total() + without_effect.total()) % len(KINDS)]
        base = chance.randrange(len(BASES))
        items = copy.deepcopy(BASES[base])
        kind(chance, items)
        case = read(items)
        if said(case) == as_written[base]:
            without_effect[kind.__name__] += 1
            continue
        made[kind.__name__] += 1
        if not found_in(case):
            missed.append(f"{kind.__name__} on {len(case.entries)} entries: {said(case)[:400]}")
    lengths = sorted(len(entries_of(items)) for items in BASES)
    print(
        f"\n{made.total()} attacks on {len(BASES)} timelines of {lengths[0]} to {lengths[-1]} entries, {len(missed)}"
        f" missed, {time.monotonic() - began:.1f} s\n{dict(made)}\nwithout effect, not counted: {dict(without_effect)}"
    )
    assert set(made) == {kind.__name__ for kind in KINDS}
    assert not missed, f"{len(missed)} of {made.total()}\n" + "\n".join(missed[:10])


@pytest.mark.parametrize("number", range(25))
def test_what_was_not_touched_verifies_and_a_text_that_is_missing_is_found(number: int) -> None:
    items = BASES[number]
    case = read(items)
    assert found_in(case) == []
    assert len(case.entries) == case.submission.chain.length == 1 + number % 25
    for text in texts_of(items):
        without = read([item for item in items if item is not text])
        assert found_in(without) == [f"the text of entry {text['sequence']['N']} is missing"]
