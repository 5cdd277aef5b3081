"""K012 to K02_ and K04_: what is read is no recipe or template, or names none."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K012",
        "a template where a recipe is wanted, or the reverse",
        why="""A recipe says what to train and names a workflow; a template says how, in steps.
            Commands take recipes; `workflow:` takes templates.""",
        example="""
            kitchen: 1
            workflow: example
            steps: []
        """,
        cure="""Write a recipe that names the template: `workflow: ./template.yaml`.""",
    ),
    page(
        "K013",
        "a document without the version of the language",
        why="""The version keeps an old recipe meaning what it meant when the language moves
            on.""",
        example="""
            recipe: example
            workflow: supervised
        """,
        cure="""Start the document with `kitchen: 1`.""",
    ),
    page(
        "K020",
        "an unknown key",
        why="""A misspelled key that is passed over in silence would leave a default in force.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            adaptors: {training: torch}
        """,
        cure="""Spell it as the message suggests. Settings of a stage stand under its `with:`.""",
    ),
    page(
        "K021",
        "a key that is missing",
        why="""Nothing can be taken for what this key would say.""",
        example="""
            kitchen: 1
            recipe: example
        """,
        cure="""Add it.""",
    ),
    page(
        "K022",
        "a list, a mapping or a value where another is wanted",
        why="""The shape of a document says what belongs to what; from the wrong shape nothing can
            be taken without guessing.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: [epochs, 3]
        """,
        cure="""Write the shape that the message names.""",
    ),
    page(
        "K023",
        "a step of no kind, or of two",
        why="""A step is a `stage`, a `loop`, a `map`, an `if` or a `workflow`.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stge: load_dataset
        """,
        cure="""Start the step with its kind; write two steps for two kinds.""",
    ),
    page(
        "K024",
        "a name that cannot be one",
        why="""Values and parameters are read in expressions, so their names are words there; names
            of recipes and workflows become names of folders.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              batch-size: {type: int}
            steps: []
        """,
        cure="""Use letters, digits and `_`: `batch_size`.""",
    ),
    page(
        "K025",
        "a number that cannot be held",
        why="""Numbers are kept in 64 bits and written as JSON, where infinity and `nan` have no
            form.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              rate: {type: float, default: .inf}
            steps: []
        """,
        cure="""Write a finite number; leave the setting out where no limit is meant.""",
    ),
    page(
        "K026",
        "an annotation that cannot be followed",
        why="""Retries, timeouts and resources are handed to whatever runs the stage, which would
            refuse them hours later.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                timeout: soon
        """,
        cure="""Write times as `30s`, `5m` or seconds, memory as `4Gi`, counts as numbers.""",
    ),
    page(
        "K027",
        "a declaration that contradicts itself",
        why="""No value could satisfy it, or its bounds mean nothing for its type.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, min: 10, max: 1}
            steps: []
        """,
        cure="""Types are `str`, `int`, `float`, `bool`, `record` and `list[...]`, with `?` behind
            for what may be absent; `min` and `max` are for numbers.""",
    ),
    page(
        "K040",
        "a workflow that does not exist",
        why="""A recipe names a shipped workflow, or a file whose name ends in `.yaml`.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervized
        """,
        cure="""`kitchen list workflows` lists them; a file is named by its path from the folder of
            the document: `./workflow.yaml`.""",
    ),
    page(
        "K041",
        "a workflow that inlines itself",
        why="""Inlining it would never end.""",
        cure="""Take the step out; write a `loop` where steps are to be run again.""",
    ),
    page(
        "K042",
        "workflows that inline too much",
        why="""Templates that inline templates can grow without bound from a few lines.""",
        cure="""Inline less; write a `loop` where steps are to be run again.""",
    ),
)
