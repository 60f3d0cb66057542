"""Signing in with a real OpenID provider, as a browser without scripts meets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from provider import AtProvider, an_issuer, running_provider
from website import LEAD, Answer, Website, form_fields, heading, words

from chalicelib.adapters.openid import OpenIdProviders
from chalicelib.domain.people.accounts import digest, holder_of
from chalicelib.domain.people.issuers import SignIn
from chalicelib.domain.people.person_changes import What

SITE = "http://127.0.0.1:8000"
BACK = f"{SITE}/sign-in/oidc"
DEPUTY = "deputy.kent@example.police.uk"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running_provider(BACK) as url:
        yield url


@pytest.fixture
def site(website: Website, provider: str) -> Website:
    """The product where people sign in with a code, or with the provider."""
    website.use(sign_in=SignIn(issuers=(an_issuer(provider),)), providers=OpenIdProviders())
    return website


@pytest.fixture
def only(site: Website) -> Website:
    """The product where staff sign in with the provider alone."""
    site.use(sign_in=replace(site.parts.sign_in, codes=False))
    return site


def another_browser(site: Website) -> Website:
    return Website(site._client, site.parts)


def leave(site: Website, after: str = "") -> str:
    """Go to the provider. Returns its address."""
    answer = site.get("/sign-in/with/kents/go" + (f"?next={after}" if after else ""))
    assert answer.status == 303
    return answer.headers["Location"]


def returned(site: Website, person: str = "kent:jo", after: str = "", at: AtProvider | None = None) -> str:
    """Go to the provider and sign in there. Returns the path that it leads back to."""
    back = (at or AtProvider()).sign_in(leave(site, after), BACK, person)
    return back.removeprefix(SITE)


def changed(path: str, **fields: str) -> str:
    parts = urlsplit(path)
    found = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return f"{parts.path}?{urlencode({**found, **fields})}"


def linked(site: Website, person: str = "kent:jo", address: str = LEAD, after: str = "") -> Answer:
    """Sign in with the provider for the first time."""
    assert site.get(returned(site, person, after)).headers["Location"] == "/sign-in/link"
    assert site.post("/sign-in/link", {"address": address}).headers["Location"] == "/sign-in/link/code"
    shown = site.get("/sign-in/link/code")
    return site.post("/sign-in/link/code", {**form_fields(shown), "code": site.mailed_code()})


def person_of(site: Website) -> str:
    return holder_of(site.cookies["session"])


def proved_at(site: Website) -> timedelta:
    """How long ago whoever is signed in proved who they are."""
    secret = site.cookies["session"]
    session, _ = site.parts.accounts.session_and_holder(
        digest(secret), holder_of(secret), now=site.parts.now()
    )
    assert session is not None
    return site.parts.now() - session.proved_at


# The way there and back


def test_an_address_of_an_issuers_domain_leads_to_it_by_a_link_and_another_gets_a_code(site: Website) -> None:
    answer = site.post("/sign-in", {"address": LEAD, "next": "/away"})
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in/with/kents?next=/away")
    shown = site.get("/sign-in/with/kents?next=/away")
    assert heading(shown) == "Sign in with Kent Police"
    links = [link.get("href") for link in shown.page.iter("a")]
    assert "/sign-in/with/kents/go?next=/away" in links
    assert not list(shown.page.iter("form")), "a form that leads elsewhere is refused by browsers"
    assert site.mails("sign-in-code") == []
    other = site.post("/sign-in", {"address": "payments@example.org"})
    assert other.headers["Location"] == "/sign-in/code"
    assert len(site.mails("sign-in-code")) == 1


def test_where_both_ways_are_open_a_code_can_be_asked_for_instead(site: Website) -> None:
    assert "/sign-in?by=code&next=/" in [
        link.get("href") for link in site.get("/sign-in/with/kents").page.iter("a")
    ]
    fields = form_fields(site.get("/sign-in?by=code"))
    assert site.post("/sign-in", {**fields, "address": LEAD}).headers["Location"] == "/sign-in/code"
    assert site.post("/sign-in/code", {"code": site.mailed_code()}).status == 303


def test_the_provider_is_asked_for_a_code_with_pkce_state_and_nonce_and_no_address(site: Website) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(leave(site)).query).items()}
    assert {"response_type": "code", "redirect_uri": BACK, "scope": "openid profile"}.items() <= asked.items()
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 43 and len(asked["nonce"]) >= 43 and asked["state"] != asked["nonce"]
    assert "max_age" not in asked


def test_the_first_time_a_mailed_code_links_and_the_second_time_the_provider_is_enough(site: Website) -> None:
    done = linked(site, after="/away")
    assert (done.status, done.headers["Location"]) == (303, "/away")
    assert person_of(site) == "lead-kent"
    assert site.get("/away").status == 200
    other = another_browser(site)
    again = other.get(returned(other, after="/away"))
    assert (again.status, again.headers["Location"]) == (303, "/away")
    assert person_of(other) == "lead-kent"
    assert other.get("/away").status == 200
    assert site.mails("sign-in-code") == []


def test_the_page_that_links_says_whom_the_provider_signed_in(site: Website) -> None:
    site.get(returned(site))
    assert "Kent Police has signed you in as jo@kent.example" in words(site.get("/sign-in/link"))
    site.post("/sign-in/link", {"address": LEAD})
    assert "jo@kent.example" in words(site.get("/sign-in/link/code"))


def test_nobody_is_signed_in_by_the_address_that_a_provider_names(site: Website) -> None:
    """The provider says of all its people that their address is the lead's."""
    site.get(returned(site))
    assert "session" not in site.cookies
    assert LEAD not in site.get("/sign-in/link").text
    assert site.get("/away").status == 303


def test_the_owner_of_a_mailbox_is_told_of_a_new_browser_once(site: Website) -> None:
    linked(site)
    assert len(site.mails("new-browser")) == 1
    other = another_browser(site)
    other.get(returned(other))
    assert len(site.mails("new-browser")) == 1
    other.get(returned(other))
    assert site.mails("new-browser") == []


# Linking


def test_a_wrong_code_links_nothing_and_the_right_one_still_works(site: Website) -> None:
    site.get(returned(site))
    site.post("/sign-in/link", {"address": LEAD})
    code = site.mailed_code()
    wrong = site.post("/sign-in/link/code", {"code": "000000" if code != "000000" else "111111"})
    assert wrong.status == 422
    assert "session" not in site.cookies
    assert site.post("/sign-in/link/code", {"code": code}).status == 303


def test_an_address_elsewhere_is_not_linked(site: Website) -> None:
    site.get(returned(site))
    answer = site.post("/sign-in/link", {"address": "payments@example.org"})
    assert answer.status == 422
    assert "example.police.uk" in words(answer)
    assert site.mails("sign-in-code") == []


def test_another_mailbox_that_this_browser_asked_about_is_not_linked_either(site: Website) -> None:
    site.post("/sign-in", {"address": "payments@example.org"})
    code, mailbox = site.mailed_code(), form_fields(site.get("/sign-in/code"))["mailbox"]
    site.get(returned(site))
    answer = site.post("/sign-in/link/code", {"mailbox": mailbox, "code": code})
    assert (answer.status, heading(answer)) == (403, "You are not signed in")
    assert "session" not in site.cookies


def test_an_unknown_address_is_answered_as_a_known_one(site: Website) -> None:
    site.get(returned(site))
    for address in (LEAD, "nobody@example.police.uk"):
        assert site.post("/sign-in/link", {"address": address}).headers["Location"] == "/sign-in/link/code"


def test_the_person_of_an_identity_stays_the_one_who_linked_it(site: Website) -> None:
    """Both come back from the provider as nobody yet; the first links, the second is refused."""
    first, second = site, another_browser(site)
    for browser in (first, second):
        browser.get(returned(browser))
    first.post("/sign-in/link", {"address": LEAD})
    assert first.post("/sign-in/link/code", {"code": site.mailed_code()}).status == 303
    second.post("/sign-in/link", {"address": DEPUTY})
    answer = second.post("/sign-in/link/code", {"code": site.mailed_code()})
    assert (answer.status, heading(answer)) == (409, "You are not signed in")
    assert "session" not in second.cookies
    assert second.get(returned(second)).status == 303
    assert person_of(second) == "lead-kent"


def test_another_tenants_person_of_the_same_name_and_address_is_somebody_else(site: Website) -> None:
    linked(site, "kent:jo")
    other = another_browser(site)
    assert other.get(returned(other, "elsewhere:jo")).headers["Location"] == "/sign-in/link"
    assert "session" not in other.cookies


def test_without_a_provider_behind_it_no_page_links_anything(site: Website) -> None:
    site.post("/sign-in", {"address": LEAD, "by": "code"})
    code = site.mailed_code()
    for answer in (
        site.get("/sign-in/link"),
        site.post("/sign-in/link", {"address": LEAD}),
        site.get("/sign-in/link/code"),
        site.post("/sign-in/link/code", {"code": code}),
    ):
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    site.cookies["linking"] = site.cookies["asked"]
    assert site.post("/sign-in/link/code", {"code": code}).headers["Location"] == "/sign-in"


def test_signing_out_ends_a_linking_that_was_begun(site: Website) -> None:
    site.sign_in("payments@example.org")
    site.get(returned(site))
    assert "linking" in site.cookies
    site.post("/sign-out", form_fields(site.get("/sign-out")))
    assert "linking" not in site.cookies


# What is refused


def test_a_return_that_was_used_is_refused(site: Website) -> None:
    linked(site)
    path = returned(site)
    attempt = site.cookies["attempt"]
    assert site.get(path).status == 303
    site.cookies.clear()
    site.cookies["attempt"] = attempt
    assert heading(site.get(path)) == "You are not signed in"
    assert "session" not in site.cookies


def test_a_state_works_once_even_with_another_code(site: Website, provider: str) -> None:
    linked(site)
    at = AtProvider()
    address = leave(site)
    attempt = site.cookies["attempt"]
    first, second = (at.sign_in(address, BACK).removeprefix(SITE) for _ in range(2))
    assert first != second
    assert site.get(first).status == 303
    site.cookies.clear()
    site.cookies["attempt"] = attempt
    assert site.get(second).status == 410
    assert "session" not in site.cookies


@pytest.mark.parametrize("theirs", ["nothing", "another attempt", "made up", "another kind"])
def test_a_return_works_only_in_the_browser_that_left(site: Website, theirs: str) -> None:
    linked(site)
    path = returned(site)
    other = another_browser(site)
    if theirs == "another attempt":
        leave(other)
    elif theirs == "made up":
        other.cookies["attempt"] = site.cookies["attempt"].swapcase()
    elif theirs == "another kind":
        other.cookies["attempt"] = site.cookies["proved"]
    before = dict(other.cookies)
    assert (other.get(path).status, other.cookies) == (410, before)
    assert site.get(path).status == 303, "it was not used up"


def test_a_state_that_is_not_ours_is_refused(site: Website) -> None:
    linked(site)
    path = returned(site)
    for state in ("", "x", "é"):
        assert site.get(changed(path, state=state)).status == 410


def test_a_return_after_a_quarter_of_an_hour_is_refused(site: Website) -> None:
    linked(site)
    path = returned(site)
    now = site.parts.now()
    site.use(now=lambda: now + timedelta(minutes=15))
    assert site.get(path).status == 410


def test_a_return_that_names_another_provider_or_none_is_refused(site: Website) -> None:
    linked(site)
    path = returned(site)
    assert site.get(changed(path, iss="https://login.elsewhere.example")).status == 403
    assert site.get(path.replace("&iss=", "&was=")).status == 403


def test_a_code_of_another_attempt_is_refused_by_pkce(site: Website) -> None:
    linked(site)
    other = another_browser(site)
    stolen = parse_qs(urlsplit(returned(other, "kent:sam")).query)["code"][0]
    answer = site.get(changed(returned(site), code=stolen))
    assert (answer.status, heading(answer)) == (403, "You are not signed in")
    assert "did not accept" in words(answer)


@pytest.mark.parametrize("error", ["access_denied", "login_required", "server_error", "<script>"])
def test_an_error_of_the_provider_is_a_page_with_a_way_to_start_again(site: Website, error: str) -> None:
    state = parse_qs(urlsplit(leave(site, "/away")).query)["state"][0]
    issuer = site.parts.sign_in.issuers[0].url
    query = {"error": error, "error_description": "typed by anybody", "state": state, "iss": issuer}
    answer = site.get(f"/sign-in/oidc?{urlencode(query)}")
    assert (answer.status, heading(answer)) == (403, "You are not signed in")
    assert "typed by anybody" not in answer.text
    assert "/sign-in?next=/away" in [link.get("href") for link in answer.page.iter("a")]


def test_a_provider_that_is_down_is_said_and_nothing_is_written(site: Website) -> None:
    down = an_issuer("http://127.0.0.1:9", id="down", domains=("down.example",))
    site.use(sign_in=SignIn(issuers=(down,)))
    assert site.get("/sign-in/with/down").status == 200
    answer = site.get("/sign-in/with/down/go")
    assert answer.status == 503
    assert "Kent Police does not answer" in words(answer)
    assert "attempt" not in site.cookies


def test_a_provider_that_goes_down_on_the_way_is_said_and_the_attempt_can_go_on(site: Website) -> None:
    linked(site)
    site.cookies.clear()
    path, real = returned(site), site.parts.sign_in
    (issuer,) = real.issuers
    site.use(sign_in=SignIn(issuers=(replace(issuer, url="http://127.0.0.1:9"),)))
    assert site.get(path.replace("&iss=", "&was=")).status == 503
    assert "session" not in site.cookies
    site.use(sign_in=real)
    assert site.get(path).status == 303


# Who is no longer there


def test_a_person_who_is_gone_or_moved_to_another_domain_is_signed_in_no_more(
    site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked(site)
    people = site.parts.people
    lead = people.person("lead-kent")
    assert lead is not None
    for now in (None, replace(lead, address="lead@essex.example")):
        monkeypatch.setattr(people, "person", lambda _, now=now: now)
        other = another_browser(site)
        answer = other.get(returned(other))
        assert (answer.status, heading(answer)) == (403, "You are not signed in")
        assert "session" not in other.cookies


# How fresh the proof is


def test_whoever_is_signed_in_already_proves_again_and_the_session_says_when(site: Website) -> None:
    linked(site)
    assert proved_at(site) < timedelta(minutes=1), "they have just typed a code"
    other, at = another_browser(site), AtProvider()
    other.get(returned(other, at=at))
    assert proved_at(other) >= timedelta(hours=1), "the provider did not say when"
    assert parse_qs(urlsplit(leave(other)).query)["max_age"] == ["900"]
    other.get(returned(other, at=at))
    assert proved_at(other) < timedelta(minutes=1)


@pytest.fixture
def payer(only: Website) -> tuple[Website, str]:
    """Somebody who pays, signed in with the provider, and the desk's page of an approved claim."""
    (issuer,) = only.parts.sign_in.issuers
    issuer = replace(issuer, domains=("example.org", *issuer.domains))
    only.use(sign_in=SignIn(codes=False, issuers=(issuer,)))
    receipt = only.submit()
    for _ in range(2):
        only.ask(receipt)
        only.decide(receipt)
    linked(only, "kent:payer", "payments@example.org")
    return only, f"/desk/submissions/{receipt.reference}/paid"


def test_paying_takes_a_proof_at_the_provider_of_the_last_quarter_of_an_hour(
    payer: tuple[Website, str],
) -> None:
    site, path = payer
    at = AtProvider()
    site.post("/sign-out", form_fields(site.get("/sign-out")))
    site.get(returned(site, "kent:payer", at=at))
    fields = {**form_fields(site.get(path)), "payment": "BACS 42"}
    refused = site.post(path, fields)
    assert (refused.status, heading(refused)) == (200, "Show us again who you are")
    assert site.mails("sign-in-code") == []
    assert site.post(path, {**fields, "proof_code": "123456"}).status == 200, "there is no code"
    (go,) = [link.get("href") for link in refused.page.iter("a") if "/go" in str(link.get("href"))]
    back = site.get(at.sign_in(site.get(str(go)).headers["Location"], BACK).removeprefix(SITE))
    assert (back.status, back.headers["Location"]) == (303, path)
    fields = {**form_fields(site.get(path)), "payment": "BACS 42"}
    assert site.post(path, fields).headers["Location"].endswith("?done=paid")


def test_a_provider_that_does_not_ask_again_is_no_proof(
    payer: tuple[Website, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, path = payer
    at, now = AtProvider(), site.parts.now()
    back = returned(site, "kent:payer", at=at)
    site.use(now=lambda: now + timedelta(minutes=14))  # the token lives for an hour
    assert site.get(back).status == 303
    site.use(now=lambda: now + timedelta(minutes=16))
    refused = site.post(path, {**form_fields(site.get(path)), "payment": "BACS 42"})
    assert heading(refused) == "Show us again who you are", "the proof was at the provider, not here"


def test_whoever_has_no_provider_is_told_that_they_cannot_prove_who_they_are(
    payer: tuple[Website, str],
) -> None:
    site, path = payer
    (issuer,) = site.parts.sign_in.issuers
    site.use(sign_in=SignIn(codes=False, issuers=(replace(issuer, domains=("elsewhere.example",)),)))
    now = site.parts.now()
    site.use(now=lambda: now + timedelta(minutes=16))
    answer = site.post(path, {**form_fields(site.get(path)), "payment": "BACS 42"})
    assert answer.status == 403
    assert "not set up" in words(answer)


# What somebody sees and removes


def test_the_account_lists_the_organisations_sign_in_and_removes_it(site: Website) -> None:
    linked(site)
    shown = site.get("/account")
    assert "Added on" in words(shown)
    (form,) = [form for form in shown.page.iter("form") if form.get("action") == "/account/links"]
    fields = {str(one.get("name")): str(one.get("value")) for one in form.iter("input")}
    assert site.post("/account/links", {**fields, "csrf": "wrong"}).status == 403
    other = another_browser(site)
    linked(other, "kent:deputy", DEPUTY)
    csrf = form_fields(other.get("/account"))["csrf"]
    assert other.post("/account/links", {**fields, "csrf": csrf}).status == 303
    assert "Added on" in words(site.get("/account")), "it is not the deputy's to remove"
    assert site.post("/account/links", fields).headers["Location"] == "/account?removed=1"
    said = words(site.get("/account?removed=1"))
    assert "sign-in is removed" in said
    assert "Added on" not in said
    assert site.post("/account/links", fields).status == 303, "once more is harmless"
    trail = site.parts.leavings.changes("lead-kent")
    assert [(one.what, one.actor, one.about) for one in trail] == [
        (What.LINKED, "lead-kent", "Kent Police"),
        (What.UNLINKED, "lead-kent", "Kent Police"),
    ]
    assert site.get(returned(site)).headers["Location"] == "/sign-in/link"


# Where codes are not offered


def test_where_codes_are_not_offered_none_signs_staff_in(only: Website) -> None:
    answer = only.post("/sign-in", {"address": LEAD, "by": "code"})
    assert answer.headers["Location"] == "/sign-in/with/kents"
    shown = only.get("/sign-in/with/kents")
    assert "code" not in words(shown)
    refused = only.post("/sign-in", {"address": "payments@example.org"})
    assert refused.status == 422
    assert only.mails("sign-in-code") == []
    only.get(returned(only))
    only.post("/sign-in/link", {"address": LEAD})
    (mail,) = only.mails("sign-in-code")
    values = mail.payload["values"]
    assert only.post("/sign-in/code", {"code": values["code"]}).status == 403
    path = values["sign_in_url"].removeprefix(SITE)
    assert heading(only.get(path)) == "Type the code where you asked for it"
    assert only.post(path, {}).status == 403
    assert "session" not in only.cookies
    assert only.post("/sign-in/link/code", {"code": values["code"]}).status == 303
    assert person_of(only) == "lead-kent"


def test_where_codes_are_not_offered_submitters_still_get_theirs(only: Website) -> None:
    only.prove(only.submit(), "withdraw")


def test_the_sign_in_page_names_the_ways(site: Website) -> None:
    shown = site.get("/sign-in?next=/away")
    named = {"".join(link.itertext()).strip(): link.get("href") for link in shown.page.iter("a")}
    assert named["Sign in with Kent Police"] == "/sign-in/with/kents?next=/away"
    site.use(sign_in=SignIn())
    assert "Kent" not in words(site.get("/sign-in"))
    assert site.get("/sign-in/with/kents").status == 404


# Over https


def test_over_https_the_cookies_of_the_way_are_bound_to_this_host(
    secure_website: Website, provider: str
) -> None:
    issuer = an_issuer(provider)
    secure_website.use(sign_in=SignIn(issuers=(issuer,)), providers=OpenIdProviders())
    answer = secure_website.get("/sign-in/with/kents/go")
    (cookie,) = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-attempt=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
