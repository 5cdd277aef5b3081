"""Tokenizers of models, and those that presets train."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kitchen.runtime.adapters.torch import TRAINING
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import AdapterError, Workspace
from tests.contracts.training_batches import texts

SCRIPT = """
import sys
from pathlib import Path
from kitchen.runtime.adapters.torch import TRAINING
from kitchen.runtime.ports import Workspace
from tests.contracts.training_batches import texts
folder = Path(sys.argv[1])
print(TRAINING.bind({}, Workspace(folder, folder)).load_tokenizer("nano", texts).digest)
"""


def test_special_tokens_are_apart(tokenizer: FastTokenizer) -> None:
    assert len({tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id}) == 3
    assert tokenizer.decode([tokenizer.eos_id, tokenizer.pad_id]) == ""


def test_text_that_spells_a_special_token_is_read_as_the_token(tokenizer: FastTokenizer) -> None:
    """A chat template is text, so its marks have to become tokens."""
    (ids,) = tokenizer.encode(["<|im_start|>user\nhi<|im_end|>\n"])
    assert tokenizer.eos_id in ids
    assert len(ids) < 20


def test_the_chat_template_is_chatml(tokenizer: FastTokenizer) -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    whole = tokenizer.render_chat(said, add_generation_prompt=False)
    assert whole == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nho<|im_end|>\n"
    prompt = tokenizer.render_chat(said[:1], add_generation_prompt=True)
    assert whole.startswith(prompt)


def test_a_template_cannot_reach_out(saved: Path, training: TorchTraining) -> None:
    hostile = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    (saved / "chat_template.jinja").write_text(hostile)
    loaded = training.load_tokenizer(str(saved), texts)
    with pytest.raises(Exception, match="unsafe"):
        loaded.render_chat([{"role": "user", "content": "hi"}], add_generation_prompt=False)


def test_other_texts_give_another_tokenizer(
    training: TorchTraining, tokenizer: FastTokenizer
) -> None:
    other = training.load_tokenizer("nano", lambda: [text.upper() for text in texts()])
    assert other.digest != tokenizer.digest


def test_a_trained_tokenizer_is_kept(tmp_path: Path) -> None:
    reads: list[int] = []

    def counted() -> list[str]:
        reads.append(1)
        return texts()

    training = TRAINING.bind({}, Workspace(tmp_path, tmp_path))
    digests = {training.load_tokenizer("nano", counted).digest for _ in range(2)}
    assert len(digests) == 1
    assert len(reads) == 3  # twice to train it, and once more to see that the texts are the same


def test_no_text_is_refused(training: TorchTraining) -> None:
    with pytest.raises(AdapterError, match="no text") as raised:
        training.load_tokenizer("nano", list)
    assert raised.value.help


@pytest.mark.slow
def test_another_process_trains_the_same(tokenizer: FastTokenizer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == tokenizer.digest
