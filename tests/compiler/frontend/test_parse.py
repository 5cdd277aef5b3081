"""Documents to recipes and templates: what they hold, and all that is wrong with them at once."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.compiler.frontend.parse import parse_recipe, parse_template
from kitchen.compiler.frontend.syntax import (
    IfStep,
    LoopStep,
    MapStep,
    Scalar,
    StageStep,
    Template,
    WorkflowStep,
)
from kitchen.ir.deployment import Schedule
from kitchen.ir.program import Annotations, Resources, Retry
from kitchen.ir.source import Source
from kitchen.ir.types import BOOL, FLOAT, INT, STR, Type, list_of, optional
from tests.compiler.frontend.faults import shown


def template(text: str) -> Template:
    found, diagnostics = parse_template(Source("template.yaml", dedent(text)))
    assert diagnostics == ()
    assert found is not None
    return found


def words(*scalars: Scalar | None) -> list[str | None]:
    return [None if scalar is None else scalar.text for scalar in scalars]


def test_a_recipe():
    recipe, diagnostics = parse_recipe(
        Source(
            "recipe.yaml",
            dedent("""\
                kitchen: 1
                recipe: sft
                workflow: supervised
                params: {model: tiny, epochs: 2}
                adapters:
                  training: {use: torch, device: auto}
                  datasets: files
            """),
        )
    )
    assert diagnostics == ()
    assert recipe is not None
    assert (recipe.name, recipe.workflow.text) == ("sft", "supervised")
    assert [(key.text, node.span.text) for key, node in recipe.params] == [
        ("model", "tiny"),
        ("epochs", "2"),
    ]
    training, datasets = recipe.adapters
    assert words(training.port, training.adapter) == ["training", "torch"]
    assert [(key.text, node.span.text) for key, node in training.config] == [("device", "auto")]
    assert training.span.text == "training: {use: torch, device: auto}"
    assert words(datasets.port, datasets.adapter) == ["datasets", "files"]
    assert datasets.config == ()


def test_what_a_recipe_says_of_engines():
    recipe, diagnostics = parse_recipe(
        Source(
            "recipe.yaml",
            dedent("""\
                kitchen: 1
                recipe: sft
                workflow: supervised
                schedule: {cron: "@daily", timezone: Europe/Berlin}
                targets:
                  argo: {namespace: "no", tolerations: [{key: gpu, seconds: 1e-3}]}
                  airflow:
            """),
        )
    )
    assert diagnostics == ()
    assert recipe is not None
    assert recipe.deployment.schedule == Schedule("0 0 * * *", "Europe/Berlin")
    argo, airflow = recipe.deployment.sections.values()
    assert argo.values == {"namespace": "no", "tolerations": [{"key": "gpu", "seconds": 1e-3}]}
    assert airflow.values == {}
    toleration = ("tolerations", 0, "seconds")
    assert (argo.keys[toleration].text, argo.spans[toleration].text) == ("seconds", "1e-3")
    assert argo.keys[()].text == "argo"


def test_parameters():
    found = template("""\
        kitchen: 1
        workflow: example
        doc: An example.
        params:
          model: {type: str, doc: which one}
          epochs: {type: int, default: 1, min: 1, max: 10}
          rate: {type: float, default: 1}
          shuffle: {type: bool, default: true}
          stop: {type: "list[str]", default: [a, 1e-4]}
          limit: {type: int?}
          schedule: {type: str, default: linear, choices: [linear, cosine]}
          loss: {type: record, default: {}}
        steps: []
    """)
    assert (found.name, found.doc) == ("example", "An example.")
    settings = {declared.setting.name: declared.setting for declared in found.params}
    assert {name: setting.type for name, setting in settings.items()} == {
        "model": STR,
        "epochs": INT,
        "rate": FLOAT,
        "shuffle": BOOL,
        "stop": list_of(STR),
        "limit": optional(INT),
        "schedule": STR,
        "loss": Type("Record"),
    }
    assert {name: setting.default for name, setting in settings.items()} == {
        "model": None,
        "epochs": 1,
        "rate": 1.0,
        "shuffle": True,
        "stop": ["a", "1e-4"],
        "limit": None,
        "schedule": "linear",
        "loss": {},
    }
    assert isinstance(settings["rate"].default, float)
    assert [name for name, setting in settings.items() if setting.required] == ["model"]
    assert (settings["epochs"].minimum, settings["epochs"].maximum) == (1, 10)
    assert settings["schedule"].choices == ("linear", "cosine")
    assert settings["model"].doc == "which one"
    assert [declared.span.text for declared in found.params] == list(settings)


def test_steps_of_every_kind():
    found = template("""\
        kitchen: 1
        workflow: example
        steps:
          - stage: split_dataset
            in: {dataset: rows}
            with: {fraction: 0.5}
            as: [train, test]
            when: holdout > 0
          - stage: tokenize
            as: {tokens: training_tokens}
          - stage: evaluate
            as: scores
          - loop: epoch
            over: range(3)
            while: loss > 1
            until: best.stop
            max: 10
            checkpoint: 1
            when: training
            steps:
              - map: part
                over: parts
                max_parallel: 4
                steps: [{stage: score}]
          - if: epochs > 1
            then: [{stage: a}]
            else: [{stage: b}]
          - workflow: ./inner.yaml
            with: {model: tiny}
            as: {weights: reward}
            when: rewarded
        finally: [{stage: close_session}]
        on_failure: [{stage: log}]
    """)
    split, tokenize, evaluate, loop, branch, inner = found.steps
    assert isinstance(split, StageStep)
    assert words(split.stage, *split.as_, split.when) == [
        "split_dataset",
        "train",
        "test",
        "holdout > 0",
    ]
    assert [(key.text, value.text) for key, value in split.inputs] == [("dataset", "rows")]
    assert [(key.text, node.span.text) for key, node in split.with_] == [("fraction", "0.5")]
    assert isinstance(tokenize, StageStep)
    assert [(a.text, b.text) for a, b in tokenize.as_named] == [("tokens", "training_tokens")]
    assert isinstance(evaluate, StageStep)
    assert words(*evaluate.as_) == ["scores"]
    assert isinstance(loop, LoopStep)
    assert words(loop.variable, loop.over, loop.while_, loop.until, loop.max, loop.checkpoint) == [
        "epoch",
        "range(3)",
        "loss > 1",
        "best.stop",
        "10",
        "1",
    ]
    assert words(loop.when) == ["training"]
    (inside,) = loop.steps
    assert isinstance(inside, MapStep)
    assert words(inside.variable, inside.over, inside.max_parallel) == ["part", "parts", "4"]
    assert isinstance(branch, IfStep)
    assert (len(branch.then), len(branch.orelse), branch.condition.text) == (1, 1, "epochs > 1")
    assert isinstance(inner, WorkflowStep)
    assert words(inner.workflow, inner.when) == ["./inner.yaml", "rewarded"]
    assert [(a.text, b.text) for a, b in inner.as_named] == [("weights", "reward")]
    assert (len(found.finally_), len(found.on_failure)) == (1, 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", Annotations()),
        ("timeout: 90", Annotations(timeout=90.0)),
        ("timeout: 1.5h", Annotations(timeout=5400.0)),
        ("timeout: 250ms", Annotations(timeout=0.25)),
        ("retry: {times: 3}", Annotations(retry=Retry(3))),
        (
            "retry: {times: 3, backoff: 2s, max_backoff: 5m}",
            Annotations(retry=Retry(3, 2.0, 300.0)),
        ),
        (
            "resources: {cpu: 0.5, memory: 4Gi, gpu: 1, nodes: 2}",
            Annotations(resources=Resources(0.5, "4Gi", 1, 2)),
        ),
        ("cache: false", Annotations(cache=False)),
        (
            "image: ghcr.io/acme/train:1.2@sha256:0a",
            Annotations(image="ghcr.io/acme/train:1.2@sha256:0a"),
        ),
    ],
)
def test_annotations(written: str, meant: Annotations):
    text = f"kitchen: 1\nworkflow: example\nsteps:\n  - stage: load\n    {written}\n"
    (step,) = template(text).steps
    assert isinstance(step, StageStep)
    assert step.annotations == meant


RECIPES = {
    "adapter_without_use": """
        kitchen: 1
        recipe: sft
        workflow: supervised
        adapters:
          training: {device: auto}
          datasets:
          metrics: [parquet]
    """,
    "every_key_misspelled": """
        kitchn: 1
        recpe: sft
        worflow: supervised
        parms: {}
        adaptors: {}
    """,
    "list": """
        - kitchen: 1
    """,
    "newer_version": """
        kitchen: 2
        recipe: sft
        workflow: supervised
    """,
    "name_of_a_folder": """
        kitchen: 1
        recipe: ../sft
        workflow: supervised
    """,
    "no_version": """
        recipe: sft
        workflow: supervised
    """,
    "no_workflow": """
        kitchen: 1
        recipe: sft
        params: {epochs: 3}
    """,
    "template": """
        kitchen: 1
        workflow: supervised
        steps: []
    """,
    "wrong_shapes": """
        kitchen: 1
        recipe: [sft]
        workflow:
        params: [epochs, 3]
        adapters: torch
    """,
    "schedules": """
        kitchen: 1
        recipe: sft
        workflow: supervised
        schedule: {timezone: Berlin, crom: "* * * * *"}
        targets: [argo]
    """,
    "sections": """
        kitchen: 1
        recipe: sft
        workflow: supervised
        schedule:
        targets: {argo: default, airflow: {pool: .inf}}
    """,
    "the_machine_s_own_time": """
        kitchen: 1
        recipe: sft
        workflow: supervised
        schedule: {cron: 0 3 * * *, timezone: localtime}
    """,
}


@pytest.mark.parametrize("case", RECIPES)
def test_recipes_that_are_refused(case: str, golden):
    text = dedent(RECIPES[case]).lstrip()
    _, diagnostics = parse_recipe(Source("recipe.yaml", text))
    assert diagnostics
    assert shown(text, diagnostics) == golden


TEMPLATES = {
    "annotations": """
        kitchen: 1
        workflow: example
        steps:
          - stage: a
            timeout: soon
            retry: 3
            cache: maybe
            image: not an image
          - stage: b
            timeout: -1
            retry: {times: 0, backof: 1s, max_backoff: long}
            resources: {cpu: many, memory: 4 gigabytes, gpu: 0.5, node: 2}
          - stage: c
            retry: {backoff: 1s}
            resources: [gpu]
    """,
    "declarations": """
        kitchen: 1
        workflow: example
        params:
          a: int
          b: {typ: int}
          c: {type: integer}
          d: {type: int, default: many}
          e: {type: int, default: 0, min: 1}
          f: {type: int, min: 10, max: 1}
          g: {type: str, min: 1}
          h: {type: str, default: x, choices: [y, z]}
          i: {type: int, choices: [1, two]}
          j: {type: "list[str]", choices: [a]}
          k: {type: float, default: .inf, max: many}
          range: {type: int, default: 1}
          batch-size: {type: int, default: 1}
          l:
        steps: []
    """,
    "inputs": """
        kitchen: 1
        workflow: example
        steps:
          - stage: a
            in: {dataset: "${rows}", tokens: split.train, session: [a], weights: }
          - stage: b
            in: rows
            with: fast
          - stage: c
            as: 1st
          - stage: d
            as: [good, [bad], class]
          - stage: e
            as: {out: "not a name", tokens: fine}
          - workflow: f
            as: weights
    """,
    "keys_of_steps": """
        kitchen: 1
        workflow: example
        steps:
          - stage: a
            learning_rate: 1e-4
            steps: []
            retries: 3
          - loop: epoch
            ovr: range(3)
            stpes: []
          - map: part
            parallel: 4
          - if: done
            than: []
          - workflow: inner
            params: {a: 1}
            in: {rows: rows}
    """,
    "kinds": """
        kitchen: 1
        workflow: example
        steps:
          - stge: load_dataset
          - stage: a
            loop: epoch
          - when: done
          - load_dataset
          - []
          -
          - {}
          - for: epoch
            over: range(3)
    """,
    "names": """
        kitchen: 1
        workflow: my workflow
        steps:
          - loop: len
            over: range(3)
            steps:
              - map: a-b
                over: parts
                steps: []
          - loop: [x]
            over: [1, 2]
            max: {}
            steps: []
    """,
    "recipe": """
        kitchen: 1
        recipe: sft
        workflow: supervised
    """,
    "regions": """
        kitchen: 1
        workflow: example
        steps: load_dataset
        finally: {stage: a}
        on_failure:
    """,
    "unknown_keys": """
        kitchen: 1
        workflow: example
        dcc: a
        parameters: {}
        stages: []
        final: []
    """,
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_templates_that_are_refused(case: str, golden):
    text = dedent(TEMPLATES[case]).lstrip()
    _, diagnostics = parse_template(Source("template.yaml", text))
    assert diagnostics
    assert shown(text, diagnostics) == golden


KEYS = ["kitchen", "recipe", "workflow", "params", "adapters", "steps", "finally", "stage", "loop"]
KEYS += ["map", "if", "then", "else", "as", "in", "with", "when", "over", "retry", "times", "use"]
KEYS += ["resources", "timeout", "type", "default", "min", "max", "choices", "doc", "x"]
LEAVES = st.sampled_from(
    ["1", "x", "null", "int", "list[str]", ".nan", "'1'", "true", "-3", "${x}"]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=5).map(
            lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs.items())}}}"
        ),
    ),
    max_leaves=40,
)


@given(st.dictionaries(st.sampled_from(KEYS), TREES, max_size=8))
def test_any_document_gives_a_result_or_diagnostics(pairs: dict[str, str]):
    text = "\n".join(f"{key}: {value}" for key, value in pairs.items())
    for parse in (parse_recipe, parse_template):
        found, diagnostics = parse(Source("document.yaml", text))
        assert found is not None or diagnostics
        for diagnostic in diagnostics:
            assert diagnostic.primary is not None
            assert 0 <= diagnostic.primary.span.start <= diagnostic.primary.span.end <= len(text)
