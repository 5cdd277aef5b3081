"""A run as an engine sees it: tasks, booleans and places, told by `kitchen task`; no values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kitchen.cli.application import main
from kitchen.ir.deciding import clauses_of, known, read_by, teller
from kitchen.ir.places import file_name
from kitchen.ir.program import Branch, Loop
from kitchen.ir.serde.plan import Plan, read_plan
from kitchen.ir.task_graph import Group, Runs, Task, TaskGraph


@dataclass
class ByDecisions:
    """Runs a plan one task after the other. `calls` are the names and places, with exit codes."""

    path: Path
    run: Path
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.plan = read_plan(self.path.read_bytes())
        self.parameters = {p.value: p.setting for p in self.plan.program.params}

    def go(self) -> int:
        """Run all of it; gives the first exit code that is not 0 of a task of the body."""
        codes = self.graph(self.plan.graph, "")
        for runs in (Runs.FAILED, Runs.ALWAYS):
            for node in self.plan.graph.nodes:
                if isinstance(node, Task) and node.runs is runs:
                    self.task(node.name, "")
        return codes

    def task(self, name: str, at: str, *more: str) -> tuple[int, Mapping[str, Any]]:
        """One `kitchen task`; gives its exit code, and what it told."""
        folder, file = self.run / "told" / f"{len(self.calls)}", self.run / "told.json"
        file.unlink(missing_ok=True)
        words = ["task", str(self.path), name, "--run", str(self.run), "--at", at, "--quiet"]
        words += ["--decisions", str(folder), "--decisions-json", str(file)]
        code = main([*words, *more])
        self.calls.append((name, at, code))
        if code != 0:
            assert not folder.exists()
            return code, {}
        told: Mapping[str, Any] = json.loads(file.read_text())
        files = {path.name: path.read_text() for path in folder.iterdir()}
        assert files == {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in told.items()
        }
        return code, told

    def graph(self, graph: TaskGraph, at: str) -> int:
        told: dict[str, Mapping[str, Any]] = {}
        for node in graph.nodes:
            if isinstance(node, Group):
                code = self.group(node, graph, at, told)
            elif node.runs is Runs.READY:
                code, told[node.name] = self.task(node.name, at)
            if code != 0:
                return code
        self.last = told  # of the body of a loop, for what tells whether that goes on
        return 0

    def decided(
        self, group: Group, graph: TaskGraph, at: str, told: Mapping[str, Mapping[str, Any]]
    ) -> Any:
        """What a group goes by: known before, told by a task, or asked."""
        clauses, name = clauses_of(group), file_name(group.name)
        read = read_by(clauses, self.parameters)
        if not read:
            found = [known(clause, self.parameters) for clause in clauses]
            if isinstance(group.op, Branch):
                return bool(found[0])
            items, *most = found
            assert isinstance(items, list | range)
            count = min([len(items), *(max(int(str(each)), 0) for each in most)])
            return [f"{at}.{index}".lstrip(".") for index in range(count)]
        by = teller(read, graph)
        answer = told[by.name] if by is not None else self.task(group.name, at)[1]
        if not isinstance(group.op, Branch):
            places = answer[name]
            assert answer[f"{name}.any"] is bool(places)
            assert answer[f"{name}.first"] == (places[0] if places else "")
        return answer[name]

    def group(
        self, group: Group, graph: TaskGraph, at: str, told: Mapping[str, Mapping[str, Any]]
    ) -> int:
        decided = self.decided(group, graph, at, told)
        if isinstance(group.op, Branch):
            not_taken = group.graphs[1 if decided else 0]
            for node in not_taken.nodes:
                if isinstance(node, Task):
                    assert self.task(node.name, at)[0] == 99
            return self.graph(group.graphs[0 if decided else 1], at)
        for place in decided:
            code = self.graph(group.graphs[0], place)
            if code != 0:
                return code
            if isinstance(group.op, Loop) and not self.goes_on(group, place):
                break
        return 0

    def goes_on(self, group: Group, place: str) -> bool:
        assert isinstance(group.op, Loop)
        until = () if group.op.until is None else (group.op.until,)
        by = teller(read_by(until, self.parameters), group.graphs[0])
        answer = self.last[by.name] if by is not None else self.task(group.name, place)[1]
        outer, _, index = place.rpartition(".")
        following = f"{outer}.{int(index) + 1}".lstrip(".")
        again = answer[f"{file_name(group.name)}.again"]
        assert answer[f"{file_name(group.name)}.next"] == (following if again else "")
        assert isinstance(again, bool)
        return again
