"""Run inside of Airflow's environment: read every DAG of a folder, run those that are named.

    python inside.py FOLDER [DAG_ID ...]

Prints one line of JSON behind a mark, for whatever else Airflow prints: the faults of each file,
the tasks of each DAG with what they wait for, and the states of each run.
"""

from __future__ import annotations

import json
import sys
import time

MARK = "what airflow says: "


def main(folder: str, names: list[str]) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 2
        from airflow.models.dagbag import DagBag
    bag = DagBag(folder)
    found = {
        "faults": bag.import_errors,
        "dags": {
            dag_id: {
                task.task_id: {
                    "upstream": sorted(task.upstream_task_ids),
                    "rule": str(task.trigger_rule),
                    "retries": task.retries,
                    "mapped": hasattr(task, "expand_input"),
                }
                for task in dag.tasks
            }
            for dag_id, dag in sorted(bag.dags.items())
        },
        "runs": {},
    }
    for name in names:
        started = time.monotonic()
        run = bag.dags[name].test()
        instances = sorted(
            (each.task_id, each.map_index, str(each.state), each.try_number)
            for each in run.get_task_instances()
        )
        found["runs"][name] = {
            "state": str(run.state),
            "id": run.run_id,
            "instances": instances,
            "seconds": time.monotonic() - started,
        }
    print(MARK + json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
