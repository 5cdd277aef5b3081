"""Tokenizers: a model's own, or one trained on the data for a preset that has none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kitchen.runtime.adapters.torch.presets import PRESETS
from kitchen.runtime.ports import AdapterError, Workspace
from kitchen.runtime.store import commit_folder
from kitchen.runtime.values import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BOS, START, END = "<|pad|>", "<|bos|>", "<|im_start|>", "<|im_end|>"
#: ChatML, as OpenAI published it: a role, a line break, the text, an end.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SAMPLE_BYTES = 64 << 20  #: how much text a preset's tokenizer is trained on, from the beginning


class FastTokenizer(Tokenizer):
    """A transformers tokenizer backed by the Rust library."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, name: str) -> None:
        if tokenizer.eos_token_id is None:
            raise AdapterError(
                f"the tokenizer of `{name}` has no token that ends a sequence",
                help="name one as `eos_token` in its tokenizer_config.json",
            )
        self.tokenizer = tokenizer
        self._rust = tokenizer.backend_tokenizer
        self._rust.no_padding()
        self._rust.no_truncation()
        self.vocab_size = len(tokenizer)
        self.eos_id, self.bos_id = int(tokenizer.eos_token_id), tokenizer.bos_token_id
        pad = tokenizer.pad_token_id
        self.pad_id = self.eos_id if pad is None else int(pad)
        self.chat_template = tokenizer.chat_template
        described = [self._rust.to_str(), self.chat_template, self.eos_id, self.bos_id, self.pad_id]
        self.digest = hashlib.sha256(repr(described).encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        encodings = self._rust.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        return str(self._rust.decode([int(id) for id in ids], skip_special_tokens=not special))

    def render_chat(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool
    ) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                [dict(message) for message in messages],
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
            )
        )


def load_tokenizer(path: str, name: str) -> FastTokenizer:
    """The tokenizer in a folder or of a hub id."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    loaded = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    if not isinstance(loaded, PreTrainedTokenizerFast):
        raise AdapterError(
            f"the tokenizer of `{name}` has no fast form",
            help="add its tokenizer.json, or choose a model that has one",
        )
    return FastTokenizer(loaded, name)


def train_tokenizer(
    preset: str, texts: Callable[[], Iterable[str]], workspace: Workspace
) -> FastTokenizer:
    """A byte-level BPE trained on the data; the same texts give the same one, kept in the cache."""
    size = PRESETS[preset].vocabulary
    folder = workspace.cache / "tokenizers" / _key(size, texts)
    if not folder.exists():
        trained = _train(size, texts)
        commit_folder(folder, lambda path: _save(trained, path))
    return load_tokenizer(str(folder), preset)


def _first(texts: Iterable[str]) -> Iterator[str]:
    """The texts up to the sample's size."""
    left = SAMPLE_BYTES
    for text in texts:
        if left <= 0:
            return
        left -= len(text)
        yield text


def _key(size: int, texts: Callable[[], Iterable[str]]) -> str:
    import tokenizers

    key = hashlib.sha256(repr((size, "digits", CHAT_TEMPLATE, tokenizers.__version__)).encode())
    for text in _first(texts()):
        data = text.encode("utf-8", "surrogatepass")
        key.update(len(data).to_bytes(8, "little"))
        key.update(data)
    return key.hexdigest()


def _train(size: int, texts: Callable[[], Iterable[str]]) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer as Rust
    from tokenizers import decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    rust = Rust(models.BPE())
    rust.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),  # as Llama: sums are learned by digits
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    rust.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, BOS, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    read = 0

    def counted() -> Iterator[str]:
        nonlocal read
        for text in _first(texts()):
            read += len(text)
            yield text

    rust.train_from_iterator(counted(), trainer)
    if read == 0:
        raise AdapterError(
            "a preset trains its tokenizer on the data, and the data has no text",
            help="give it rows with text, or name a model that has a tokenizer",
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=rust, pad_token=PAD, bos_token=BOS, eos_token=END
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _save(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    tokenizer.save_pretrained(folder)
