"""K6: data sets that cannot be trained on."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K601",
        "data that cannot be read",
        why="""A file is missing or of no known kind, or a row of it cannot be read or has not the
            columns that its format needs. Leaving such rows out in silence would train on less
            than was asked for.""",
        cure="""Look at the row that is named: its number is that of the line in a text file, of the
            row in a Parquet or Arrow file.""",
    ),
    page(
        "K602",
        "a data set without rows",
        why="""There is nothing to train on.""",
        cure="""Name another file, add rows, or hold out fewer of them.""",
    ),
    page(
        "K603",
        "nothing in the data is trained on",
        why="""Every token of the rows looked at is context only: the loss would be 0 at each step,
            and the model would stay what it is.""",
        cure="""Give conversations that an `assistant` answers in, or train on all of the text with
            `train_on: all`.""",
    ),
    page(
        "K604",
        "nothing that is trained on is left after cutting",
        why="""Rows are cut at `max_length`, and answers stand at the end: with all of them cut off,
            the loss would be 0 at each step.""",
        cure="""Raise `max_length`, or shorten the prompts.""",
    ),
    page(
        "K605",
        "no row is trained to end",
        why="""The token that ends a sequence is cut off in every row. A model that never learns it
            does not stop when it is sampled from.""",
        cure="""Raise `max_length` until most rows are whole.""",
    ),
    page(
        "K606",
        "rows that begin twice",
        why="""The token that begins a sequence stands there two times, which the model has not seen
            before and will not see when it is sampled from.""",
        cure="""Take the token out of the text of the data, or out of the chat template.""",
    ),
    page(
        "K607",
        "a tokenizer that cannot be had",
        why="""The tokenizer says what the rows are made of; without it none can be looked at.""",
        cure="""Name a preset, a local directory or a hub id that the `training` adapter can load
            here.""",
    ),
)
