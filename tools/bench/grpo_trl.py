"""TRL's GRPOTrainer, which takes an iteration whenever it is its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any


class Peer:
    """A trainer in a thread of its own, which waits before each iteration.

    `options` are those of GRPOConfig. seconds and lengths (tokens of an answer) are of iterations.
    """

    def __init__(
        self,
        model: Path,
        prompts: Sequence[Any],
        reward: Callable[[str], float],
        **options: Any,
    ) -> None:
        self.seconds: list[float] = []
        self.lengths: list[float] = []
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._failure: Exception | None = None
        self._trainer = self._made(model, prompts, reward, options)
        self._thread = threading.Thread(target=self._train, daemon=True)
        self._thread.start()

    def iterate(self) -> None:
        """One iteration, from prompts to changed weights."""
        self._turn.release()
        self._done.acquire()
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """After its last iteration."""
        self._thread.join()

    def _train(self) -> None:
        try:
            self._trainer.train()
        except Exception as failure:
            self._failure = failure
            self._done.release()

    def _made(
        self,
        model: Path,
        prompts: Sequence[Any],
        reward: Callable[[str], float],
        options: dict[str, Any],
    ) -> Any:
        from datasets import Dataset, disable_progress_bars
        from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
        from trl import GRPOConfig, GRPOTrainer

        def rewards(completions: list[Any], **_: Any) -> list[float]:
            return [reward(answer[0]["content"]) for answer in completions]

        disable_progress_bars()
        trainer = GRPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(model),
            processing_class=AutoTokenizer.from_pretrained(model),
            reward_funcs=rewards,
            train_dataset=Dataset.from_list([{"prompt": list(prompt)} for prompt in prompts]),
            args=GRPOConfig(
                learning_rate=1e-4,
                beta=0.0,
                use_cpu=True,
                bf16=False,
                logging_steps=1000,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                **options,
            ),
            callbacks=[self._timer()],
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _timer(self) -> Any:
        from transformers import TrainerCallback

        peer = self

        class Timer(TrainerCallback):  # type: ignore[misc,unused-ignore]
            start = 0.0

            def on_step_begin(self, *_: Any, **__: Any) -> None:
                peer._turn.acquire()
                self.start = perf_counter()

            def on_step_end(self, *_: Any, **__: Any) -> None:
                peer.seconds.append(perf_counter() - self.start)
                peer.lengths.append(peer._trainer._metrics["train"]["completions/mean_length"][-1])
                peer._done.release()

        return Timer()
