"""Tasks as pods: the operator of a DAG file, what each pod is given, the ConfigMap of the plan.

The provider of Kubernetes reads most texts that it is given as templates of jinja. The command of a
pod is therefore put together by Python in the file, and every other text is written so that the
template says what was meant.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from kitchen.compiler.targets.airflow import pod_objects as objects
from kitchen.compiler.targets.airflow.naming import dag_id
from kitchen.compiler.targets.airflow.python_source import assign, call, comment, literal
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.names import dns_names
from kitchen.compiler.targets.target import Exported
from kitchen.ir.task_graph import Task

Options = dict[str, ast.expr]

STANDARD = """\
from datetime import timedelta

import pendulum
"""


def imports(settings: Settings) -> list[str]:
    """What is imported of the provider."""
    home = "from airflow.providers.cncf.kubernetes"
    secret = [f"{home}.secret import Secret"] if settings.secrets else []
    pod = f"{home}.operators.pod import KubernetesPodOperator"
    return [pod, *secret, "from kubernetes.client import models as k8s"]


RUNNING = '''

class KitchenPod(KubernetesPodOperator):
    """A pod that runs one task of the plan at a place, or asks what a group of tasks goes by.

    A place is the index of each map and loop around a task, joined by dots. The exit codes of
    `kitchen task`: 0 done, 2 bad input, 3 a step failed, 75 stopped and to be resumed, 99 not to
    be run.
    """

    def __init__(self, *, kitchen_task, at="", below="", attempts=1, every=False, **options):
        super().__init__(**{**POD, **options})
        self.kitchen_task, self.attempts, self.every = kitchen_task, attempts, every
        self.place = ".".join(filter(None, [at, below]))

    def build_pod_request_obj(self, context=None, **options):
        """The pod; what is put into it here is no template, and no variable of Kubernetes's."""
        self.attempt = context["ti"].try_number
        params = {name: value.replace("$(", "$$(") for name, value in context["params"].items()}
        run = params["run"] or f"{RUNS}/{context['run_id']}"
        pod = super().build_pod_request_obj(context, **options)
        container = pod.spec.containers[0]
        container.command, container.args = KITCHEN, ["task", PLAN, self.kitchen_task]
        container.args += [f"--run={run}"]
        container.args += [f"--at={self.place}"] if self.place else []
        container.args += [f"--base={params['base']}"] if params["base"] else []
        container.args += ["--every"] if self.every else []
        if self.do_xcom_push:
            container.args += ["--decisions-json=/airflow/xcom/return.json"]
        given = [k8s.V1EnvVar(name, value) for name, value in ENVIRONMENT.items()]
        container.env = [*given, *(container.env or [])]
        return pod

    def cleanup(self, pod, remote_pod, *args, **options):
        """Delete the pod, and say by its exit code whether another attempt is worth anything."""
        try:
            super().cleanup(pod, remote_pod, *args, **options)
        except AirflowSkipException:
            raise
        except AirflowException as failure:
            code = exit_code(remote_pod)
            stopped = code is None or code == 75 or code > 128
            if code == 2 or not stopped and self.attempt >= self.attempts:
                raise AirflowFailException(f"{self.kitchen_task} failed: exit {code}") from failure
            raise
        finally:  # `airflow dags test` tries again with the same operator
            self.pod = self.pod_request_obj = None


def exit_code(pod):
    """The exit code of a pod's main container; None if it never came to one."""
    for each in (pod.status and pod.status.container_statuses) or []:
        if each.name == "base" and each.state and each.state.terminated:
            return each.state.terminated.exit_code
    return None
'''


def constants(exported: Exported, settings: Settings) -> Iterator[str]:
    """What all pods have in common."""
    yield f'PLAN = "{objects.PLAN_FOLDER}/plan.json"\n'
    yield comment("Each run has a folder of its own in here, which all pods of it share.", "")
    yield assign("RUNS", literal(runs_of(settings)))
    yield assign("KITCHEN", literal(settings.kitchen))
    yield assign("ENVIRONMENT", literal(settings.env))
    pod: Options = {
        "name": literal(pod_name(exported)),
        "image": literal(templated(settings.image or "")),
        "image_pull_policy": literal(settings.image_pull_policy),
        "image_pull_secrets": objects.listed("V1LocalObjectReference", settings.image_pull_secrets),
        "namespace": literal(settings.namespace),
        "service_account_name": literal(settings.service_account),
        "secrets": ast.List(list(objects.secrets(settings))),
        "node_selector": literal(settings.node_selector),
        "tolerations": ast.List([objects.toleration(each) for each in settings.tolerations]),
        "volumes": ast.List(list(objects.volumes(config_map_name(exported), settings))),
        "volume_mounts": ast.List(list(objects.mounts(settings))),
        "skip_on_exit_code": literal(99),
        "startup_timeout_seconds": literal(settings.start_seconds),
        "termination_grace_period": literal(settings.grace_seconds),
        "on_finish_action": literal("delete_pod"),
    }
    given = {key: value for key, value in pod.items() if not _is_nothing(value)}
    yield assign("POD", ast.Dict([literal(key) for key in given], list(given.values())))


def runs_of(settings: Settings) -> str:
    return settings.runs or f"{settings.storage.rstrip('/')}/runs"


def data_folder(settings: Settings) -> str:
    """Where relative data files lie if a run does not say; empty is where the plan says."""
    return settings.base or (settings.storage if settings.operator == "kubernetes" else "")


def templated(text: str) -> str:
    """A text of which jinja makes what it was.

    >>> templated("{% x %}")
    "{{ '{' }}% x %}"
    """
    shown = re.sub(r"\{(?=[{%#])", "{{ '{' }}", text)
    return shown + "{{ '' }}" if text.endswith("\n") else shown


def resources_of(task: Task, settings: Settings) -> Options:
    """What a task asks of its pod."""
    options, notes = Options(), task.annotations
    if notes.image is not None:
        options["image"] = literal(templated(notes.image))
    asked = notes.resources
    if asked is None:
        return options
    amounts = {"cpu": None if asked.cpu is None else f"{asked.cpu:g}", "memory": asked.memory}
    requests = {key: amount for key, amount in amounts.items() if amount is not None}
    limits = {key: amount for key, amount in requests.items() if key == "memory"}
    limits |= {} if not asked.gpu else {settings.gpu: str(asked.gpu)}
    given = {"requests": requests, "limits": limits}
    options["container_resources"] = call(
        "k8s.V1ResourceRequirements", **{key: literal(each) for key, each in given.items() if each}
    )
    return options


def _is_nothing(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=None) | ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
    return False


# -------------------------------------------------------------------------------------- config map


def pod_name(exported: Exported) -> str:
    name = exported.program.name
    return dns_names([name], 40)[name]


def config_map_name(exported: Exported) -> str:
    return f"{pod_name(exported)}-plan"


def config_map(exported: Exported, settings: Settings) -> bytes:
    """The manifest that brings the plan to the pods; JSON, which is YAML."""
    metadata = {
        "name": config_map_name(exported),
        **({} if settings.namespace is None else {"namespace": settings.namespace}),
        "labels": {"app.kubernetes.io/managed-by": "kitchen"},
        "annotations": {"kitchen/dag": dag_id(exported.program.name)},
    }
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"plan.json": exported.plan.decode()},
    }
    return (json.dumps(manifest, indent=1) + "\n").encode()
