"""A picture of each state machine, made from its file: infra/workflows/<name>.asl.json → docs/images/<name>.svg.

`make pictures` makes them anew. Graphviz does the layout, as WebAssembly under Node: the same everywhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = ROOT / "infra" / "workflows"
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
    "claimant": "Wait for the claimant",
    "Choice": "Which turn?",
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
    "Arrows at a frame: in, to the turn that the data is at; out, when the data has left the stage.",
    "Not drawn: errors, which end in {errors}.",
)

State = Mapping[str, Any]


@dataclass(frozen=True)
class Machine:
    """A state machine. A state is of the stage it asks for, leads back to, or looks at the answers of."""

    start: str
    states: Mapping[str, State]

    def stage(self, name: str) -> str:
        """The stage that a state is of; empty for one of none."""
        state = self.states[name]
        if state["Type"] == "Task":
            return str(state["Parameters"]["Payload"]["stage"])
        if state["Type"] == "Pass":
            return self.stage(state["Next"])
        answered = {self.stage(task) for task in self.tasks if self.states[task]["Next"] == name}
        return answered.pop() if len(answered) == 1 else ""

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


def read(file: Path) -> Machine:
    """The state machine in an ASL file."""
    definition = json.loads(file.read_text(encoding="utf-8"))
    return Machine(start=definition["StartAt"], states=definition["States"])


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
            yield f'subgraph "cluster_{stage}" {{ label=<<b>{stage}</b>>; fontsize=11; labelloc=t'
            yield 'style="rounded,filled"; color="#8eb8dc"; fillcolor="#f4f8fb"; margin=9'
        else:
            yield "{ rank=same"
        yield from (_node(machine, name) for name in drawn)
        yield "}"


def _node(machine: Machine, name: str) -> str:
    kind, stage = machine.states[name]["Type"], machine.stage(name)
    word = WORDS[machine.states[name]["Parameters"]["Payload"]["asked"] if kind == "Task" else kind]
    if kind == "Choice" and not stage:
        word = "Which stage?"
    label = f'{word}<br/><font point-size="9" color="#505a5f">{name}</font>'
    return f'"{name}" [label=<{label}>, group="{stage}", {LOOKS[kind]}]'


def _edges(machine: Machine) -> Iterator[str]:
    for name in machine.states:
        yield from (f'"{name}" -> "{target}" [{LATE}]' for target in machine.when_late(name))
        yield from _into_frames(machine, name)
        yield from (_edge(machine, name, target) for target in _plain(machine, name))


def _into_frames(machine: Machine, name: str) -> Iterator[str]:
    """One arrow for all turns of a stage, and for the way back from there."""
    for stage in machine.enters(name):
        back = [one for one in machine.stages[stage] if name in machine.onward(one)]
        to, heads = (back[0], "both") if back else (machine.turns(stage)[0], "forward")
        yield f'"{name}" -> "{to}":n [lhead="cluster_{stage}", dir={heads}, minlen=2]'


def _plain(machine: Machine, name: str) -> list[str]:
    """Where a state leads, without what the arrows at the frames say, and there-and-back only once."""
    entered = machine.enters(name)
    left = [to for to in machine.onward(name) if machine.stage(to) not in entered]
    left = [to for to in left if machine.stage(name) not in machine.enters(to)]
    return [to for to in left if name not in machine.onward(to) or machine.states[name]["Type"] == "Choice"]


def _edge(machine: Machine, name: str, target: str) -> str:
    """One arrow, written from the upper (or left) state to the lower, by which Graphviz lays them out."""
    if machine.states[name]["Type"] == "Pass" or machine.states[target]["Type"] == "Succeed":
        return f'"{target}" -> "{name}" [dir=back]'
    heads = "both" if name in machine.onward(target) else "forward"
    straight = target in machine.turns(machine.stage(name))[:1]
    return f'"{name}" -> "{target}" [dir={heads}, weight={20 if straight else 1}]'


def draw(source: str) -> str:
    """The SVG of a graph in Graphviz's language."""
    command = [shutil.which("node") or "node", "--input-type=module", "--eval", DRAW]
    done = subprocess.run(command, input=source, cwd=ROOT, capture_output=True, encoding="utf-8")  # noqa: S603
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def picture(file: Path) -> Path:
    """Where the picture of an ASL file is."""
    return IMAGES / f"{file.name.removesuffix('.asl.json')}.svg"


def main() -> None:
    """Draw every state machine."""
    for file in sorted(WORKFLOWS.glob("*.asl.json")):
        picture(file).write_text(draw(dot(read(file))), encoding="utf-8")


if __name__ == "__main__":
    main()
