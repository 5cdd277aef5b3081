"""K53: what Airflow cannot do, or not as asked."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K530",
        "a setting of Airflow's that does not fit",
        why="""What is said in `targets: airflow:` is written into the DAG. A name that is not
            known would have no effect, and a value of another kind would be found by Airflow when
            it reads the file.""",
        cure="""`docs/export.md` lists the settings with their values. What is said of pods
            (`image`, `namespace`, `volumes`) goes with `operator: kubernetes`.""",
    ),
    page(
        "K531",
        "a task on several machines",
        why="""Airflow runs each task on one machine, and its Kubernetes provider has no operator
            that starts a job of several and waits for it.""",
        cure="""Export to Argo, which makes a training job of it, or ask for one machine:
            `resources: {nodes: 1}`.""",
    ),
    page(
        "K532",
        "an image for a task in Airflow's worker",
        why="""With `operator: task` a task is a process in Airflow's worker, whose image is the
            worker's own. A step that needs another would run with whatever is installed there.""",
        cure="""Say `operator: kubernetes` in `targets: airflow:`, so that each task is a pod in its
            own image, or leave `image:` out.""",
    ),
    page(
        "K533",
        "resources that nobody hands out",
        why="""With `operator: task` tasks share the machine of Airflow's worker: no processors,
            memory or devices are set aside for one of them.""",
        cure="""Say `operator: kubernetes` in `targets: airflow:`, which gives each task a pod with
            what it asks for; or see to it that the worker's machine has enough, and bound how many
            tasks run at once with `pool:` or `max_active_tasks:`.""",
    ),
    page(
        "K534",
        "a pod without an image",
        why="""A pod is made of an image, and Airflow has none of its own to give.""",
        cure="""Say in `targets: airflow:` which image has kitchen in it: `image:
            registry.example/kitchen:0.1`; or give each step one.""",
    ),
    page(
        "K535",
        "a plan too large for a ConfigMap",
        why="""Pods read the plan from a ConfigMap, of which Kubernetes takes one mebibyte.""",
        cure="""Split the recipe in two, each of which is a DAG; or run the tasks in Airflow's
            worker, which reads the file itself.""",
    ),
    page(
        "K536",
        "a DAG that takes long to read",
        why="""Airflow reads a DAG again and again, twice a minute or so, and the time that takes
            grows with the square of its tasks: seconds from two thousand on.""",
        cure="""Make fewer tasks: steps in a line that ask for the same `resources:` and `image:`
            are one, and so is a loop that cannot be unrolled. Or split the recipe in two.""",
    ),
    page(
        "K537",
        "a map over very many items",
        why="""Airflow's scheduler handles each item of a map as a task. Lists that are made in the
            run it refuses beyond `core.max_map_length`, which is 1,024; longer ones slow it
            down.""",
        cure="""Make one item of several, so that each task does more: a map over batches, with
            a loop inside.""",
    ),
)
