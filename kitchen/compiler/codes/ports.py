"""K3: ports and the adapters behind them."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K301",
        "an unknown port",
        why="""A port is known by the adapters that are installed for it. Under a name that no
            adapter provides, the line would have no effect.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: {model: tiny, dataset: ./chat.jsonl}
            adapters:
              trainning: noop
              datasets: files
              metrics: parquet
        """,
        cure="""Spell it as `kitchen list ports` does, or install the package that provides its
            adapters.""",
    ),
    page(
        "K302",
        "an unknown adapter",
        why="""Adapters are found by name among the installed packages; none of them provides this
            one.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: {model: tiny, dataset: ./chat.jsonl}
            adapters:
              training: torhc
              datasets: files
              metrics: parquet
        """,
        cure="""Spell it as `kitchen list adapters` does, or install the package that provides
            it.""",
    ),
    page(
        "K303",
        "a setting the adapter does not have",
        why="""A misspelled setting that is passed over in silence would leave the default in
            force.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: {model: tiny, dataset: ./chat.jsonl}
            adapters:
              training: {use: torch, devise: cpu}
              datasets: files
              metrics: parquet
        """,
        cure="""Spell it as `kitchen list adapters` does.""",
    ),
    page(
        "K304",
        "a setting the adapter must have",
        why="""A setting without a default is one that nobody but you can choose.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: reinforcement
            params: {model: tiny}
            adapters:
              environment: rows
              training: noop
              sampling: noop
              metrics: parquet
        """,
        cure="""Write it beside `use:`.""",
    ),
    page(
        "K305",
        "an adapter's setting of the wrong type or out of its range",
        why="""An adapter declares what its settings may be, so that a wrong one is found before it
            opens anything.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: {model: tiny, dataset: ./chat.jsonl}
            adapters:
              training: {use: torch, threads: many}
              datasets: files
              metrics: parquet
        """,
        cure="""Write a value of the type, or within the bounds, that the message names.""",
    ),
    page(
        "K306",
        "a port that a stage needs and nobody binds",
        why="""A stage reaches the world only through ports, and the recipe decides who stands
            behind each. Kitchen picks none by itself: where a model trains and what that costs is
            for you to say.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {dataset: ./chat.jsonl}
            adapters:
              training: noop
            ---
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
              - stage: save_weights
        """,
        cure="""Bind it in the recipe: `adapters: {port: adapter}`.""",
    ),
    page(
        "K307",
        "an adapter that cannot do what a stage asks",
        why="""Adapters of one port differ in what they can do and declare it, so that a missing
            loss is found now and not at step 4,000.""",
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
              - stage: tokenize
              - stage: open_teachers
                with: {models: [nano]}
              - stage: soft_targets
              - stage: build_soft_batches
              - loop: batch
                over: batches
                steps:
                  - stage: distill
                    with: {soft_loss: tempered_crossentropy}
                  - stage: optim_step
                    with: {learning_rate: 1e-3}
                  - stage: log_metrics
        """,
        cure="""Bind another adapter to the port, or ask for something that this one can do.""",
    ),
    page(
        "K308",
        "an adapter that nothing needs",
        why="""No stage that will run uses the port, so the line has no effect. Often the stage
            that was to use it is missing, or was removed.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            params: {dataset: ./chat.jsonl}
            adapters:
              datasets: files
              training: noop
              metrics: parquet
            ---
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
              - stage: save_weights
        """,
        cure="""Take the line out of `adapters:`.""",
    ),
)
