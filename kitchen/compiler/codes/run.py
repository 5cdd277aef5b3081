"""K7: what goes wrong while a program runs."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K701",
        "a step that failed",
        why="""What a step asked of its adapter, of the machine or of its own arithmetic could not
            be done. The run ends with exit code 3; what was committed before stays loadable.""",
        cure="""Do what the message says, then go on from the last checkpoint with
            `kitchen run --resume DIR`. Where the message is no help, `--traceback` shows the place
            in the code.""",
    ),
    page(
        "K702",
        "data that a step cannot use",
        why="""A row cannot be read, or means nothing in the format that was asked for. Leaving it
            out in silence would train on other data than the recipe says.""",
        cure="""Correct the row that the message names, or choose the `format:` that it is in.""",
    ),
    page(
        "K703",
        "an adapter that cannot be made ready",
        why="""Adapters are made before the first step runs. One may need a package that is not
            installed, a device that is not there, or another setting.""",
        cure="""Install what the message names, or bind another adapter in the recipe.""",
    ),
    page(
        "K704",
        "a folder that is not what the command needs",
        why="""A new run begins in a folder of its own, and a run that goes on needs the folder it
            began in, with the plan and the data it began with.""",
        cure="""`kitchen runs` lists runs; `--run-dir` names another folder.""",
    ),
    page(
        "K705",
        "a run that another process is writing",
        why="""Two writers would tear each other's checkpoints, so one holds a lock. The kernel lets
            go of it when that process ends, however it ends.""",
        cure="""Wait for that process to end, or stop it.""",
    ),
    page(
        "K706",
        "a disk that does not take or give what was asked",
        why="""It may be full, read-only, or failing. What was committed before is whole: files and
            folders appear under their names only when all their bytes are on the disk.""",
        cure="""Make room or change the folder, then go on with `kitchen run --resume DIR`.""",
    ),
)
