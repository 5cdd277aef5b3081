"""What the first rows say of a training run, before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kitchen.compiler.codes import CODES
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Const, Ref, Value
from kitchen.ir.program import Origin, Parameter, Program, Region, Stage
from kitchen.ir.render import render_text
from kitchen.ir.source import Source, Span
from kitchen.ir.types import FLOAT, INT, STR, Type
from kitchen.runtime.ports import AdapterError
from kitchen.runtime.probe import ProbeReport, probe
from tests.runtime import letters
from tests.runtime.data_files import store, write
from tests.runtime.letters import LetterTokenizer

RECIPE = Source(
    "recipe.yaml",
    "params:\n  model: tiny\n  dataset: chat.jsonl\n  max_length: 64\nsteps: tokenize\n",
)


def at(text: str) -> Span:
    start = RECIPE.text.index(text)
    return Span(RECIPE, start, start + len(text))


def parameter(name: str, setting: object, type_: Type, written: str) -> Parameter:
    return Parameter(
        value=Value(name, 0, type_), setting=setting, origin=Origin.RECIPE, span=at(written)
    )


ROWS, TRAIN, HELD_OUT, TOKENIZER, TOKENS = (
    Value(name, 0, Type(type_))
    for name, type_ in {
        "rows": "Dataset",
        "train": "Dataset",
        "held_out": "Dataset",
        "tokenizer": "Tokenizer",
        "tokens": "Tokens",
    }.items()
)


def program(*, max_length: int = 64, **settings: str) -> Program:
    """Load, split, tokenise; the source and the length come from the recipe's parameters."""
    source = parameter("dataset", "chat.jsonl", STR, "chat.jsonl")
    model = parameter("model", "tiny", STR, "tiny")
    length = parameter("max_length", max_length, INT, "64")
    config = {"max_length": Ref(length.value)}
    config |= {name: Const(value, STR) for name, value in settings.items()}  # type: ignore[misc]
    return Program(
        name="test",
        params=(source, model, length),
        body=Region(
            ops=(
                Stage(
                    name="load_dataset",
                    stage="load_dataset",
                    config=(("source", Ref(source.value)),),
                    outputs=(ROWS,),
                ),
                Stage(
                    name="split_dataset",
                    stage="split_dataset",
                    inputs=(("dataset", Ref(ROWS)),),
                    config=(("fraction", Const(0.1, FLOAT)),),
                    outputs=(TRAIN, HELD_OUT),
                ),
                Stage(
                    name="load_tokenizer",
                    stage="load_tokenizer",
                    inputs=(("dataset", Ref(TRAIN)),),
                    config=(("model", Ref(model.value)),),
                    outputs=(TOKENIZER,),
                ),
                Stage(
                    name="tokenize",
                    stage="tokenize",
                    inputs=(("dataset", Ref(TRAIN)), ("tokenizer", Ref(TOKENIZER))),
                    config=tuple(config.items()),
                    outputs=(TOKENS,),
                    span=at("tokenize"),
                ),
            )
        ),
    )


class Training:
    """A `training` port that has one tokenizer, or none."""

    def __init__(self, tokenizer: LetterTokenizer | None) -> None:
        self.tokenizer = tokenizer

    def load_tokenizer(self, model: str, texts: object) -> LetterTokenizer:
        if self.tokenizer is None:
            raise AdapterError(f"there is no model `{model}`", help="name another")
        return self.tokenizer


def talk(question: str, answer: str) -> dict[str, Any]:
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": said}


TALKS = [talk(f"What is {number}?", "A number. " * (number % 4 + 1)) for number in range(20)]


def look(
    folder: Path, rows: list[dict[str, Any]], tokenizer: LetterTokenizer, **settings: Any
) -> tuple[ProbeReport | None, tuple[Diagnostic, ...]]:
    write(folder / "chat.jsonl", rows)
    return probe(program(**settings), ports(folder, tokenizer))


def ports(folder: Path, tokenizer: LetterTokenizer | None) -> Mapping[str, object]:
    return {"datasets": store(folder), "training": Training(tokenizer)}


def test_a_report_says_what_training_would_see(tmp_path: Path) -> None:
    report, diagnostics = look(tmp_path, TALKS, LetterTokenizer())
    assert diagnostics == ()
    assert report is not None
    assert report.source == "chat.jsonl"
    assert (report.rows, report.read) == (18, 18)
    assert (report.format, report.detected) == ("messages", True)
    assert report.example == "User: What is 0?\nAssistant:⟦ A number. </s>⟧"
    assert report.max_length == 64
    assert list(report.lengths.values()) == [39, 59, 70, 70, 70]
    assert 0.2 < report.truncated_share < 0.3
    assert 0.4 < report.trained_share < 0.6
    assert report.dropped_share == 0


def test_as_many_rows_are_read_as_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "chat.jsonl", TALKS)
    report, _ = probe(program(), ports(tmp_path, LetterTokenizer()), rows=5)
    assert report is not None
    assert (report.rows, report.read) == (18, 5)


def test_a_format_that_is_said_is_not_detected(tmp_path: Path) -> None:
    rows = [{"text": "a", "messages": [], "n": at} for at in range(9)]
    report, diagnostics = look(tmp_path, rows, LetterTokenizer(), format="text")
    assert report is not None
    assert (report.format, report.detected, diagnostics) == ("text", False, ())


NOBODY: dict[str, Any] = {"messages": [{"role": "user", "content": "Anyone?"}]}

REFUSED: dict[str, tuple[list[dict[str, Any]], LetterTokenizer, dict[str, Any]]] = {
    "K601 no format": ([{"a": 1}] * 9, LetterTokenizer(), {}),
    "K601 a row": ([*TALKS[:3], *[talk("a", 7)] * 6], LetterTokenizer(), {}),  # type: ignore[arg-type]
    "K601 one row": (TALKS[:1], LetterTokenizer(), {}),
    "K603": ([NOBODY] * 9, LetterTokenizer(), {}),
    "K604": ([talk("why " * 30, "a")] * 9, LetterTokenizer(), {}),
    "K605": ([talk("why", "a " * 90)] * 9, LetterTokenizer(), {}),
    "K606": ([talk("<s>why", "a")] * 9, LetterTokenizer(letters.begins_twice, begins=True), {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, tmp_path: Path, golden: Any) -> None:
    rows, tokenizer, settings = REFUSED[case]
    report, diagnostics = look(tmp_path, rows, tokenizer, **settings)
    assert [found.code for found in diagnostics] == [case[:4]]
    example = "" if report is None else f"\n{report.example!r}\n"
    assert render_text(diagnostics) + example == golden


def test_data_that_is_not_there(tmp_path: Path, golden: Any) -> None:
    write(tmp_path / "chats.jsonl", TALKS)
    report, diagnostics = probe(program(), ports(tmp_path, LetterTokenizer()))
    assert report is None
    assert render_text(diagnostics) == golden


def test_a_tokenizer_that_is_not_there(tmp_path: Path, golden: Any) -> None:
    write(tmp_path / "chat.jsonl", TALKS)
    report, diagnostics = probe(program(), ports(tmp_path, None))
    assert report is None
    assert render_text(diagnostics) == golden


def test_an_empty_part_has_no_rows(tmp_path: Path, golden: Any) -> None:
    class Empty(type(store(tmp_path))):  # type: ignore[misc]
        def rows(self, dataset: object) -> Any:
            return iter(())

    write(tmp_path / "chat.jsonl", TALKS)
    files = store(tmp_path)
    files.__class__ = Empty
    given = {"datasets": files, "training": Training(LetterTokenizer())}
    report, diagnostics = probe(program(), given)
    assert report is None
    assert render_text(diagnostics) == golden


def test_what_only_a_run_can_know_is_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "chat.jsonl", TALKS)
    whole = program()
    without = Program(name="test", params=whole.params, body=Region(ops=whole.body.ops[1:]))
    assert probe(without, ports(tmp_path, LetterTokenizer())) == (None, ())
    assert probe(whole, {}) == (None, ())
    assert probe(Program(name="empty"), {}) == (None, ())


def test_every_code_has_a_page() -> None:
    assert {f"K60{number}" for number in range(1, 8)} <= set(CODES)
