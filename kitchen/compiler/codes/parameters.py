"""K125 to K16_: parameters, functions and fields, by name and by value."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
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
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {dataset: ./chat.jsonl, held_out: false, fraction: 0.2}
            adapters:
              training: noop
              datasets: files
            ---
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              held_out: {type: bool, default: true}
              fraction: {type: float, default: 0.1}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: load_tokenizer
                with: {model: tiny}
              - stage: open_session
                with: {model: tiny}
              - stage: split_dataset
                with: {fraction: "${fraction}"}
                when: held_out
              - stage: save_weights
        """,
        cure="""Take it out of the recipe, or set what brings those steps back; the message says
            why they went.""",
    ),
    page(
        "K150",
        "a parameter that the workflow does not have",
        why="""A misspelled parameter that is passed over in silence would leave the default in
            force.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {dataset: ./chat.jsonl, epoch: 3}
            ---
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              epochs: {type: int, default: 1}
            steps: []
        """,
        cure="""Spell it as the template declares it; the second place shown is where.""",
    ),
    page(
        "K151",
        "a parameter that has to be given",
        why="""A parameter without a default is one that nobody but you can choose.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            ---
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps: []
        """,
        cure="""Add it under `params:`, or give it with `--set name=value`.""",
    ),
    page(
        "K152",
        "a parameter of another type",
        why="""The template declares what each parameter is, so a value that cannot work is found
            before anything runs.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {epochs: many}
            ---
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int}
            steps: []
        """,
        cure="""Write a value of the type that the message names.""",
    ),
    page(
        "K153",
        "a parameter out of its range",
        why="""The template declares the values that make sense; others would fail later, or train
            something else than was meant.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {epochs: 0}
            ---
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, min: 1}
            steps: []
        """,
        cure="""Take a value within the bounds.""",
    ),
    page(
        "K154",
        "a parameter that is none of its choices",
        why="""The template lists the values it knows what to do with.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {schedule: cosin}
            ---
            kitchen: 1
            workflow: example
            params:
              schedule: {type: str, choices: [constant, cosine]}
            steps: []
        """,
        cure="""Take one of those listed.""",
    ),
    page(
        "K160",
        "a function that does not exist",
        why="""Expressions have `range`, `len`, `min`, `max`, `round` and `default`, and nothing
            else can be called.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, default: 1}
            steps:
              - loop: epoch
                over: rang(epochs)
                steps: []
        """,
        cure="""Use one of the six, or write a stage that computes it.""",
    ),
    page(
        "K161",
        "a field that a value does not have",
        why="""The fields that an expression may read are those that the type of the value
            declares.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, default: 1}
            steps:
              - loop: epoch
                over: range(epochs.count)
                steps: []
        """,
        cure="""Read one of the fields listed.""",
    ),
)
