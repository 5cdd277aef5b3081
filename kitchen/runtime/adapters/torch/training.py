"""Training on this machine: the `training` port over transformers, PEFT and AdamW.

Calls run when they are made, so each future is already resolved; a failure comes out of its
`.result()`. Losses are summed, and gradients add up until `optim_step`, as in the Tinker API.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from transformers.utils import logging

from kitchen.runtime.adapters.torch import TorchConfig, lora, state, weights
from kitchen.runtime.adapters.torch.attention import isolate_documents
from kitchen.runtime.adapters.torch.forward import Pass, run, top
from kitchen.runtime.adapters.torch.losses import FORMULAE
from kitchen.runtime.adapters.torch.models import build_model, locate, named_failures
from kitchen.runtime.adapters.torch.presets import PRESETS
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer, load_tokenizer, train_tokenizer
from kitchen.runtime.futures import resolved
from kitchen.runtime.losses import loss_settings, require_columns
from kitchen.runtime.ports import (
    AdamParams,
    AdapterError,
    CustomLoss,
    ForwardOutput,
    LossOptions,
    ModelOptions,
    OptimStepOutput,
    Workspace,
)
from kitchen.runtime.ports.training import TopLogprobs
from kitchen.runtime.values import Batch, Session, Tokenizer


class TorchTraining:
    """Trains transformers models in this process."""

    def __init__(self, config: TorchConfig, workspace: Workspace) -> None:
        self.workspace = workspace
        self.device = _device(config.device)
        logging.disable_progress_bar()  # transformers draws one for every file it reads or writes
        if config.threads:
            torch.set_num_threads(config.threads)

    def load_tokenizer(self, model: str, texts: Callable[[], Iterable[str]]) -> Tokenizer:
        if model in PRESETS:
            return train_tokenizer(model, texts, self.workspace)
        with named_failures(model):
            return load_tokenizer(locate(model, self.workspace), model)

    def open_session(self, options: ModelOptions, tokenizer: Tokenizer) -> Session:
        own = cast(FastTokenizer, tokenizer)
        model = build_model(options, own, self.device, self.workspace)
        isolates = isolate_documents(model)
        peft = lora.attach(model, options) if options.lora_rank else None
        return TorchSession(options, own, model, peft, self.device, isolates=isolates)

    def forward(self, session: Session, batch: Batch, loss: LossOptions) -> Future[ForwardOutput]:
        return resolved(lambda: _pass(_own(session), batch, loss, training=False))

    def topk_logprobs(self, session: Session, batch: Batch, k: int) -> Future[TopLogprobs]:
        return resolved(lambda: _top_logprobs(_own(session), batch, k))

    def forward_backward(
        self, session: Session, batch: Batch, loss: LossOptions
    ) -> Future[ForwardOutput]:
        return resolved(lambda: _pass(_own(session), batch, loss, training=True))

    def forward_backward_custom(
        self, session: Session, batch: Batch, loss: CustomLoss
    ) -> Future[ForwardOutput]:
        return resolved(lambda: _custom_pass(_own(session), batch, loss))

    def optim_step(self, session: Session, adam: AdamParams) -> Future[OptimStepOutput]:
        return resolved(lambda: _optim_step(_own(session), adam))

    def save_state(self, session: Session, folder: Path) -> None:
        state.save(_own(session), folder)

    def load_state(self, session: Session, folder: Path) -> None:
        state.load(_own(session), folder, optimizer=False)

    def load_state_with_optimizer(self, session: Session, folder: Path) -> None:
        state.load(_own(session), folder, optimizer=True)

    def save_weights(self, session: Session, folder: Path, *, merge: bool) -> str:
        return weights.save(_own(session), folder, merge=merge)

    def weights_digest(self, session: Session) -> str:
        return weights.digest(_own(session))

    def close_session(self, session: Session) -> None:
        _own(session, closing=True).close()


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise AdapterError(
            "this machine has no GPU that PyTorch can use", help="set `device: auto` or `cpu`"
        )
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name, 0) if name == "cuda" else torch.device(name)


def _own(session: Session, *, closing: bool = False) -> TorchSession:
    """The session as one of this adapter's, and open, unless it is only to be closed."""
    if not isinstance(session, TorchSession):
        raise AdapterError(
            f"the `torch` adapter cannot train a `{type(session).__name__}`",
            help="bind one adapter to `training` for the whole recipe",
        )
    if session.closed and not closing:
        raise AdapterError(
            "the session is closed", help="use it before `close_session`, or open another"
        )
    return session


def _pass(
    session: TorchSession, batch: Batch, options: LossOptions, *, training: bool
) -> ForwardOutput:
    settings = loss_settings(options)
    require_columns(options.name, batch.columns)
    with session.computing(training=training):
        temperature = settings.get("temperature", 1.0)
        done = run(session, batch, likeliest=not training, temperature=temperature)
        loss = FORMULAE[options.name](done.logprobs, done.columns, settings)
        value = _finite(session, float(loss.detach()))
        metrics = {}
        if done.likeliest is not None:
            metrics["correct:sum"] = float((done.columns["weights"] * done.likeliest).sum())
        if training:
            _gather(session, loss)
    return _output(batch, done, value, metrics)


def _top_logprobs(session: TorchSession, batch: Batch, count: int) -> TopLogprobs:
    with session.computing(training=False):
        ids, logprobs = top(session, batch, count)
    return TopLogprobs(ids.int().cpu().numpy(), logprobs.cpu().numpy())


def _custom_pass(session: TorchSession, batch: Batch, loss_of: CustomLoss) -> ForwardOutput:
    with session.computing(training=True):
        done = run(session, batch)
        logprobs = done.spread(batch.tokens.size)
        known = logprobs.detach().float().cpu().numpy()
        found = loss_of(batch, known)
        value = _finite(session, found.loss)
        if logprobs.requires_grad:
            slopes = torch.from_numpy(np.ascontiguousarray(found.slopes, np.float32))
            logprobs.backward(slopes.to(logprobs))
        session.passes += 1
    return ForwardOutput(loss=value, logprobs=known, metrics=found.metrics)


def _finite(session: TorchSession, value: float) -> float:
    if not math.isfinite(value):
        raise AdapterError(
            f"the loss of step {session.step + 1} is {value}: no weight was changed",
            help="lower the learning rate, set `grad_clip_norm`, or look at the batch's columns",
        )
    return value


def _gather(session: TorchSession, loss: torch.Tensor) -> None:
    if loss.requires_grad:  # it does not where no token carries weight
        loss.backward()
    session.passes += 1


def _output(batch: Batch, done: Pass, loss: float, metrics: dict[str, float]) -> ForwardOutput:
    logprobs = done.spread(batch.tokens.size).detach().float().cpu().numpy()
    return ForwardOutput(loss=loss, logprobs=logprobs, metrics=metrics)


def _optim_step(session: TorchSession, adam: AdamParams) -> OptimStepOutput:
    gradients = [p.grad for p in session.parameters.values() if p.grad is not None]
    if not gradients:
        raise AdapterError(
            f"step {session.step + 1} has no gradients to apply",
            help="call `forward_backward` on a batch with trained tokens before `optim_step`",
        )
    norm = get_total_norm(gradients)
    value = float(norm)
    if not math.isfinite(value):
        raise AdapterError(
            f"the gradient of step {session.step + 1} is {value}: no weight was changed",
            help="lower the learning rate, or look at the batches of this step",
        )
    if adam.grad_clip_norm > 0:
        clip_grads_with_norm_(session.parameters.values(), adam.grad_clip_norm, norm)
    for group in session.optimizer.param_groups:
        group["lr"] = adam.learning_rate
        group["betas"] = (adam.beta1, adam.beta2)
        group["eps"] = adam.eps
        group["weight_decay"] = adam.weight_decay
    session.optimizer.step()
    session.optimizer.zero_grad(set_to_none=True)
    session.step, session.passes = session.step + 1, 0
    return OptimStepOutput(step=session.step, grad_norm=value)
