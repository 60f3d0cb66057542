"""A function without signing keys makes plain addresses, and refuses to sign or verify anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.adapters.signing.links import SignedLinks
from chalicelib.adapters.signing.seals import KeyedSeals
from chalicelib.adapters.signing.signing_keys import NoSigningKeys
from chalicelib.domain.people.pairs import Pair

LINKS, SEALS = SignedLinks("https://x", ()), KeyedSeals(())
PAIR = Pair(mailbox="m", nonce="n" * 40)


@pytest.mark.parametrize(
    "use",
    [
        lambda: LINKS.status("kent", "CLM-7K3F-9QX2"),
        lambda: LINKS.read_status_token("kent.CLM-7K3F-9QX2."),
        lambda: LINKS.read_page_token("W10"),
        lambda: LINKS.read_form_key("W10"),
        lambda: SEALS.code(PAIR),
        lambda: SEALS.is_code(PAIR, "123456"),
        lambda: SEALS.is_link(PAIR, "link"),
        lambda: SEALS.cookie("kind", []),
        lambda: SEALS.read_cookie("kind", "W10"),
    ],
)
def test_without_keys_nothing_is_signed_or_taken_for_ours(use: Callable[[], object]) -> None:
    with pytest.raises(NoSigningKeys, match="SIGNING_KEYS"):
        use()


def test_without_keys_there_are_addresses_that_hold_no_signature() -> None:
    assert LINKS.page("/desk") == "https://x/desk"
