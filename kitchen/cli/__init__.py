"""The command line."""

from __future__ import annotations


def main() -> int:
    """The `kitchen` command; gives its exit code."""
    from kitchen.cli.application import main

    return main()
