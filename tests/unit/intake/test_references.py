"""References: typed wrongly, they are told from unknown ones."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import wiring
from chalicelib.domain.errors import MistypedReference, NotFound
from chalicelib.domain.intake.references import ALPHABET, is_reference, new_reference, read_reference
from tests.builders import drawing

PREFIXES = ["CLM", "IDA", "DAY", "COM", "WRK", "LRN"]
references = st.builds(
    lambda prefix, seed: new_reference(prefix, drawing(random.Random(seed))),
    st.sampled_from(PREFIXES),
    st.integers(0, 2**32),
)
BODY = [4, 5, 6, 7, 9, 10, 11, 12]


@given(references)
def test_a_new_reference_is_one(reference: str) -> None:
    assert is_reference(reference)
    assert read_reference(reference) == reference
    assert len(reference) == 13


@given(references)
def test_every_single_wrong_character_is_found(reference: str) -> None:
    for place in BODY:
        for character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            if character != reference[place]:
                assert not is_reference(reference[:place] + character + reference[place + 1 :])


@given(references)
def test_every_swap_of_two_characters_is_found(reference: str) -> None:
    for first in BODY:
        for second in BODY:
            letters = list(reference)
            letters[first], letters[second] = letters[second], letters[first]
            swapped = "".join(letters)
            assert is_reference(swapped) == (swapped == reference)


@given(references)
def test_a_swap_of_two_letters_of_the_prefix_is_found(reference: str) -> None:
    for a, b in ((0, 1), (1, 2), (0, 2)):
        letters = list(reference)
        letters[a], letters[b] = letters[b], letters[a]
        swapped = "".join(letters)
        assert is_reference(swapped) == (swapped == reference)


@given(references)
def test_the_prefix_of_another_form_is_found(reference: str) -> None:
    for prefix in PREFIXES:
        assert is_reference(prefix + reference[3:]) == (prefix == reference[:3])


@given(references)
def test_a_character_left_out_or_typed_twice_is_found(reference: str) -> None:
    for place in range(len(reference)):
        before, here, after = reference[:place], reference[place], reference[place + 1 :]
        assert not is_reference(before + after)
        assert not is_reference(before + here * 2 + after)


@given(references)
def test_case_dashes_and_spaces_do_not_matter(reference: str) -> None:
    for typed in (
        reference.lower(),
        reference.replace("-", ""),
        f"  {reference} ",
        reference.replace("-", " - "),
        reference.replace("-", "\u2013"),
        reference.replace("-", "\u00a0"),
    ):
        assert read_reference(typed) == reference
        assert is_reference(typed) == (typed == reference)


@pytest.mark.parametrize(
    "typed",
    ["", "CLM", "CLM-", "12345678", "CLM-7K3F-9QX", "CLM-7K3F-9QXN2", "CL1-2222-2222", "ÇLM-2222-222M", "х" * 13,
     "CLM_2222_222M", "CLM-2222-222M\x00", "٢" * 11, "x" * 100_000],
    ids=lambda typed: typed[:14],
)  # fmt: skip
def test_what_is_no_reference_is_mistyped_which_is_not_found(typed: str) -> None:
    with pytest.raises(MistypedReference) as caught:
        read_reference(typed)
    assert isinstance(caught.value, NotFound)
    assert "CLM-7K3F-9QXN" in str(caught.value) or "typed wrongly" in str(caught.value)


def test_the_alphabet_has_neither_vowels_nor_look_alikes() -> None:
    assert not set(ALPHABET) & set("AEIOU01ILS5Z2B8"[:11])
    assert len(set(ALPHABET)) == len(ALPHABET) == 23
    for pair in ("0O", "1I", "1L", "5S", "2Z", "8B", "UV"):
        assert len(set(pair) & set(ALPHABET)) < 2


def test_references_hardly_ever_meet() -> None:
    draw = drawing(random.Random(1))
    assert len({new_reference("CLM", draw) for _ in range(5_000)}) == 5_000


def test_what_is_drawn_is_any_of_the_characters_at_any_place() -> None:
    drawn = [wiring.draw("abc", 4) for _ in range(2_000)]
    assert {len(one) for one in drawn} == {4}
    for place in range(4):
        counts = Counter(one[place] for one in drawn)
        assert set(counts) == set("abc")
        assert min(counts.values()) > 500  # of 667 expected: eight standard deviations
