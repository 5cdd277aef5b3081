"""K03_ and K25_: expressions that cannot be read, and what operators and functions are given."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K030",
        "a text that is not an expression",
        why="""What stands in `${...}` and behind `when`, `if`, `over`, `while`, `until` and `max`
            is computed, so it has to be readable as an expression.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                when: 1 +
        """,
        cure="""Expressions are written as in Python: `epoch > 0 and not done`.""",
    ),
    page(
        "K031",
        "an expression beyond the language",
        why="""Expressions are literals, names, fields, arithmetic, comparison, `and`, `or`, `not`,
            `in`, `x if c else y` and six functions. A recipe is data: reading it must not be able
            to do anything.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                when: "(lambda: 1)()"
        """,
        cure="""Say it with what there is, or write a stage that computes it.""",
    ),
    page(
        "K032",
        "a `${` out of place",
        why="""`${...}` marks an expression inside a text. Where an expression stands alone there is
            nothing to mark, and a `${` without its `}` has no end.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                with: {source: "${dataset"}
        """,
        cure="""Close it, or write `$${` for a literal `${`.""",
    ),
    page(
        "K033",
        "an expression that is too long or too deep",
        why="""The bounds keep a document from using up the machine that reads it.""",
        example="kitchen: 1\nworkflow: example\nsteps:\n  - stage: load_dataset\n    when: "
        + "not " * 60
        + "true\n",
        cure="""Compute it in steps, or in a stage.""",
    ),
    page(
        "K250",
        "operands that do not go together",
        why="""An expression is typed when it is read, so that `epochs > "3"` is found now and not
            when the loop around it has run for an hour.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, default: 1}
            steps:
              - if: epochs > "3"
                then: []
        """,
        cure="""Compare and compute values of one kind. A condition is true or false: write `x > 0`
            rather than `x`.""",
    ),
    page(
        "K251",
        "an expression that needs a value which may be absent",
        why="""What is optional may be absent when the expression is computed, and nothing can be
            computed from nothing.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              limit: {type: "int?"}
            steps:
              - if: limit > 3
                then: []
        """,
        cure="""Say what stands in for it, `default(limit, 0) > 3`, or test it first,
            `limit != None and limit > 3`.""",
    ),
    page(
        "K253",
        "an expression with two types",
        why="""`x if c else y` has one type, whichever way the condition goes.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, default: 1}
            steps:
              - loop: epoch
                over: range(epochs if epochs > 0 else "none")
                steps: []
        """,
        cure="""Make both the same type.""",
    ),
    page(
        "K254",
        "a value that has no text",
        why="""Numbers, texts, and true or false can stand inside a longer text. Lists, records and
            handles have no one way to be written there.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              names: {type: "list[str]", default: []}
            steps:
              - stage: load_dataset
                with: {source: "data-${names}"}
        """,
        cure="""Put one of its fields there, or make the `${...}` the whole value.""",
    ),
)
