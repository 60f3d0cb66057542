"""Every AWS call on the paths submit, confirm, ask, decide, relay, sweep and signing in, failing in every way.

`make prove` goes through all of it; `make test` through one case in many. Every case must have fired.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.builders import claim_answers
from tests.faults.naive import stored
from tests.faults.paths import BY_NAME, PATHS, Cut, calls_of, cuts, play
from tests.faults.proxy import KILLS, Fault, Rule
from tests.faults.stage import Stage, open_stage

EVERY = 1 if os.environ.get("PROVE") else 41
"""Prime, and so in step with no dimension of the cases."""

pytestmark = [pytest.mark.needs_dynoxide("transactions that are isolated"), pytest.mark.xdist_group("faults")]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        with open_stage(tmp_path_factory.mktemp("faults"), monkeypatch) as opened:
            yield opened


def test_every_call_failing_in_every_way_loses_nothing_and_does_nothing_twice(stage: Stage) -> None:
    began = time.monotonic()
    planned: list[Cut] = []
    for number, path in enumerate(PATHS):
        planned += cuts(path, calls_of(stage, path, number))
    chosen = planned[::EVERY]
    assert {cut.path for cut in chosen} == BY_NAME.keys()
    assert {cut.fault for cut in chosen} == set(Fault)
    fired: Counter[str] = Counter()
    wrong, unfired = [], []
    for number, cut in enumerate(chosen, start=1000):
        times, faults = play(stage, cut, number)
        fired[cut.fault.value] += bool(times)
        if not times:
            unfired.append(str(cut))
        wrong += [f"{cut}: {what}" for what in faults]
        if not number % 100:
            print(
                f"{number - 1000} of {len(chosen)} cases, {len(wrong)} wrong, {time.monotonic() - began:.0f} s"
            )
    seconds = time.monotonic() - began
    print(
        f"\n{len(planned)} cases, {len(chosen)} played, {sum(fired.values())} fired {dict(fired)}, {seconds:.0f} s"
    )
    assert not unfired
    assert not wrong, "\n".join(wrong)


def test_a_product_that_stores_and_then_starts_fails_the_same_sweep(stage: Stage) -> None:
    """Else the sweep could not see what it is there to see."""
    stage.do("naive_submit", answers=claim_answers(), key="undisturbed")
    places = range(len(stage.switch.names()))
    faults = (Fault.ANSWER_LOST, *sorted(KILLS))
    failed: Counter[Fault] = Counter()
    cases = [(fault, place, retried) for fault in faults for place in places for retried in (True, False)]
    for number, (fault, place, retried) in enumerate(cases):
        failed[fault] += _fails(
            stage, f"naive {number}", Rule(place=place, fault=fault, persists=True), retried
        )
    print(f"\nthe naive control fails {failed.total()} of {len(cases)} cases")
    assert all(failed[fault] for fault in faults)
    assert failed.total() >= len(cases) / 3


def _fails(stage: Stage, key: str, rule: Rule, retried: bool) -> bool:
    """Whether it is stored and not started, started and not stored, or either of them twice."""
    stage.new_chapter()
    answers = claim_answers(event_title=key)
    outcome = stage.do("naive_submit", rule, answers=answers, key=key)
    if retried and outcome.status != 201:
        outcome = stage.do("naive_submit", answers=answers, key=key)
    assert rule.fired
    count = stored(answers)
    return count > 1 or len(stage.started()) != count or (outcome.status == 201 and not count)
