"""Whatever is in a recipe, what is exported says of its tasks what they are, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kitchen.compiler.export import Export
from kitchen.compiler.targets import NAMES
from kitchen.compiler.targets.names import LIMIT, dns_names
from kitchen.exporting import exported
from kitchen.ir.diagnostic import CompileError
from kitchen.ir.serde.plan import read_plan
from kitchen.ir.source import Source
from kitchen.ir.task_graph import Runs
from kitchen.loaded import Loaded
from tests.targets import hostile, readers
from tests.targets.hostile import Step, Written, quoted, written

READERS = {"airflow": readers.airflow, "argo": readers.argo}
PLAIN = ["plain text"]
#: Two tasks, one after the other.
ROW = (Step("double", 1), Step("double", 2))

few = settings(max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture])
several = st.lists(hostile.texts, min_size=1, max_size=4)


@pytest.fixture(params=NAMES)
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine; there are secrets in the environment, which it must not find."""
    for name, secret in hostile.SECRETS.items():
        monkeypatch.setenv(name, secret)
    return str(request.param)


def export(recipe: Written, target: str) -> Export:
    """The export of a recipe that is on no disk. Secrets and this machine are not in it."""
    source = Source("recipe.yaml", recipe.recipe)
    made = exported(Loaded(Path("recipe.yaml"), source, {}, recipe.registry()), target, ".")
    everything = b"".join(made.files.values())
    assert not [secret for secret in hostile.SECRETS.values() if secret.encode() in everything]
    assert str(Path.cwd()).encode() not in everything
    return made


def workflow(made: Export) -> str:
    """The file that an engine reads."""
    (name,) = (name for name in made.files if name == "workflow.yaml" or name.endswith(".py"))
    return made.files[name].decode()


def check_files(made: Export) -> None:
    """Every file parses, as both versions of YAML read it; the plan is the one that was made."""
    for name, data in made.files.items():
        text = data.decode("utf-8")
        if name.endswith(".py"):
            ast.parse(text)
        if name.endswith(".yaml"):
            for node in yaml.compose_all(text, yaml.CSafeLoader):
                check_scalars(node)
    plan = read_plan(made.files["plan.json"])
    assert plan.graph == made.graph
    assert plan.program.params == made.program.params
    for document in yaml.safe_load_all(made.files.get("config-map.yaml", b"{}")):
        for text in (document or {}).get("data", {}).values():
            assert text.encode() == made.files["plan.json"]


def check_scalars(node: yaml.Node | None) -> None:
    """What is plain is a number or a boolean in YAML 1.1 and 1.2 alike; all texts are quoted."""
    match node:
        case yaml.MappingNode(value=pairs):
            for key, value in pairs:
                assert key.style == '"' or re.fullmatch(r"[A-Za-z]{3,}", key.value)
                check_scalars(value)
        case yaml.SequenceNode(value=items):
            for item in items:
                check_scalars(item)
        case yaml.ScalarNode(value=text, style=style):
            assert style == '"' or re.fullmatch(r"0|[1-9][0-9]*|true|false", text)


def check_order(made: Export, target: str) -> None:
    """The tasks of the workflow, and who waits for whom, are those of the task graph."""
    read = READERS[target](workflow(made))
    ready = {task.name for task in made.graph.tasks() if task.runs is Runs.READY}
    others = {name for name in read.ways if name not in ready}
    ended = {task.name for task in made.graph.tasks()} - ready
    assert ready <= read.ways.keys()
    assert others <= groups(made) | ended
    for first, second, is_before in readers.order(made.graph):
        assert read.before(first, second) == {is_before}, (first, second)


def groups(made: Export) -> set[str]:
    """The names of groups, which a task of their own may ask about."""
    found, graphs = set[str](), [made.graph]
    while graphs:
        for node in graphs.pop().nodes:
            if hasattr(node, "graphs"):
                found.add(node.name)
                graphs += node.graphs
    return found


@pytest.mark.parametrize(
    ("target", "edge", "lost"),
    [
        ("argo", 'depends: "double.Succeeded"', ""),
        ("airflow", "double_2.set_upstream([double])", "double_2.set_upstream([])"),
    ],
)
def test_an_edge_that_is_lost_is_seen(target: str, edge: str, lost: str) -> None:
    made = export(written(ROW, ["a"], ["one", "two"], PLAIN), target)
    check_order(made, target)
    assert edge in workflow(made)
    read = READERS[target](workflow(made).replace(edge, lost))
    assert read.before("double", "double_2") == {False}


@few
@given(
    body=hostile.steps(2),
    names=st.lists(hostile.names, min_size=1, max_size=4),
    words=st.lists(hostile.words, min_size=2, max_size=4),
)
def test_names(body: tuple[Step, ...], names: list[str], words: list[str], target: str) -> None:
    made = export(written(body, names, words, PLAIN), target)
    check_files(made)
    check_order(made, target)


@few
@given(body=hostile.steps(2), texts=several)
def test_texts_are_in_the_plan_and_nowhere_else(
    body: tuple[Step, ...], texts: list[str], target: str
) -> None:
    names, words = ["a", "b", "c"], ["one", "two"]
    made = export(written(body, names, words, texts), target)
    check_files(made)
    plain = export(written(body, names, words, PLAIN * len(texts)), target)
    assert undigested(workflow(made)) == undigested(workflow(plain))


def undigested(text: str) -> str:
    """A workflow without what names the plan that it goes with."""
    return re.sub(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{10,12}\b", "DIGEST", text)


#: Settings that take a text, for each engine.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "argo": ("env: {{X: {0}}}", "kitchen: [{0}, {0}]", "node_selector: {{a: {0}}}", "runs: {0}",
             "namespace: {0}", "secrets: {{X: {{name: {0}, key: {0}}}}}", "image: {0}"),
    "airflow": ("env: {{X: {0}}}", "kitchen: [{0}, {0}]", "runs: {0}", "base: {0}", "pool: {0}",
                "tags: [{0}]", "secrets: {{X: {{variable: {0}}}}}",
                "operator: kubernetes\n    image: a:1\n    env: {{X: {0}}}",
                "operator: kubernetes\n    image: a:1\n    kitchen: [{0}]",
                "operator: kubernetes\n    image: a:1\n    node_selector: {{a: {0}}}"),
}  # fmt: skip


@few
@given(data=st.data(), text=hostile.texts)
def test_settings_are_refused_or_stay_what_they_are(
    data: st.DataObject, text: str, target: str
) -> None:
    setting = data.draw(st.sampled_from(SETTINGS[target])).format(quoted(text))
    more = f"targets:\n  {target}:\n    {setting}\n"
    recipe = written(ROW, ["a"], ["one", "two"], PLAIN, more)
    refused = codes(recipe, target)
    assert refused <= {"K510", "K530"}
    if refused:
        return
    made = export(recipe, target)
    check_files(made)
    check_order(made, target)
    if target == "argo":
        found = strings(yaml.safe_load(workflow(made)))
    else:
        tree = ast.walk(ast.parse(workflow(made)))
        found = {node.value for node in tree if isinstance(node, ast.Constant)}
    assert text in found or text.replace("$(", "$$(") in found or "{{" in text or "{%" in text


def codes(recipe: Written, target: str) -> set[str]:
    """The codes of what keeps a recipe from being exported."""
    try:
        export(recipe, target)
    except CompileError as error:
        return {fault.code for fault in error.diagnostics}
    return set()


def strings(data: object) -> set[object]:
    """Every text in a document."""
    match data:
        case dict():
            return set().union(*map(strings, data.values()))
        case list():
            return set().union(*map(strings, data))
    return {data}


@given(names=st.lists(st.one_of(hostile.texts, hostile.words), min_size=1, max_size=20))
def test_mangled_names(names: list[str]) -> None:
    found = dns_names(names)
    assert found.keys() == set(names)
    assert len(set(found.values())) == len(found)
    for label in found.values():
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", label)
        assert len(label) <= LIMIT
    for name in names:
        assert dns_names([name, *names]) == found
