"""A picture of each workflow: the one definition, drawn once for each of its stages → docs/images/<name>.svg.

`make pictures` draws them again. Graphviz does the layout, as WebAssembly under Node: the same everywhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.approvals.who_decides import waits_for
from chalicelib.domain.delivery.deliveries import CHANGES
from chalicelib.domain.forms.stages import AskedAs, Stage, Workflow
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.people import role_words
from infra import machines

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"

DRAW = """
import { readFileSync } from 'node:fs';
import { Graphviz } from '@hpcc-js/wasm-graphviz';
const graphviz = await Graphviz.load();
process.stdout.write(graphviz.layout(readFileSync(0, 'utf8'), 'svg', 'dot'));
"""

WORDS = {
    "approver": "Ask the approvers",
    "deputy": "Ask the deputies",
    "coordinators": "Tell the coordinators",
    "claimant": "Wait for the submitter",
    "Choice": "Which stage and turn?",
    "Pass": "Again",
    "Succeed": "Over",
    "Fail": "Failed",
}
"""What a state does: by whom it asks, else by its type."""

LOOKS = {
    "Task": 'color="#1d70b8", fillcolor="#ffffff"',
    "Pass": 'color="#1d70b8", fillcolor="#ffffff"',
    "Choice": 'color="#7a5c00", fillcolor="#fff7bf", shape=hexagon, style=filled, margin="0,0.03"',
    "Succeed": 'color="#00563a", fillcolor="#cce2d8"',
    "Fail": 'color="#942514", fillcolor="#f4d7d3"',
}

DEFAULTS = """
graph [compound=true, newrank=true, bgcolor=white, pad=0.1, nodesep=0.15, ranksep=0.35, fontname="Helvetica"]
graph [fontsize=10, fontcolor="#0b0c0c", labelloc=b, labeljust=l]
node [shape=box, style="rounded,filled", height=0.5, margin="0.1,0.05", fontname="Helvetica", fontsize=11]
edge [color="#0b0c0c", arrowsize=0.7, fontname="Helvetica", fontsize=10]
"""

LATE = 'style=dashed, label="\u00a0time-out\u00a0\u00a0", color="#8a3b00", fontcolor="#8a3b00", weight=20'

LEGEND = (
    "Solid: after an answer. Dashed: the time is over.",
    "Arrows at a frame: in, to the turn that the data is at; out, after every answer.",
    "Not drawn: errors, which end in {errors}.",
)

State = Mapping[str, Any]


@dataclass(frozen=True)
class Machine:
    """A workflow's state machine, its states once for each stage. A state is of the stage it asks for or leads back to.

    `titles` says what stands above a stage's frame, `notes` what stands below a state's name.
    """

    start: str
    states: Mapping[str, State]
    titles: Mapping[str, str]
    notes: Mapping[str, str]

    def stage(self, name: str) -> str:
        """The stage that a state is of; empty for one of none."""
        state = self.states[name]
        if state["Type"] == "Task":
            return str(state["Parameters"]["Payload"]["stage"])
        return self.stage(state["Next"]) if state["Type"] == "Pass" else ""

    @cached_property
    def tasks(self) -> list[str]:
        """The states that ask somebody and wait."""
        return [name for name, state in self.states.items() if state["Type"] == "Task"]

    @cached_property
    def stages(self) -> dict[str, list[str]]:
        """Stage → its states; those of none under the empty name."""
        found: dict[str, list[str]] = {}
        for name in self.states:
            found.setdefault(self.stage(name), []).append(name)
        return found

    def turns(self, stage: str) -> list[str]:
        """The states of a stage that ask."""
        return [name for name in self.tasks if self.stage(name) == stage]

    def onward(self, name: str) -> list[str]:
        """Where a state leads when all goes well."""
        state = self.states[name]
        rules = [rule["Next"] for rule in state.get("Choices", ())]
        return list(dict.fromkeys([*rules, *(state[key] for key in ("Next", "Default") if key in state)]))

    def when_late(self, name: str) -> list[str]:
        """Where a state leads when its time is over."""
        caught = self.states[name].get("Catch", ())
        return [rule["Next"] for rule in caught if rule["ErrorEquals"] == ["States.Timeout"]]

    def enters(self, name: str) -> list[str]:
        """The stages that a Choice of no stage leads into, at whatever turn the data is at."""
        targets = set(self.onward(name))
        stages = [stage for stage in self.stages if stage and set(self.turns(stage)) <= targets]
        return [] if self.stage(name) else stages

    @cached_property
    def errors(self) -> list[str]:
        """The states that nothing but an error leads to."""
        led = {self.start, *(to for name in self.states for to in self.onward(name) + self.when_late(name))}
        return [name for name in self.states if name not in led]


def workflows() -> dict[str, Workflow]:
    """The newest version of each workflow, by name."""
    return {form.workflow.name: form.workflow for form in FormFiles().all()}


def unfold(definition: Mapping[str, Any], workflow: Workflow) -> Machine:
    """The definition as a workflow goes through it: the states that ask once for each stage, the submitter's wait only
    where the workflow may ask for changes."""
    source: Mapping[str, State] = definition["States"]
    stages = [stage.name for stage in workflow.stages]
    places = {name: _places(source, name, workflow) for name in source}
    states = {
        name: _leading_to(source, state, places) if state["Type"] == "Choice" else state
        for name, state in source.items()
        if not _turn(source, name)
    }
    for stage in [*stages, CHANGES]:
        states |= {f"{stage}.{name}": _at(source, name, stage) for name in source if stage in places[name]}
    return Machine(
        start=definition["StartAt"],
        states=states,
        titles={stage.name: _title(stage) for stage in workflow.stages},
        notes={name: _note(workflow, state) for name, state in states.items() if state["Type"] == "Task"},
    )


def _turn(source: Mapping[str, State], name: str) -> str:
    """Whose turn a state is for: it asks, or leads back to where somebody is asked. Empty for any other."""
    state = source[name]
    if state["Type"] == "Task":
        return str(state["Parameters"]["Payload"]["asked"])
    return _turn(source, state["Next"]) if state["Type"] == "Pass" else ""


def _places(source: Mapping[str, State], name: str, workflow: Workflow) -> list[str]:
    """The stages at which a state may be."""
    turn = _turn(source, name)
    if turn == AskedAs.CLAIMANT.value:
        return [CHANGES] if workflow.may_return else []
    return [stage.name for stage in workflow.stages] if turn else []


def _leading_to(source: Mapping[str, State], state: State, places: Mapping[str, list[str]]) -> State:
    """A Choice that leads to the states of every stage."""
    led = [rule["Next"] for rule in state["Choices"]]
    stages = dict.fromkeys(stage for name in led for stage in places[name])
    rules = [{"Next": f"{stage}.{name}"} for stage in stages for name in led if stage in places[name]]
    ends = [{"Next": name} for name in led if not _turn(source, name)]
    return {**state, "Choices": [*rules, *ends]}


def _at(source: Mapping[str, State], name: str, stage: str) -> State:
    """A state as it is at a stage."""
    state = source[name]

    def there(target: str) -> str:
        return f"{stage}.{target}" if _turn(source, target) else target

    caught = [{**rule, "Next": there(rule["Next"])} for rule in state.get("Catch", ())]
    moved = {**state, "Next": there(state["Next"]), "Catch": caught}
    if state["Type"] == "Task":
        asked = state["Parameters"]["Payload"]["asked"]
        moved["Parameters"] = {"Payload": {"stage": stage, "asked": asked}}
    return moved


def _title(stage: Stage) -> str:
    """What stands above a stage's frame."""
    return f"{stage.name}, from {pounds(stage.from_pence)}" if stage.from_pence else stage.name


def _note(workflow: Workflow, state: State) -> str:
    """Whom a state asks, and how long they have."""
    asked = AskedAs(state["Parameters"]["Payload"]["asked"])
    if asked is AskedAs.CLAIMANT:
        return _days(workflow.amending.working_days)
    stage = workflow.stage(state["Parameters"]["Payload"]["stage"])
    if asked is AskedAs.COORDINATORS:
        return _days(stage.deputy_working_days)
    return f"{role_words(waits_for(stage, asked))}, {_days(stage.days(asked))}"


def _days(number: int) -> str:
    return f"{number} working day{'' if number == 1 else 's'}"


def dot(machine: Machine) -> str:
    """The machine in Graphviz's language."""
    return "\n".join(["digraph {", DEFAULTS, *_legend(machine), *_nodes(machine), *_edges(machine), "}"])


def _legend(machine: Machine) -> Iterator[str]:
    lines = (line.format(errors=" or ".join(machine.errors)) for line in LEGEND[: 3 if machine.errors else 2])
    yield 'label="\\l' + "\\l".join(lines) + '\\l"'


def _nodes(machine: Machine) -> Iterator[str]:
    for stage, names in machine.stages.items():
        drawn = [name for name in names if name not in machine.errors]
        if stage:
            title = escape(machine.titles.get(stage, stage))
            yield f'subgraph "cluster_{stage}" {{ label=<<b>{title}</b>>; fontsize=11; labelloc=t'
            yield 'style="rounded,filled"; color="#8eb8dc"; fillcolor="#f4f8fb"; margin=9'
        else:
            yield "{ rank=same"
        yield from (_node(machine, name) for name in drawn)
        yield "}"


def _node(machine: Machine, name: str) -> str:
    kind, stage = machine.states[name]["Type"], machine.stage(name)
    word = WORDS[machine.states[name]["Parameters"]["Payload"]["asked"] if kind == "Task" else kind]
    note = f"<br/>{escape(machine.notes[name])}" if name in machine.notes else ""
    small = f'<font point-size="9" color="#505a5f">{name.rpartition(".")[2]}{note}</font>'
    return f'"{name}" [label=<{word}<br/>{small}>, group="{stage}", {LOOKS[kind]}]'


def _edges(machine: Machine) -> Iterator[str]:
    for name in machine.states:
        yield from (f'"{name}" -> "{target}" [{LATE}]' for target in machine.when_late(name))
        yield from _into_frames(machine, name)
        yield from (_edge(machine, name, target) for target in _plain(machine, name))


def _into_frames(machine: Machine, name: str) -> Iterator[str]:
    """One arrow for all turns of a stage, and for the way back from there."""
    for stage in machine.enters(name):
        first = machine.turns(stage)[0]
        yield f'"{name}" -> "{first}":n [lhead="cluster_{stage}", dir=both, minlen=2]'


def _plain(machine: Machine, name: str) -> list[str]:
    """Where a state leads, without what the arrows at the frames say."""
    entered = machine.enters(name)
    left = [to for to in machine.onward(name) if machine.stage(to) not in entered]
    return [to for to in left if machine.stage(name) not in machine.enters(to)]


def _edge(machine: Machine, name: str, target: str) -> str:
    """One arrow, written from the upper (or left) state to the lower, by which Graphviz lays them out."""
    if machine.states[name]["Type"] == "Pass" or machine.states[target]["Type"] == "Succeed":
        return f'"{target}" -> "{name}" [dir=back]'
    return f'"{name}" -> "{target}"'


def draw(source: str) -> str:
    """The SVG of a graph in Graphviz's language."""
    command = [shutil.which("node") or "node", "--input-type=module", "--eval", DRAW]
    done = subprocess.run(command, input=source, cwd=ROOT, capture_output=True, encoding="utf-8")  # noqa: S603
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def picture(name: str) -> Path:
    """Where the picture of a workflow is."""
    return IMAGES / f"{name}.svg"


def draw_workflow(workflow: Workflow) -> str:
    """The picture of a workflow, as SVG."""
    definition = json.loads(machines.definition().read_text(encoding="utf-8"))
    return draw(dot(unfold(definition, workflow)))


def main() -> None:
    """Draw every workflow."""
    for name, workflow in workflows().items():
        picture(name).write_text(draw_workflow(workflow), encoding="utf-8")


if __name__ == "__main__":
    main()
