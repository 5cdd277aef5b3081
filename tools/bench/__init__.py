"""The figures: each is measured beside what it is compared with, in one run, and told as a ratio.

    make bench                                        all of them
    .venv-bench/bin/python -m tools.bench startup     one of them
    .venv-bench/bin/python -m tools.bench --json bench.json

A bench is a module here with `measure() -> Iterator[Figure]`. Peers live in .venv-bench alone.
"""
