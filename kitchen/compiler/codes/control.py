"""K4: loops, branches, and what is asked of the way that steps are run.

K40_ control flow, K41_ annotations.
"""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K401",
        "a loop with no way to end",
        why="""`while:` and `until:` may hold for ever, and a run that never ends costs until
            somebody looks. `max:` bounds it.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - loop: attempt
                while: "true"
                steps:
                  - stage: load_dataset
                    as: rows
                    with: {source: "${dataset}"}
        """,
        cure="""Give the loop a `max:`, or go over a range.""",
    ),
    page(
        "K402",
        "a map that updates what all its items share",
        why="""The items of a `map:` run at the same time. If each updated one session, the result
            would depend on which came first.""",
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
              - map: rate
                over: "[1e-4, 1e-3]"
                steps:
                  - stage: optim_step
                    with: {learning_rate: "${rate}"}
        """,
        cure="""Use `loop:`, which goes one by one, or open a session inside the map.""",
    ),
    page(
        "K403",
        "a workflow with no effect",
        why="""No step that is left writes anything: no weights, no metrics, no file. All its work
            would be thrown away, so kitchen removes it, and nothing remains.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {dataset: ./chat.jsonl}
            adapters:
              datasets: files
            ---
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
        """,
        cure="""Add the step that keeps the result, such as `save_weights`.""",
    ),
    page(
        "K404",
        "a condition that is never true",
        why="""A step that is to run every so often never does: its loop ends before the first time.
            Nothing would be evaluated or saved, without a word.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {dataset: ./chat.jsonl, epochs: 3, save_every: 10}
            adapters:
              training: noop
              datasets: files
            ---
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
              epochs: {type: int, default: 10}
              save_every: {type: int, default: 5, min: 1}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
              - stage: load_tokenizer
                with: {model: tiny}
              - stage: open_session
                with: {model: tiny}
              - loop: epoch
                over: range(epochs)
                steps:
                  - stage: save_weights
                    when: (epoch + 1) % save_every == 0
        """,
        cure="""Lower the interval, or run more iterations; 0 where never is meant.""",
    ),
    page(
        "K411",
        "times that leave no time",
        why="""A step that may take no time at all fails whenever it runs, and a first wait longer
            than the longest is not a wait that grows.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              dataset: {type: str}
            steps:
              - stage: load_dataset
                with: {source: "${dataset}"}
                timeout: 0
        """,
        cure="""Give `timeout:` a time above zero, and make `max_backoff` at least as long as
            `backoff`.""",
    ),
    page(
        "K413",
        "`cache:` on a step whose result cannot be kept",
        why="""A cached step is not run again. One that writes must be, and a session or another
            handle lives in one process and cannot be stored.""",
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
                cache: true
              - stage: save_weights
        """,
        cure="""Cache the steps before it, which make what it reads.""",
    ),
    page(
        "K414",
        "`retry:` on a step that updates a handle",
        why="""A step that fails half-way has already changed the session: gradients were added, or
            the optimizer has stepped. Trying it again applies them twice, and the run goes on with
            other weights than it says.""",
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
              - stage: optim_step
                with: {learning_rate: 1e-3}
                retry: {times: 3}
              - stage: save_weights
        """,
        cure="""Take `retry:` off this step. Adapters repeat lost requests by themselves where
            that is safe, and a run that failed is resumed from its last checkpoint.""",
    ),
)
