"""Run inside of Airflow's environment: read two DAG files in turn, and print how long each took."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time

PAIRS = 5


def main(ours: str, theirs: str) -> None:
    import airflow
    from airflow.dag_processing.dagbag import DagBag

    def timed(path: str) -> float:
        gc.collect()
        start = time.process_time()
        bag = DagBag(path)
        taken = time.process_time() - start
        assert not bag.import_errors, bag.import_errors
        (dag,) = bag.dags.values()
        assert len(dag.tasks) > 1
        return taken

    timed(ours), timed(theirs)  # whatever is imported or compiled once
    first, second = list[float](), list[float]()
    for index in range(PAIRS):
        for each in ((first, ours), (second, theirs))[:: 1 if index % 2 else -1]:
            each[0].append(timed(each[1]))
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    found = {
        "ours": statistics.median(first),
        "theirs": statistics.median(second),
        "ratio": statistics.median(ratios),
        "version": airflow.__version__,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
