"""A unigram model of bytes in numpy: losses with their exact gradients, and AdamW."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kitchen.runtime.ports import AdamParams, ModelOptions
from kitchen.runtime.values import Session, Tokenizer

BOS, EOS, PAD, VOCABULARY = 256, 257, 258, 259
SPECIAL = {BOS: b"<bos>", EOS: b"<eos>", PAD: b"<pad>"}


class ByteTokenizer(Tokenizer):
    """One id for each byte of UTF-8, and three for the beginning, the end and padding."""

    def __init__(self) -> None:
        self.vocab_size, self.bos_id, self.eos_id, self.pad_id = VOCABULARY, BOS, EOS, PAD
        self.chat_template = None
        self.digest = hashlib.sha256(b"bytes").hexdigest()

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.frombuffer(text.encode(), np.uint8).astype(np.int32) for text in texts]

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        shown = SPECIAL if special else {}
        pieces = (shown.get(id, b"") if id >= BOS else bytes([id]) for id in map(int, ids))
        return b"".join(pieces).decode(errors="replace")

    def render_chat(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool
    ) -> str:
        raise ValueError("bytes have no chat template")


@dataclass(slots=True, eq=False)
class Moments:
    """What AdamW remembers; arrays are (V,) float64."""

    first: np.ndarray
    second: np.ndarray
    steps: int = 0


class UnigramSession(Session):
    """One logit for each byte. With LoRA, `logits` is a change beside frozen ones."""

    def __init__(self, options: ModelOptions) -> None:
        self.options = options
        self.closed = False
        self.step = 0
        start = np.random.default_rng(options.seed).normal(0.0, 0.02, VOCABULARY)
        adapts = options.lora_rank > 0
        self.frozen = start if adapts else np.zeros(VOCABULARY)
        self.logits = np.zeros(VOCABULARY) if adapts else start
        self.renew_optimizer()

    def renew_optimizer(self) -> None:
        self.moments = Moments(np.zeros(VOCABULARY), np.zeros(VOCABULARY))
        self.gradient = np.zeros(VOCABULARY)
        self.passes = 0

    def logprobs(self, temperature: float = 1.0) -> np.ndarray:
        """The log-probability of each id, (V,)."""
        logits = (self.frozen + self.logits) / temperature
        shifted = logits - logits.max()
        normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum())
        return normalised

    def gather(self, targets: np.ndarray, slopes: np.ndarray, temperature: float = 1.0) -> None:
        """Add the gradient of a loss, given its slope by the log-probability of each target.

        The log-probability of t has the gradient (onehot(t) - softmax) / temperature.
        """
        seen = np.bincount(targets.ravel(), slopes.ravel(), minlength=VOCABULARY)
        self.gradient += (seen - slopes.sum() * np.exp(self.logprobs(temperature))) / temperature
        self.passes += 1

    def apply(self, adam: AdamParams, norm: float) -> None:
        """One step of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2)."""
        gradient, moments = self.gradient, self.moments
        if 0 < adam.grad_clip_norm < norm:
            gradient = gradient * (adam.grad_clip_norm / norm)
        self.step, self.passes = self.step + 1, 0
        moments.steps += 1
        moments.first += (1 - adam.beta1) * (gradient - moments.first)
        moments.second += (1 - adam.beta2) * (gradient**2 - moments.second)
        first = moments.first / (1 - adam.beta1**moments.steps)
        second = moments.second / (1 - adam.beta2**moments.steps)
        self.logits *= 1 - adam.learning_rate * adam.weight_decay
        self.logits -= adam.learning_rate * first / (np.sqrt(second) + adam.eps)
        self.gradient = np.zeros(VOCABULARY)


def loss_and_slopes(
    name: str,
    logprobs: np.ndarray,
    columns: Mapping[str, np.ndarray],
    settings: Mapping[str, float],
) -> tuple[float, np.ndarray]:
    """A loss and its slope by each log-probability; the formulae are in torch/losses.py."""
    weights = columns.get("weights", np.ones_like(logprobs))
    if name in ("cross_entropy", "tempered_cross_entropy"):
        return float(-(weights * logprobs).sum()), -weights
    advantages, distance = columns["advantages"], logprobs - columns["logprobs"]
    if name == "dro":
        beta = settings["beta"]
        gain = logprobs * advantages - 0.5 * beta * distance**2
        return float(-(weights * gain).sum()), -weights * (advantages - beta * distance)
    ratio = np.exp(distance)
    if name == "importance_sampling":
        return float(-(weights * ratio * advantages).sum()), -weights * ratio * advantages
    clipped = ratio.clip(settings["clip_low_threshold"], settings["clip_high_threshold"])
    if name == "cispo":
        slopes = -weights * clipped * advantages
        return float((slopes * logprobs).sum()), slopes
    gain = np.minimum(ratio * advantages, clipped * advantages)
    moves = ratio * advantages <= clipped * advantages
    return float(-(weights * gain).sum()), -weights * ratio * advantages * moves
