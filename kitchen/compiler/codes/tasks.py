"""K502 to K509, and K559: tasks that run by themselves, in the folder of one run."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K502",
        "a file that is no plan of tasks",
        why="""`kitchen task` runs one task of a plan: a file with the tasks of a program, the
            adapters they use and the text that they were compiled from. What `kitchen compile`
            prints for people and scripts is another file.""",
        cure="""Give it the `plan.json` that `kitchen export` writes beside the workflow, or
            that of a run that `kitchen run --tasks` began.""",
    ),
    page(
        "K503",
        "a plan of another version",
        why="""The file says in which version of the format it is written. A kitchen that does
            not know that version could take it for something else.""",
        cure="""Export the recipe again by the kitchen that is to run its tasks, or run them by
            the kitchen that exported it: the image of the tasks names which one that is.""",
    ),
    page(
        "K504",
        "a plan that was changed since it was written",
        why="""A plan carries a checksum of its content. A plan that was cut short on its way,
            or edited, would run something else than what was compiled and checked.""",
        cure="""Copy the file again, or export the recipe again. What a run does is changed in
            the recipe, where it is checked.""",
    ),
    page(
        "K505",
        "a task that the plan does not have",
        why="""Tasks and groups are called as `kitchen compile --show tasks` calls them. A
            workflow that was exported from another state of the recipe may know others.""",
        cure="""Use the name from the list, and the plan that was exported with the workflow.""",
    ),
    page(
        "K506",
        "a place that a task does not have",
        why="""A task in a map or loop runs at a place: one index for each map and loop around
            it, outermost first, joined by dots. A task outside of them has none.""",
        cure="""Give `--at` as many indices as there are maps and loops around the task, such as
            `--at 2` or `--at 2.0`; `kitchen compile --show tasks` shows them.""",
    ),
    page(
        "K507",
        "a folder that tasks cannot share",
        why="""The tasks of one run give each other what they make in a folder: on one machine,
            or on a disk that all of their machines see. Other stores do not rename and lock as
            that takes.""",
        cure="""Give `--run` a path or a `file://` URI on such a disk, and a new one for each
            run.""",
    ),
    page(
        "K508",
        "what a task needs was never made",
        why="""A task reads what others made from the folder of the run. There is no outcome of
            one of them there: it has not run, it failed, or it ran in another folder.""",
        cure="""Run the task that is named first, with the same `--run`. An exported workflow
            does so by itself.""",
    ),
    page(
        "K509",
        "a value that cannot travel between tasks",
        why="""What one task makes and another reads is written down between them. Scalars,
            lists and records of them, and artifacts can be; other objects live in one process.""",
        cure="""Let the stage that makes it give a record or an artifact, or derive the class
            from `Handle`: the steps that use it are then one task.""",
    ),
    page(
        "K559",
        "a store that lives in one process",
        why="""What a `memory` adapter is given is gone when its process ends. Run in one process,
            every step finds it; run in tasks, each has a memory of its own, and would find
            nothing of what another task has put there.""",
        cure="""Bind an adapter that keeps what it is given where other processes find it, such as
            `files`; or run the recipe in one process, by `kitchen run` without `--tasks`.""",
    ),
)
