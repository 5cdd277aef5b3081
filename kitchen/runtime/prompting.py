"""Rows as prompts: what stands before the last answer, written as it is in training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import islice

import numpy as np

from kitchen.runtime import rendering
from kitchen.runtime.answers import Prompts
from kitchen.runtime.formats import AUTO, Conversation, Text, detect_format, read_example
from kitchen.runtime.ports import DataError, DatasetStore, Row
from kitchen.runtime.rendering import RenderError, render_prompt, render_text
from kitchen.runtime.values import Dataset, Tokenizer


def read_prompts(
    dataset: Dataset, tokenizer: Tokenizer, format_: str, limit: int, datasets: DatasetStore
) -> Prompts:
    """The prompts of a data set with their references, the first `limit` of them (0: all)."""
    rows = datasets.rows(dataset)
    asked = list(_prompts(islice(rows, limit or None), tokenizer, format_))
    if not asked:
        raise DataError("there is no row to ask", uri=dataset.uri, help="add rows, or keep more")
    lengths = [len(ids) for ids, _, _ in asked]
    deciding = [rendering.VERSION, dataset.digest, dataset.keep, dataset.seed]
    deciding += [tokenizer.digest, tokenizer.chat_template, format_, limit]
    return Prompts(
        digest=hashlib.sha256(json.dumps(deciding).encode()).hexdigest(),
        tokens=np.concatenate([ids for ids, _, _ in asked]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        texts=tuple(text for _, text, _ in asked),
        references=tuple(references for _, _, references in asked),
        rows=len(asked),
    )


def _prompts(
    rows: Iterator[Row], tokenizer: Tokenizer, format_: str
) -> Iterator[tuple[np.ndarray, str, tuple[str, ...]]]:
    for row in rows:
        if format_ == AUTO:
            format_ = detect_format(row)
        try:
            yield _prompt(row, tokenizer, format_)
        except RenderError as cause:
            raise DataError(str(cause), uri=row.uri, row=row.number, help=cause.help) from cause


def _prompt(
    row: Row, tokenizer: Tokenizer, format_: str
) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """Ids, text for people, and the answers that the row gives."""
    example = read_example(row, format_)
    others = tuple(other.strip() for other in example.others)
    match example:
        case Text(completion=completion, prompt=prompt) if prompt:
            return render_text(tokenizer, prompt), prompt, (completion.strip(), *others)
        case Conversation(messages=messages):
            answers = [at for at, said in enumerate(messages) if said["role"] == "assistant"]
            if answers and answers[-1] > 0:
                before = messages[: answers[-1]]
                ids = render_prompt(tokenizer, before)
                said = messages[answers[-1]]["content"].strip()
                return ids, before[-1]["content"], (said, *others)
    raise DataError(
        "the row asks nothing: no answer in it has something before it",
        uri=row.uri,
        row=row.number,
        help="give rows of `question` and `answer`, of `prompt` and `completion`, or `messages` "
        "that an `assistant` answers",
    )
