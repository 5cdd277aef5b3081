"""Run inside of Airflow's environment: read every DAG of a folder, run those that are named.

    python inside.py FOLDER [DAG_ID ...]

Prints one line of JSON behind a mark, for whatever else Airflow prints: the faults of each file,
the tasks of each DAG with what they wait for, and the states of each run.
"""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace

MARK = "what airflow says: "


def pods(dag):
    """The pod of each task that has one, as it would be asked for; of a mapped one, at 2."""
    found = {}
    for task in dag.tasks:
        if task.task_type == "KitchenPod":
            from kubernetes.client import ApiClient

            plain = task.unmap({"at": "2"}) if hasattr(task, "expand_input") else task
            instance = SimpleNamespace(
                dag_id=dag.dag_id, task_id=task.task_id, map_index=-1, try_number=1
            )
            params = {"run": "", "base": "$(HOME)/{{ run_id }}"}
            context = {"dag": dag, "ti": instance, "run_id": "r1", "params": params}
            pod = plain.build_pod_request_obj(context)
            found[task.task_id] = ApiClient().sanitize_for_serialization(pod)
    return found


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
        "pods": {dag_id: pods(dag) for dag_id, dag in bag.dags.items()},
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
