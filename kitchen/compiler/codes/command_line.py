"""K09: what was typed is no command of kitchen's."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K090",
        "an unknown command",
        why="""The first word after `kitchen` says what to do; there is nothing of that name.""",
        cure="""`kitchen --help` lists the commands.""",
    ),
    page(
        "K091",
        "an unknown option",
        why="""An option that is passed over in silence would leave out what it was meant to do.""",
        cure="""Spell it as the command's `--help` does.""",
    ),
    page(
        "K092",
        "something missing on the command line",
        why="""A command needs its arguments, and an option the value after it.""",
        cure="""Add it; the command's `--help` shows the order.""",
    ),
    page(
        "K093",
        "a value that an option or argument does not take",
        why="""What it takes is a fixed choice, or depends on the other options: a drawing has no
            program text, for one.""",
        cure="""Use one of the values that the message or `--help` lists.""",
    ),
    page(
        "K094",
        "a `--set` without a value",
        why="""`--set` gives one parameter one value, as `name=value`.""",
        cure="""Write `--set epochs=2`; for an adapter, `--set adapters.training=noop`.""",
    ),
    page(
        "K095",
        "a file that cannot be written",
        why="""A file that is there is never written over without being asked to, and a folder may
            be missing or closed.""",
        cure="""Choose another name or folder.""",
    ),
    page(
        "K096",
        "nothing of that name to explain or list",
        why="""`kitchen explain` knows the codes of messages, and what is installed: stages, ports,
            adapters and workflows.""",
        cure="""`kitchen list` shows what there is.""",
    ),
    page(
        "K097",
        "an installed package that does not fit",
        why="""Stages and adapters come from installed packages. Two give the same name, or one
            names something that is not in it.""",
        cure="""Remove or update the package that the message names.""",
    ),
)
