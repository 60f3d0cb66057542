"""The timeline: whatever is done to a stored one is found."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.records.timeline import GENESIS, REMOVED, Chain, Entry, Text, faults, unsealed
from tests.builders import a_timeline

WORDS = ("", "Good", "", "Da iawn — “iawn”", "x")
CHAIN, ENTRIES, TEXTS = a_timeline(*WORDS)
places = st.integers(0, len(ENTRIES) - 1)


def edited(entry: Entry, name: str) -> Entry:
    """The entry with one field changed as little as possible."""
    value: Any = getattr(entry, name)
    if isinstance(value, str):
        new: Any = value[:-1] + ("1" if value[-1:] != "1" else "2")
    elif isinstance(value, int):
        new = value + 1
    elif name == "at":
        new = value + timedelta(microseconds=1)
    else:
        new = {**value, "amount_pence": value["amount_pence"] + 1}
    return replace(entry, **{name: new})


def test_a_timeline_as_it_was_written_has_no_fault() -> None:
    assert faults(ENTRIES, CHAIN, TEXTS) == []
    assert faults([], Chain(), {}) == []


def test_the_first_entry_follows_nothing_and_each_other_the_one_before() -> None:
    assert ENTRIES[0].previous == GENESIS
    assert [entry.previous for entry in ENTRIES[1:]] == [entry.hash for entry in ENTRIES[:-1]]
    assert (CHAIN.length, CHAIN.head) == (len(ENTRIES), ENTRIES[-1].hash)


HASHED = [one.name for one in fields(Entry) if one.name not in ("mac", "mac_key")]


@pytest.mark.parametrize("name", HASHED)
@pytest.mark.parametrize("place", range(len(ENTRIES)))
def test_every_edit_is_found(name: str, place: int) -> None:
    entries = list(ENTRIES)
    entries[place] = edited(entries[place], name)
    assert faults(entries, CHAIN, TEXTS)


@pytest.mark.parametrize("details", [{}, {"decision": "approve"}, {"decision": "reject", "amount_pence": 600_000},
                                     {"decision": "approve", "amount_pence": "600000"},
                                     {"decision": "approve", "amount_pence": 600_000, "more": 1}])  # fmt: skip
def test_every_edit_of_the_details_is_found(details: dict[str, str | int]) -> None:
    assert faults([replace(ENTRIES[0], details=details), *ENTRIES[1:]], CHAIN, TEXTS)


@given(places, st.sampled_from([name for name in HASHED if name != "hash"]))
def test_an_edit_with_a_hash_made_anew_is_found(place: int, name: str) -> None:
    forged = edited(ENTRIES[place], name)
    forged = replace(forged, hash=forged.computed_hash())
    assert faults([*ENTRIES[:place], forged, *ENTRIES[place + 1 :]], CHAIN, TEXTS)


@given(places)
def test_all_that_follows_written_anew_is_found_by_the_submission(place: int) -> None:
    chain, forged = Chain(), []
    for number, entry in enumerate(ENTRIES):
        one = replace(entry, actor="somebody-else") if number == place else entry
        chain, sealed = chain.append(one, TEXTS.get(number), state=one.state)
        forged.append(sealed)
    assert faults(forged, chain, TEXTS) == []
    assert faults(forged, CHAIN, TEXTS)


@given(places, st.integers(1, len(ENTRIES)))
def test_every_deletion_is_found(place: int, count: int) -> None:
    assert faults(ENTRIES[:place] + ENTRIES[place + count :], CHAIN, TEXTS)


@given(places)
def test_every_truncation_is_found(length: int) -> None:
    assert faults(ENTRIES[:length], CHAIN, TEXTS)


@given(st.permutations(range(len(ENTRIES))))
def test_every_other_order_is_found(order: list[int]) -> None:
    assert bool(faults([ENTRIES[n] for n in order], CHAIN, TEXTS)) == (order != sorted(order))


@given(places)
def test_every_insertion_is_found(place: int) -> None:
    for extra in (ENTRIES[place], replace(ENTRIES[place], actor="x")):
        assert faults([*ENTRIES[:place], extra, *ENTRIES[place:]], CHAIN, TEXTS)
    _, added = CHAIN.append(replace(ENTRIES[0], actor="x"))
    assert faults([*ENTRIES, added], CHAIN, TEXTS)


@given(st.sampled_from(sorted(TEXTS)), st.text(max_size=20))
def test_every_edit_of_a_text_is_found(place: int, words: str) -> None:
    text = replace(TEXTS[place], words=words)
    assert bool(faults(ENTRIES, CHAIN, {**TEXTS, place: text})) == (words != TEXTS[place].words)
    assert faults(ENTRIES, CHAIN, {**TEXTS, place: replace(TEXTS[place], salt="other")})


def test_a_text_put_beside_an_entry_that_had_none_is_found() -> None:
    assert faults(ENTRIES, CHAIN, {**TEXTS, 0: Text(sequence=0, words="I said so", salt="s")})


def test_a_text_moved_to_another_entry_is_found() -> None:
    assert faults(ENTRIES, CHAIN, {**TEXTS, 1: replace(TEXTS[3], sequence=1)})


def test_a_text_that_is_missing_is_a_fault() -> None:
    for place in TEXTS:
        missing = {number: text for number, text in TEXTS.items() if number != place}
        assert faults(ENTRIES, CHAIN, missing) == [f"the text of entry {place} is missing"]


def test_a_text_that_was_removed_is_no_fault_where_an_entry_says_so() -> None:
    numbers = " ".join(map(str, TEXTS))
    removal = replace(ENTRIES[0], actor="system", action=REMOVED, details={"texts": numbers})
    chain, entry = replace(CHAIN, state=ENTRIES[-1].state).append(removal, state=ENTRIES[-1].state)
    assert faults([*ENTRIES, entry], chain, {}) == []
    assert faults([*ENTRIES, entry], chain, TEXTS) == []
    assert faults([*ENTRIES[:-1], replace(entry, sequence=CHAIN.length - 1)], chain, {})


def test_a_submission_that_was_changed_between_two_entries_is_found() -> None:
    chain, entry = replace(CHAIN, state="another").append(ENTRIES[0], state="state-5")
    told = "the submission was changed without an entry before entry 5"
    assert faults([*ENTRIES, entry], chain, TEXTS) == [told]


def test_entries_of_an_earlier_release_have_no_mac_and_later_ones_must() -> None:
    since = ENTRIES[2].at
    sealed = [replace(entry, mac="aa") if entry.at >= since else entry for entry in ENTRIES]
    assert unsealed(sealed, since) == []
    assert unsealed(sealed, None) == ["entry 0 has no MAC", "entry 1 has no MAC"]
    assert unsealed(ENTRIES[:2], since) == []
    assert unsealed(ENTRIES, since) == [f"entry {number} has no MAC" for number in (2, 3, 4)]
    back_dated = [*sealed, replace(ENTRIES[0], sequence=5)]
    assert unsealed(back_dated, since) == ["entry 5 has no MAC"]


def test_short_texts_cannot_be_guessed_from_their_digest() -> None:
    assert (
        Text(sequence=0, words="Yes", salt="a").digest() != Text(sequence=0, words="Yes", salt="b").digest()
    )


PARTS = Text(sequence=0, words="Nearly", salt="s", parts={"costs": "Less", "you": "Who?"})


@pytest.mark.parametrize(
    "edit",
    [
        {"words": "nearly"},
        {"parts": {}},
        {"parts": {"costs": "Less"}},
        {"parts": {"costs": "More", "you": "Who?"}},
        {"parts": {"costs": "Who?", "you": "Less"}},
        {"parts": {"costs": "Less", "you": "Who?", "the-day": ""}},
        {"salt": "t"},
    ],
)
def test_every_edit_of_what_was_written_about_the_parts_is_found(edit: dict[str, Any]) -> None:
    chain, entry = Chain().append(ENTRIES[0], PARTS)
    assert faults([entry], chain, {0: PARTS}) == []
    assert faults([entry], chain, {0: replace(PARTS, parts={"you": "Who?", "costs": "Less"})}) == []
    assert faults([entry], chain, {0: replace(PARTS, **edit)})


def test_a_text_without_parts_verifies_as_it_was_written_before_there_were_any() -> None:
    """Timelines that are stored already: the digest of a salted text, as it always was."""
    digest = hmac.new(b"salt-1", b"Good", hashlib.sha256).hexdigest()
    assert Text(sequence=1, words="Good", salt="salt-1").digest() == digest == ENTRIES[1].text_digest
