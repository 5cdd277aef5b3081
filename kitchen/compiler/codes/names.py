"""K10_ and K11_: names that stand for nothing, and what a stage takes."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K101",
        "an unknown stage",
        why="""Stages are found by name among the installed packages; none of them provides this
            one. What it would have made is not known either, so names that only it could define
            are not reported beside it.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_datset
                with: {source: "${dataset}"}
        """,
        cure="""Spell it as `kitchen list stages` does, or install the package that provides it.""",
    ),
    page(
        "K102",
        "a name that stands for nothing",
        why="""A name is a parameter, a value that an earlier step made, or the variable of a loop
            around. This one is none of them anywhere in the template.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${datset}"}
        """,
        cure="""Spell it as it was defined; outputs are named by `as:`, or by their type.""",
    ),
    page(
        "K103",
        "an input the stage does not have",
        why="""`in:` binds the inputs that a stage declares. Under another name, the value would go
            nowhere.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                as: rows
                with: {source: "${dataset}"}
              - stage: load_tokenizer
                in: {dataset: rows, data: rows}
                with: {model: tiny}
        """,
        cure="""Spell it as `kitchen explain STAGE` lists it. Settings stand under `with:`.""",
    ),
    page(
        "K104",
        "a value that is read before it is made",
        why="""Steps run from top to bottom. Here the step that makes the value stands below the
            one that reads it.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              source: {type: str}
            steps:
              - stage: load_tokenizer
                in: {dataset: rows}
                with: {model: tiny}
              - stage: load_dataset
                as: rows
                with: {source: "${source}"}
        """,
        cure="""Move the step that makes it up.""",
    ),
    page(
        "K105",
        "a value that is read outside the steps that make it",
        why="""What a loop makes in its body is made anew in each round, and is gone after it. Only
            names that stood before the loop are carried out of it.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              source: {type: str}
            steps:
              - loop: attempt
                over: range(2)
                steps:
                  - stage: load_dataset
                    as: rows
                    with: {source: "${source}"}
              - stage: load_tokenizer
                in: {dataset: rows}
                with: {model: tiny}
        """,
        cure="""Read it inside, or define the name before the loop, so that the loop carries it.""",
    ),
    page(
        "K106",
        "an old version of a handle",
        why="""A session that was trained is not the one that was opened: there is one model in
            memory, and its old weights are gone. The update gave the name a new version, and only
            that can be read. What was made from the handle, as a sampler is from a session, is out
            of date with it.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: load_tokenizer
                with: {model: tiny}
              - stage: open_session
                with: {model: tiny}
              - stage: open_sampler
              - stage: tokenize
              - stage: build_batches
              - loop: batch
                over: batches
                steps:
                  - stage: forward_backward
                  - stage: optim_step
                    with: {learning_rate: 1e-3}
                  - stage: log_metrics
              - stage: rollout
                with: {problems: 8, split: held_out}
              - stage: measure_outcome
              - stage: log_outcome
                with: {step: 0}
        """,
        cure="""Read the name that the update gave it, and make again what was made from it. Where
            an inlined workflow updates the session, bring the new version out with `as:`.""",
    ),
    page(
        "K107",
        "a name for an output the stage does not have",
        why="""`as:` names the outputs that a stage declares, in order or by name.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                as: [rows, more]
                with: {source: "${dataset}"}
        """,
        cure="""Give one name for each output; `kitchen explain STAGE` lists them.""",
    ),
    page(
        "K108",
        "a value the inlined workflow does not make",
        why="""A workflow step sees nothing of what is inside the other template but what `as:`
            brings out of it, by the name it has there.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - workflow: supervised
                as: {wieghts: trained}
                with: {model: tiny, dataset: "${dataset}"}
        """,
        cure="""Name a value that the steps of the other template define.""",
    ),
    page(
        "K109",
        "a handle that is read after it was closed",
        why="""The stage that closes a session lets go of its model. Whatever reads the session
            after that finds nothing, and so does what was made from it.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: load_tokenizer
                with: {model: tiny}
              - stage: open_session
                with: {model: tiny}
              - stage: close_session
              - stage: save_weights
        """,
        cure="""Close it after the last step that reads it, or leave that to `finally:`.""",
    ),
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
)
