"""Recipes with texts and names that mean something to others, and workflows of all shapes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from hypothesis import strategies as st

from kitchen.ir.source import Source
from kitchen.ir.spec import Registry, StageSpec
from tests.targets.cases import SITE

#: Each is something else to YAML 1.1, Go templates, jinja, a shell, Python or Kubernetes.
PIECES = (
    "{{workflow.name}}", "{{=1+1}}", "{{inputs.parameters.task}}", "{{ params.run }}", "{% raw %}",
    "{# c #}", "$(PATH)", "$$(X)", "${HOME}", "`id`", "$(id)", "; rm -rf /", "&& id", "| id",
    "'", '"', "'''", '"""', "\\", "\\n", "\\N{BULLET}", "\n", "\r\n", "\t", "\x00", "\x1b[31m",
    "\x85", "\u2028", "\u202e", "\ufeff", "\ud7ff", "é", "数据", "😀", "%s", "%(x)s", "{0}", "{x}",
    "no", "NO", "n", "y", "on", "off", "yes", "null", "~", "", " ", "true", "1e-3", "3e5", "0o17",
    "017", "0x1F", "1_000", "22:22", "1:30:00", "2024-01-01", ".inf", "-.5", "=", "<<", "*a", "&a",
    "!!python/object:os.system", "- x", "a: b", "# c", "#c", "---", "...", "%TAG", "@x", "? x", ">",
    "|", "[", "]", "{", "}", ",", "import os", "__import__('os')", "\"\"\"\nimport os\n\"\"\"",
    "')\nimport os\n#", "<script>", "| a |", "[a](b)", "../../etc/passwd", "-rf", "x" * 300,
)  # fmt: skip

#: What no process is to find in an export: these stand in the environment while it is made.
SECRETS = {name: f"canary-{name}-5d41402a" for name in ("HF_TOKEN", "OPENAI_API_KEY", "TINKER_KEY")}

texts = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    ),
    min_size=1,
    max_size=4,
).map("".join)

#: Names of recipes and workflows: words that YAML 1.1 takes for something else, and long ones.
words = st.one_of(
    st.sampled_from(
        ("no", "y", "n", "null", "1e-3", "0o17", "017", "1_000", "2024-01-01", "22", "0x1F", "on",
         "A.B", "a.b", "a-b", "a_b", "A-B", "a--b", "README", "plan", "workflow", "main", "task",
         "x" * 100, "x" * 99 + "y", "1" * 100, "x-0123456789", "a-1b2c3d4e", "config-map", "job")
    ),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
)  # fmt: skip

#: Names of values and loops.
names = st.one_of(
    st.sampled_from(
        ("no", "y", "n", "on", "off", "null_", "_", "__", "self", "task", "at", "main", "item",
         "next_iteration", "A", "a_", "places", "DAG", "v" * 150, "v" * 149 + "w", "Task", "TASK")
    ),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True),
)  # fmt: skip


def quoted(text: str) -> str:
    """A text as YAML reads it back, whatever is in it."""
    plain = "".join(
        character if character.isascii() and character.isprintable() and character not in '"\\'
        else f"\\U{ord(character):08x}" for character in text
    )  # fmt: skip
    return f'"{plain}"'


@cache
def stages() -> Mapping[str, StageSpec]:
    """The declarations of the stages of `pantry`."""
    sys.path.insert(0, str(SITE))
    try:
        import pantry
    finally:
        sys.path.remove(str(SITE))
    found = (getattr(value, "spec", None) for value in vars(pantry).values())
    return {spec.name: spec for spec in found if isinstance(spec, StageSpec)}


@dataclass
class Written:
    """A recipe and its templates as text."""

    recipe: str
    templates: dict[str, str] = field(default_factory=dict)

    def registry(self) -> Registry:
        workflows = {name: Source(f"{name}.yaml", text) for name, text in self.templates.items()}
        return Registry(stages=stages(), workflows=workflows)


@dataclass(frozen=True)
class Step:
    """One step of a workflow to be written: a kind, and what is in it."""

    kind: str
    cpu: int
    inner: tuple[tuple[Step, ...], ...] = ()


def steps(depth: int) -> st.SearchStrategy[tuple[Step, ...]]:
    """Rows of steps with branches, maps, loops and workflows in each other."""
    cpu = st.integers(1, 2)
    plain = st.builds(Step, st.sampled_from(("double", "add", "note", "read")), cpu)
    if not depth:
        return st.lists(plain, min_size=1, max_size=3).map(tuple)
    inner = steps(depth - 1)
    one, two = inner.map(lambda a: (a,)), st.tuples(inner, inner)
    nested = st.one_of(
        st.builds(Step, st.just("if"), cpu, two),
        st.builds(Step, st.sampled_from(("map", "loop", "until", "workflow")), cpu, one),
    )
    return st.lists(st.one_of(plain, plain, nested), min_size=1, max_size=4).map(tuple)


class Writer:
    """Writes steps down; names and texts come from rows that begin again at their end."""

    def __init__(self, names: list[str], words: list[str], texts: list[str]) -> None:
        self.names, self.words, self.texts = names, words, texts
        self.count = 0
        self.templates: dict[str, str] = {}

    def new(self, prefix: str) -> str:
        """A name that no other thing has."""
        self.count += 1
        return f"{prefix}{self.names[self.count % len(self.names)]}_{self.count}"

    def text(self) -> str:
        self.count += 1
        return self.texts[self.count % len(self.texts)]

    def literal(self) -> str:
        """A text for a setting, in which nothing is to be computed."""
        return quoted(self.text().replace("${", "$${"))

    def workflow(self, name: str, body: tuple[Step, ...], ending: bool = False) -> None:
        """A template of its own, with a parameter that has a text for its default."""
        parameter = self.new("p")
        lines = [
            "kitchen: 1", f"workflow: {quoted(name)}", f"doc: {quoted(self.text())}", "params:",
            f"  {parameter}: {{type: str, default: {quoted(self.text())}}}", "steps:",
            f"  - {{stage: note, with: {{name: n, text: {read(parameter)}}}}}",
            *self.region(body, "  ", parameter),
        ]  # fmt: skip
        if ending:
            note = f"  - {{stage: note, with: {{name: last, text: {self.literal()}}}}}"
            lines += ["finally:", note, "on_failure:", note]
        self.templates[name] = "\n".join(lines) + "\n"

    def region(self, body: tuple[Step, ...], indent: str, parameter: str) -> list[str]:
        """Steps that begin with a number of their own and end with what keeps the last one."""
        value = self.new("v")
        lines = [f"{indent}- {{stage: number, as: {value}, with: {{value: 1}}, {asks(1)}}}"]
        for step in body:
            made, more = self.step(step, value, indent, parameter)
            lines += more
            value = made
        return [*lines, f"{indent}- {{stage: keep, in: {{value: {value}}}, with: {{name: k}}}}"]

    def step(
        self, step: Step, value: str, indent: str, parameter: str
    ) -> tuple[str, list[str]]:  # fmt: skip
        """The lines of a step, and the number that follows from it."""
        own, deep, cpu = self.new("v"), f"{indent}    ", asks(step.cpu)
        match step.kind:
            case "double":
                return own, [
                    f"{indent}- {{stage: double, in: {{value: {value}}}, as: {own}, {cpu}}}"
                ]
            case "add":
                given = f"{{left: {value}, right: {value}}}"
                return own, [f"{indent}- {{stage: add, in: {given}, as: {own}, {cpu}}}"]
            case "note":
                given = f"{{name: n, text: {self.literal()}}}"
                return value, [f"{indent}- {{stage: note, with: {given}, {cpu}}}"]
            case "read":
                given = f"{{name: n, text: {read(parameter)}}}"
                return value, [f"{indent}- {{stage: note, with: {given}, {cpu}}}"]
        head = list(self.head(step, own, value, indent, parameter))
        if step.kind == "if":
            then, orelse = step.inner
            head += [f"{indent}  then:", *self.region(then, deep, parameter)]
            return value, [*head, f"{indent}  else:", *self.region(orelse, deep, parameter)]
        if step.kind == "workflow":
            return value, head
        return value, [*head, f"{indent}  steps:", *self.region(step.inner[0], deep, parameter),
                       *self.last(step, own, deep)]  # fmt: skip

    def head(self, step: Step, own: str, value: str, indent: str, parameter: str) -> Iterator[str]:
        match step.kind:
            case "if":
                check = f"{{stage: reached, in: {{value: {value}}}, as: {own}, with: {{goal: 1}}}}"
                yield f"{indent}- {check}"
                yield f"{indent}- if: {own}.yes"
            case "map":
                given = f"{{text: {read(parameter)}}}"
                yield f"{indent}- {{stage: words, as: {own}, with: {given}}}"
                yield f"{indent}- map: {self.new('i')}"
                yield f"{indent}  over: {own}"
            case "loop":
                yield f"{indent}- loop: {self.new('i')}"
                yield f"{indent}  over: range(2)"
            case "until":
                yield f"{indent}- loop: {self.new('i')}"
                yield f"{indent}  until: {own}.yes"
                yield f"{indent}  max: 3"
            case "workflow":
                self.count += 1
                name = f"{self.words[self.count % len(self.words)][:90]}{self.count}"
                self.workflow(name, step.inner[0])
                yield f"{indent}- workflow: {quoted(name)}"

    def last(self, step: Step, own: str, indent: str) -> Iterator[str]:
        """What tells whether a loop goes on."""
        if step.kind == "until":
            number = self.new("v")
            yield f"{indent}- {{stage: number, as: {number}, with: {{value: 2}}}}"
            check = f"{{stage: reached, in: {{value: {number}}}, as: {own}, with: {{goal: 1}}}}"
            yield f"{indent}- {check}"


def read(parameter: str) -> str:
    """The value of a parameter, for a setting."""
    return quoted("${" + parameter + "}")


def asks(cpu: int) -> str:
    return f"resources: {{cpu: {cpu}}}"


def written(
    body: tuple[Step, ...], names: list[str], words: list[str], texts: list[str], more: str = ""
) -> Written:
    """A recipe of these steps, names and texts; `more` are sections of it."""
    writer = Writer(names, words, texts)
    workflow = f"{words[0][:90]}0"
    writer.workflow(workflow, body, ending=True)
    recipe = f"kitchen: 1\nrecipe: {quoted(words[-1])}\nworkflow: {quoted(workflow)}\n{more}"
    return Written(recipe, writer.templates)
