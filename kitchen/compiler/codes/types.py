"""K2: values of one type where another is asked for.

K20_ values on edges, K21_ what loops carry, K22_ settings, K25_ expressions.
"""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K201",
        "a value of another type than the input takes",
        why="""Stages state what they take and give, so a value in the wrong place is found before
            anything is loaded and not by an `AttributeError` in the third hour.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                as: rows
                with: {source: "${dataset}"}
              - stage: build_batches
                in: {tokens: rows}
                with: {batch_size: 4}
        """,
        cure="""Bind the input to a value of its type; the second place shown is where the value
            at hand comes from.""",
    ),
    page(
        "K202",
        "a value that may be absent where one is needed",
        why="""What is defined on one path only (in a guarded step, or in one arm of an `if:`) is
            optional after it. A stage that needs the value would fail whenever the other path was
            taken.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              subset: {type: bool, default: false}
            steps:
              - stage: load_dataset
                as: rows
                with: {source: "${dataset}"}
              - stage: split_dataset
                in: {dataset: rows}
                when: subset
                with: {fraction: 0.5}
              - stage: load_tokenizer
                in: {dataset: held_out}
                with: {model: tiny}
        """,
        cure="""Guard the reader with the same `when:`, or say what stands in for the missing value:
            `default(value, other)`.""",
    ),
    page(
        "K203",
        "a condition or count of another type",
        why="""A guard is true or false and a count is a whole number. Kitchen does not guess which
            numbers or texts were meant to be true.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              copies: {type: int, default: 0}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
                when: copies
        """,
        cure="""Compare it: `when: copies > 0`.""",
    ),
    page(
        "K210",
        "a value that changes its type in a loop",
        why="""What a loop carries enters each round as it left the one before, so it has one type.
            """,
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              source: {type: str}
            steps:
              - loop: attempt
                over: range(2)
                steps:
                  - stage: load_dataset
                    with: {source: "${source}"}
        """,
        cure="""Give the new value another name (`as:`), or make both of one type.""",
    ),
    page(
        "K211",
        "a value that has no items",
        why="""`over:` goes through the items of a list, a range or a stream. Other values are one
            thing.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, default: 2}
            steps:
              - loop: epoch
                over: epochs
                steps: []
        """,
        cure="""Count with `range(n)`, or go over a list or a stream.""",
    ),
    page(
        "K221",
        "a setting of the wrong type",
        why="""A setting is checked against the type that the stage declares before anything
            runs.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: split_dataset
                with: {fraction: half}
        """,
        cure="""Write a value of the type named in the message. Quotes make a text of
            a number: `"7"` is a text, `7` is not.""",
    ),
    page(
        "K222",
        "a setting out of its range",
        why="""The stage declares the values that make sense; others would fail later, or train
            something else than was meant.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: split_dataset
                with: {fraction: 1.5}
        """,
        cure="""Take a value within the bounds, or one of the choices, that the message names.""",
    ),
    page(
        "K223",
        "a setting that is not finite",
        why="""A plan, a task and a checkpoint are written as JSON. Numbers without a value (`nan`,
            `inf`) have no form there and would be read back as something else.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: split_dataset
                with: {fraction: "${1e308 * 10}"}
        """,
        cure="""Write a finite number; where no limit is meant, leave the setting out.""",
    ),
    page(
        "K224",
        "a setting that cannot be computed",
        why="""An expression of parameters alone is computed before anything runs. This one has no
            value, and would have none later.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              parts: {type: int, default: 0}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: split_dataset
                with: {fraction: "${1 / parts}"}
        """,
        cure="""Change the parameters it reads, or keep it from dividing by zero:
            `max(parts, 1)`.""",
    ),
)
