"""K1: names that stand for nothing, and things that nothing names.

K10_ values and stages, K11_ what a stage takes, K12_ parameters, K13_ workflows.
"""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K110",
        "an input nobody produces",
        why="""A stage takes each input from the value of that name, or from the one that `in:`
            gives it. Where there is neither, the stage has nothing to work on.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              model: {type: str}
            steps:
              - stage: open_session
                with: {model: "${model}"}
        """,
        cure="""Add the stage that produces it before this one, name its output as the input is
            named (`as:`), or say which value it is (`in: {input: value}`).""",
    ),
    page(
        "K111",
        "a setting the stage does not have",
        why="""A misspelled setting that is passed over in silence would leave the default in force,
            and the difference would show after hours of training, if ever.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}", sorce: "${dataset}"}
        """,
        cure="""Spell it as `kitchen explain STAGE` lists it.""",
    ),
    page(
        "K112",
        "a setting the stage must have",
        why="""A setting without a default is one that nobody but you can choose.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
        """,
        cure="""Give it under `with:`.""",
    ),
    page(
        "K125",
        "a parameter that nothing reads",
        why="""A parameter is a promise: whoever sets it expects something to change. In a template
            where no step reads it, it never does.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              epochs: {type: int, default: 1}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
        """,
        cure="""Read it where it was meant to act, or take it out of the template's `params:`.""",
    ),
    page(
        "K126",
        "a parameter that has no effect",
        why="""The recipe sets it and the template reads it, but every step that does was removed
            from the program, so any other value would give the same run.""",
        example=None,
        cure="""Take it out of the recipe, or set what brings those steps back; the message says
            why they went.""",
    ),
)
