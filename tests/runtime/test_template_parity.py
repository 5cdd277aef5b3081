"""A real tokenizer and its template: a prompt is what transformers itself would make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer, train_tokenizer
from kitchen.runtime.formats import read_example
from kitchen.runtime.plugins import shipped
from kitchen.runtime.ports import Row, Workspace
from kitchen.runtime.rendering import Rendered, TrainOn, assemble, marked, render_prompt, segments
from tests.runtime.data_files import store

#: Templates as models carry them: what follows the end, who writes the beginning, what is trimmed.
TEMPLATES = {
    "preset": None,
    "bare": (
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}"
        "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    ),
    "a default system message": (
        "{% if messages[0].role != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}"
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
}


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FastTokenizer]:
    folder = tmp_path_factory.mktemp("tokenizer")
    texts = [message["content"] for row in rows(folder) for message in row.fields["messages"]]
    made = {}
    for name, template in TEMPLATES.items():
        tokenizer = train_tokenizer("nano", lambda: texts, Workspace(folder, folder))
        if template is not None:
            tokenizer.tokenizer.chat_template = tokenizer.chat_template = template
        made[name] = tokenizer
    return made


def rows(cache: Path) -> list[Row]:
    files = store(shipped() / "data", cache)
    return list(files.rows(files.open("chat.jsonl")))


def rendered(tokenizer: FastTokenizer, row: Row, train_on: TrainOn) -> Rendered:
    parts = segments(read_example(row, "messages"), tokenizer, train_on)
    return assemble(parts, tokenizer.encode([part.text for part in parts]), tokenizer, 10_000)


@pytest.mark.parametrize("name", TEMPLATES)
def test_prompts_and_answers_are_those_of_transformers(
    name: str, tokenizers: dict[str, FastTokenizer], tmp_path: Path
) -> None:
    tokenizer = tokenizers[name]
    for row in rows(tmp_path):
        messages = row.fields["messages"]
        theirs = tokenizer.tokenizer.apply_chat_template(
            messages[:-1], tokenize=True, add_generation_prompt=True, return_dict=False
        )
        assert render_prompt(tokenizer, messages[:-1]).tolist() == theirs
        one = rendered(tokenizer, row, "last_assistant")
        assert one.tokens[: len(theirs)].tolist() == theirs
        assert not one.weights[: len(theirs)].any()
        assert one.weights[len(theirs) :].all()
        answer = tokenizer.decode(one.tokens[len(theirs) :].tolist())
        assert answer == messages[-1]["content"]
        assert one.tokens[-1] == tokenizer.eos_id
        assert one.bytes == len(answer.encode())


@pytest.mark.parametrize("name", TEMPLATES)
def test_all_answers_are_trained_on(
    name: str, tokenizers: dict[str, FastTokenizer], tmp_path: Path
) -> None:
    tokenizer = tokenizers[name]
    for row in rows(tmp_path):
        one = rendered(tokenizer, row, "all_assistant")
        text = marked(one.tokens, one.weights, tokenizer)
        trained = [part.partition("⟧")[0] for part in text.split("⟦")[1:]]
        answers = [m["content"] for m in row.fields["messages"] if m["role"] == "assistant"]
        end = tokenizer.decode([tokenizer.eos_id], special=True)
        assert trained == [f"{answer}{end}" for answer in answers]
        starts = np.flatnonzero(one.tokens == tokenizer.bos_id)
        assert starts.tolist() == ([0] if name == "bare" else [])
