"""A model being trained with PyTorch: weights, optimizer, and its own stream of random numbers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from kitchen.runtime.ports import ModelOptions
from kitchen.runtime.values import Session

if TYPE_CHECKING:
    from peft import PeftModel

    from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer


#: A transformers model; its decorators hide its methods from a type checker.
Model = Any
#: Passes go one at a time: dropout draws from the global generator, and fills the machine anyway.
_ALONE = threading.RLock()


class TorchSession(Session):
    """One model with its AdamW state.

    Trained weights are kept in float32, and so are the moments; on a GPU the arithmetic of the
    model is bfloat16 (autocast). With LoRA the frozen weights are bfloat16 there as well.
    """

    def __init__(
        self,
        options: ModelOptions,
        tokenizer: FastTokenizer,
        model: Model,
        peft: PeftModel | None,
        device: torch.device,
        *,
        isolates: bool,
    ) -> None:
        self.options, self.tokenizer, self.device = options, tokenizer, device
        self.peft = peft
        self._model: Model | None = model
        self.parameters: dict[str, nn.Parameter] = {
            name: parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }
        self.vocabulary = int(model.get_input_embeddings().weight.shape[0])
        limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.context: int = limit or sys.maxsize  #: the longest sequence the model is made for
        self.isolates = isolates  #: attention takes a row of documents, each for itself
        self.step = 0  #: optimizer steps taken
        self.passes = 0  #: backward passes since the last of them
        self.random = RandomStream(options.seed, device)
        self.drops = any(
            isinstance(value, float) and value > 0
            for module in model.modules()
            for value in (getattr(module, "attention_dropout", None), getattr(module, "p", None))
        )
        self.renew_optimizer()

    @property
    def model(self) -> Model:
        """The transformers model; with LoRA its linear layers carry the adapter."""
        assert self._model is not None, "the session is closed"
        return self._model

    @property
    def closed(self) -> bool:
        return self._model is None

    def close(self) -> None:
        """Let go of the model, its gradients and its moments."""
        self._model = self.peft = None
        self.parameters = {}
        self.optimizer.state.clear()
        self.optimizer.param_groups.clear()

    def renew_optimizer(self) -> None:
        """Start AdamW afresh: no moments, no gradients. The count of steps goes on."""
        for parameter in self.parameters.values():
            parameter.grad = None
        self.passes = 0
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=0.0, fused=True)

    @contextmanager
    def computing(self, *, training: bool) -> Iterator[None]:
        """The model set for a pass: dropout on or off, gradients on or off, precision."""
        precision: Any = (
            torch.autocast("cuda", dtype=torch.bfloat16)
            if self.device.type == "cuda"
            else nullcontext()
        )
        draws = self.random.drawn() if training and self.drops else nullcontext()
        with _ALONE, torch.set_grad_enabled(training), precision, draws:
            if self.model.training is not training:
                self.model.train(training)
            yield


class RandomStream:
    """Random numbers of one session: what others draw meanwhile does not move them.

    Dropout knows no generator but PyTorch's global one, so its state is swapped in and out.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._devices = [device] if device.type == "cuda" else []
        with forked(seed, device):
            self.state = self._read()

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """PyTorch's global generators follow this stream meanwhile."""
        with torch.random.fork_rng(devices=self._devices):
            self._write()
            yield
            self.state = self._read()

    def _read(self) -> dict[str, torch.Tensor]:
        state = {"cpu": torch.get_rng_state()}
        for device in self._devices:
            state["cuda"] = torch.cuda.get_rng_state(device)
        return state

    def _write(self) -> None:
        torch.set_rng_state(self.state["cpu"])
        for device in self._devices:
            torch.cuda.set_rng_state(self.state["cuda"], device)


@contextmanager
def forked(seed: int, device: torch.device) -> Iterator[None]:
    """The global generators start from a seed, and are put back afterwards."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach every GPU too
        for one in devices:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(seed)
        yield
