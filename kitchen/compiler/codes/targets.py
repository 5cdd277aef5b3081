"""K5: schedules, targets, and what a target cannot express."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K501",
        "one task in two images",
        why="""Steps that share a handle (a session, a stream) run in one process, and so in one
            image. So do steps whose tasks would wait for each other.""",
        cure="""Give both steps the same `image:`, or one of them none. Where they need not share,
            save what the first made and let the other load it: an artifact travels.""",
    ),
    page(
        "K550",
        "a folder that cannot be exported to",
        why="""An export is a folder that is there whole or not at all, and takes the place of an
            earlier one. What else lies in it, or was changed by hand, would be lost.""",
        cure="""Name a new or an empty folder, or one that holds an export as it was written. What
            was changed by hand belongs into the recipe: its `targets:` has what engines are
            told.""",
    ),
    page(
        "K551",
        "a schedule that engines cannot follow",
        why="""An engine takes a schedule when a workflow is submitted and is silent afterwards: a
            time that never comes, or that engines read in different ways, would be found out
            weeks later.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            schedule: 0 25 * * *
            ---
            kitchen: 1
            workflow: example
            steps: []
        """,
        cure="""Write minute, hour, day of the month, month and day of the week: `0 3 * * *` is
            every day at three, `30 8 * * mon-fri` every working day at half past eight; or one of
            `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.""",
    ),
    page(
        "K552",
        "a time zone that does not exist",
        why="""Engines look it up by name when they are given the workflow.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            schedule: {cron: 0 3 * * *, timezone: Europe/Berlim}
            ---
            kitchen: 1
            workflow: example
            steps: []
        """,
        cure="""Name a zone of the IANA database, such as `Europe/Berlin` or `America/New_York`;
            without one it is `UTC`.""",
    ),
    page(
        "K553",
        "a target that does not exist",
        why="""Settings of a target that nothing can be exported to would never be read.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: example
            targets:
              argos: {namespace: training}
            ---
            kitchen: 1
            workflow: example
            steps: []
        """,
        cure="""`kitchen list targets` lists them.""",
    ),
    page(
        "K554",
        "a secret in an export",
        why="""An export is copied, reviewed and kept: in a repository, in a cluster, in the log of
            a scheduler. What stands in it is no secret any more.""",
        cure="""Name where it is found: `api_key: {env: NAME}` in the recipe, and `secrets:` in the
            section of the engine, which gives the process that variable. Change a key that was
            written down.""",
    ),
)
