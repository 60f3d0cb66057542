"""An idea through its pages: sent, decided by each in turn, and read by everybody."""

from __future__ import annotations

import json
from datetime import timedelta
from xml.etree.ElementTree import Element

import pytest
from idea_scenes import COORDINATOR, an_idea, before_the_leaders, decided, published, several, submit
from page_checks import error_links, text_of, with_class
from website import Answer, Website, form_fields, heading, words

from chalicelib.services.intake.submitting import Receipt

SECRETS = ("Sam Okafor", "sam.okafor", "coordinator-kent", "Coordinator, Kent")


def links(answer: Answer) -> list[str]:
    found: list[Element] = list(next(answer.page.iter("main")).iter("a"))
    return [one.get("href") or "" for one in found]


def send(website: Website, **changes: str) -> Answer:
    """Fill the form in as a person would, and send it."""
    fields = form_fields(website.get("/forms/idea"))
    typed = {name: str(value) for name, value in an_idea().items()}
    return website.post("/forms/idea", {**fields, **typed, "action": "send", **changes})


def decide(website: Website, path: str, decision: str, comment: str = "") -> Answer:
    fields = form_fields(website.get(path))
    answer = website.post(path, {**fields, "decision": decision, "comment": comment})
    return answer if answer.status != 303 else website.get(path)


def test_the_start_page_offers_both_forms(website: Website) -> None:
    answer = website.get("/")
    assert {"/forms/funding-claim", "/forms/idea", "/ideas", "/map"} <= set(links(answer))


def test_the_form_speaks_of_an_idea(website: Website) -> None:
    answer = website.get("/forms/idea")
    assert heading(answer) == "Share an idea"
    assert "Send the idea" in words(answer)
    assert "claim" not in words(answer).lower()


def test_an_idea_goes_from_the_form_to_adopted(website: Website) -> None:
    sent = send(website)
    assert sent.status == 303, sent.text
    token = sent.headers["Location"].rpartition("/")[2]
    thanks = website.confirm(sent.headers["Location"])
    assert heading(thanks) == "Idea received"
    assert "The coordinator is asked to decide" in words(thanks)
    reference = token.split(".")[1]
    assert reference in words(thanks)
    case = website.parts.records.of("kent").case(reference)
    receipt = Receipt(
        reference=reference,
        form="idea",
        form_version=1,
        status=case.submission.status,
        submitted_at=case.submission.submitted_at,
        status_url="",
        status_token=token,
        confirm_url="",
        mailbox="",
        name="",
    )

    website.sign_in(COORDINATOR)
    task = website.ask(receipt)
    shown = website.get(task)
    assert heading(shown) == f"Decide idea {reference}"
    assert "£" not in words(shown)
    assert "What should be changed" not in words(shown)
    assert "The person who sent the idea will read this." in words(shown)
    refused = website.post(task, {**form_fields(shown), "decision": "decline", "comment": ""})
    assert error_links(refused.page) == [
        ("Give the reason: the person who sent the idea will read it", "#comment")
    ]
    assert heading(decide(website, task, "publish", "A good one.")) == "You published this idea"
    website.cookies.clear()

    website.sign_in("idea.reviewer@example.org")
    task = website.ask(receipt)
    assert "A good one." in words(website.get(task))
    assert heading(decide(website, task, "shortlist")) == "You shortlisted this idea"
    website.cookies.clear()

    website.ask(receipt)
    for address, done in (("home.office@example.org", "adopt"), ("npcc@example.org", "adopt")):
        website.sign_in(address)
        person = website.parts.people.by_address(address)
        assert person is not None
        (path,) = [f"/tasks/{t.id}" for t in website.case(receipt).tasks if t.person_id == person.id]
        shown = website.get(path)
        assert "2 of the 3 people who are asked must choose the same." in words(shown)
        assert heading(decide(website, path, done, "It helps all.")) == "You adopted this idea"
        website.cookies.clear()

    status = website.get(f"/status/{token}")
    assert "Adopted" in words(status)
    assert "With that, the leaders' panel adopted it." in words(status)
    assert f"/ideas/{reference}" in links(status)
    assert [mail.payload["values"]["done"] for mail in website.mails("answered")] == [
        "published",
        "shortlisted",
        "adopted",
    ]


def test_the_box_that_withholds_the_name_may_be_left_empty_or_ticked(website: Website) -> None:
    for given, kept in (({}, None), ({"withhold_name": "true"}, True)):
        sent = send(website, **given)
        assert sent.status == 303, sent.text
        force, reference, _ = sent.headers["Location"].rpartition("/")[2].split(".", 2)
        personal = website.parts.records.of(force).case(reference).personal
        assert personal.get("withhold_name") is kept


def test_mistakes_are_shown_by_the_questions_own_words(website: Website) -> None:
    refused = send(website, title="Short", improvement="", withhold_name="perhaps")
    assert refused.status == 422
    assert error_links(refused.page) == [
        ("Your idea in one line must be 10 characters or more", "#title"),
        ("Say what you would improve, and how", "#improvement"),
        ("Tick the box, or leave it empty", "#withhold_name"),
    ]


def test_sending_it_again_with_other_answers_says_that_it_would_be_a_second_idea(website: Website) -> None:
    fields = {**form_fields(website.get("/forms/idea")), "action": "send"}
    typed = {name: str(value) for name, value in an_idea().items()}
    assert website.post("/forms/idea", {**fields, **typed}).status == 303
    again = website.post("/forms/idea", {**fields, **typed, "category": "custody"})
    assert "To send these as a second idea, send it again" in words(again)


def test_a_withheld_name_is_nowhere_for_the_forces_coordinator(website: Website) -> None:
    receipt = submit(website, withhold_name=True)
    path = website.ask(receipt)
    website.sign_in(COORDINATOR)
    for page in (path, f"/api/v1{path}", f"/api/v1/submissions/{receipt.reference}",
                 f"/api/v1/submissions/{receipt.reference}/timeline",
                 f"/desk/submissions/{receipt.reference}"):  # fmt: skip
        answer = website.get(page)
        assert answer.status == 200, page
        assert "Okafor" not in answer.text, page
        assert "sam.okafor" not in answer.text, page
    (mail,) = website.mails("asked")
    assert "Okafor" not in json.dumps(dict(mail.payload))


def test_a_withheld_name_is_there_for_the_national_team(website: Website) -> None:
    receipt = submit(website, withhold_name=True)
    website.ask(receipt)
    website.decide(receipt, "publish")
    path = website.ask(receipt)
    website.sign_in("idea.reviewer@example.org")
    assert "Sam Okafor" in words(website.get(path))
    assert "Sam Okafor" in website.get(f"/api/v1{path}").text


def test_without_ideas_the_list_says_how_they_come(website: Website) -> None:
    submit(website)
    said = words(website.get("/ideas"))
    assert "No ideas have been published yet." in said
    assert "their force's coordinator reads it first" in said
    assert "All categories" not in said
    assert "No ideas have been published here yet." in words(website.get("/ideas?force=kent"))
    assert "All categories" in words(website.get("/ideas?force=kent"))


def test_the_list_has_what_is_published_newest_first_and_filters_it(website: Website) -> None:
    receipts = several(website)
    answer = website.get("/ideas")
    shown = [link for link in links(answer) if link.startswith("/ideas/")]
    assert shown == [f"/ideas/{one.reference}" for one in reversed(receipts)]
    assert "Kent Police · Custody" in words(answer)
    assert "Published, being considered nationally" in words(answer)
    of_essex = website.get("/ideas?force=essex&category=")
    assert [text_of(one) for one in with_class(of_essex.page, "app-ideas__title")] == [
        "Charging points for electric vehicles at every station"
    ]
    assert "Essex Police" in [text_of(one) for one in of_essex.page.iter("h2")]
    chosen = [one.get("value") for one in of_essex.page.iter("option") if one.get("selected") is not None]
    assert "essex" in chosen
    assert len(with_class(website.get("/ideas?force=kent&category=custody").page, "app-ideas__item")) == 1


def test_pages_of_the_list_follow_each_other(website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.web.pages.ideas import ideas

    monkeypatch.setattr(ideas, "_ON_A_PAGE", 2)
    several(website)
    first = website.get("/ideas?force=")
    (older,) = [link for link in links(first) if "cursor=" in link]
    second = website.get(older)
    assert len(with_class(second.page, "app-ideas__item")) == 1
    assert "/ideas" in links(second)
    assert not [link for link in links(second) if "cursor=" in link]


@pytest.mark.parametrize("query", ["force=atlantis", "category=weather", "cursor=made-up"])
def test_a_filter_that_there_is_not_is_refused(website: Website, query: str) -> None:
    assert website.get(f"/ideas?{query}").status == 400
    refused = website.get(f"/api/v1/ideas?{query}")
    assert (refused.status, json.loads(refused.text)["code"]) == (400, "unreadable")


def test_one_idea_is_shown_with_its_answers_and_names_nobody(website: Website) -> None:
    receipt = decided(website, "adopt", "pilot", "adopt")
    answer = website.get(f"/ideas/{receipt.reference}")
    assert heading(answer) == "One template for all handovers"
    for part in ("Kent Police", "Adopted", "Processes", "At Maidstone, for a month", "A good one.",
                 "The leaders' panel adopted it.", "We adopt it: it is simple"):  # fmt: skip
        assert part in words(answer), part
    assert "We pilot it" not in words(answer), "one member's vote is not the panel's answer"
    for secret in SECRETS:
        assert secret not in answer.text


def test_what_is_not_public_is_as_if_it_did_not_exist(website: Website) -> None:
    waiting = submit(website)
    website.ask(waiting)
    held = submit(website)
    website.ask(held)
    website.use(undo_for=timedelta(minutes=10))
    website.decide(held, "publish")
    for receipt in (waiting, held, website.submit()):
        assert website.get(f"/ideas/{receipt.reference}").status == 404
    assert website.get("/ideas/IDA-2222-2222").status == 404
    assert with_class(website.get("/ideas").page, "app-ideas__item") == []
    assert json.loads(website.get("/api/v1/ideas").text) == {"ideas": [], "next": None}
    assert json.loads(website.get("/api/v1/ideas.geojson").text)["features"] == []


def test_the_map_has_a_tile_and_a_row_for_each_force_with_its_figure(website: Website) -> None:
    several(website)
    answer = website.get("/map")
    tiles = list(answer.page.iter("{http://www.w3.org/2000/svg}a"))
    assert len(tiles) == 43
    kent = next(one for one in tiles if one.get("href") == "/ideas?force=kent")
    assert kent.get("aria-label") == "Kent 2 ideas, Kent Police"
    assert text_of(kent) == "Kent 2"
    rows = [text_of(row) for row in answer.page.iter("tr")]
    assert "Kent Police Kent 2" in rows
    assert "Cheshire Constabulary Ches 0" in rows
    assert "Total 3" in rows
    assert "3 published ideas" in words(answer)


def test_an_empty_map_says_what_it_will_show_and_counts_nothing(website: Website) -> None:
    answer = website.get("/map")
    tiles = list(answer.page.iter("{http://www.w3.org/2000/svg}a"))
    assert len(tiles) == 43
    assert {text_of(one)[-1:].isdigit() for one in tiles} == {False}
    assert "Kent, Kent Police" in [one.get("aria-label") for one in tiles]
    assert "Once a force's coordinator has published an idea, its tile shows how many" in words(answer)
    assert list(answer.page.iter("table")) == []


def test_the_map_says_where_there_are_more_than_it_counts(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.services.ideas import publishing

    several(website)
    monkeypatch.setattr(publishing, "MOST_COUNTED", 2)
    assert "these figures cover the newest 2" in words(website.get("/map"))


def test_the_map_says_when_it_was_counted_where_there_are_many(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.services.ideas import publishing

    several(website)
    assert "Counted on" not in words(website.get("/map"))
    monkeypatch.setattr(publishing, "FEW", 3)
    first = words(website.get("/map"))
    published(website)
    assert "3 published ideas" in first
    assert "Counted on" in first
    assert words(website.get("/map")) == first


def test_programs_read_the_same_list(website: Website) -> None:
    receipts = several(website)
    first = json.loads(website.get("/api/v1/ideas?limit=2").text)
    assert [one["reference"] for one in first["ideas"]] == [receipts[2].reference, receipts[1].reference]
    second = json.loads(website.get(f"/api/v1/ideas?limit=2&cursor={first['next']}").text)
    assert ([one["reference"] for one in second["ideas"]], second["next"]) == ([receipts[0].reference], None)
    (custody,) = json.loads(website.get("/api/v1/ideas?category=custody&force=kent").text)["ideas"]
    assert set(custody) == {"reference", "title", "category", "force", "status", "submitted_at", "url"}
    assert custody["url"].endswith(f"/ideas/{receipts[2].reference}")
    assert website.get("/api/v1/ideas?q=x").status == 400


def test_ideas_stand_on_the_map_at_their_forces_headquarters(website: Website) -> None:
    receipt = published(website)
    answer = website.get("/api/v1/ideas.geojson")
    assert answer.headers["Content-Type"] == "application/geo+json"
    collection = json.loads(answer.text)
    assert collection["type"] == "FeatureCollection"
    (feature,) = collection["features"]
    assert feature["type"] == "Feature"
    assert feature["geometry"] == {"type": "Point", "coordinates": [0.52, 51.26]}
    assert feature["properties"]["reference"] == receipt.reference
    for secret in SECRETS:
        assert secret not in answer.text


def test_before_the_leaders_every_member_sees_the_others(website: Website) -> None:
    receipt = before_the_leaders(website)
    website.sign_in("npcc@example.org")
    task = website.case(receipt).open_tasks[1]
    shown = words(website.get(f"/tasks/{task.id}"))
    assert "Home Office's member of the leaders' panel Not decided yet" in shown
