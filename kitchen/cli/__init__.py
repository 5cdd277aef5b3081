"""The command line."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """The `kitchen` command; gives its exit code.

    Only a run lasts long enough for garbage to be worth collecting. As the process ends, the
    interpreter would look through all that was made once more: frozen objects it leaves alone.
    """
    if sys.argv[1:2] != ["run"]:
        gc.disable()
    from kitchen.cli.application import main

    try:
        return main()
    finally:
        gc.freeze()
