"""Pods: what they run, ask for and mount, and when they are tried again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kitchen.compiler.targets.argo.verify.view import Found, Json, View, texts

LONGEST_WORD = 128 * 1024  #: bytes of an argument

_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_COUNT = re.compile(r"[0-9]+")
_CODE = r"asInt\(lastRetry\.exitCode\) in \[-?[0-9]+(, -?[0-9]+)*\]"
_GONE = rf"\(lastRetry\.status == 'Error' && {_CODE}\)"
_RULE = rf"({_CODE}|{_GONE}|\({_CODE} && asInt\(retries\) < [0-9]+\))"
_EXPRESSION = re.compile(rf"{_RULE}( \|\| {_RULE})*")
_CONDITION = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)* (=|==|>|<) [A-Za-z0-9]+")
_PULLS = {"Always", "IfNotPresent", "Never"}


def _containers(view: View) -> Iterator[tuple[Json, Json, str]]:
    """Each container with the volumes of its workflow, and where it is."""
    for workflow in view.workflows:
        for template in workflow.templates:
            if "container" in template:
                yield template["container"], workflow.spec, template["name"]


def commands(view: View) -> Found:
    """An image and a command of its own; arguments as a list of texts that fit."""
    for container, _, where in _containers(view):
        if not container.get("image"):
            yield where, "it has no image"
        if not container.get("command"):
            yield where, "it has no command, which Argo would look up in the image"
        if container.get("imagePullPolicy", "Always") not in _PULLS:
            yield where, f"`imagePullPolicy` is `{container['imagePullPolicy']}`"
        for word in (*container.get("command", ()), *container.get("args", ())):
            if not isinstance(word, str):
                yield where, f"`{word}` is no text"
            elif len(word.encode()) > LONGEST_WORD:
                yield where, "an argument is longer than 128 KiB"
            elif word in ("sh", "bash", "/bin/sh", "/bin/bash", "-c"):
                yield where, "a shell would read what it is given"


def texts_only(view: View) -> Found:
    """Values of parameters, defaults and items are texts."""
    for workflow in view.workflows:
        places = [("arguments", workflow.spec.get("arguments", {}))]
        for template in workflow.templates:
            places.append((template["name"], template.get("inputs", {})))
        places += [(where, task.get("arguments", {})) for _, task, where in workflow.calls()]
        for where, holder in places:
            for parameter in holder.get("parameters", ()):
                for key in ("value", "default"):
                    if not isinstance(parameter.get(key, ""), str):
                        yield where, f"`{parameter.get('name')}` is no text"


def secrets_referred_to(view: View) -> Found:
    """A variable has a value or comes from a secret by name and key."""
    for container, _, where in _containers(view):
        for variable in container.get("env", ()):
            secret = variable.get("valueFrom", {}).get("secretKeyRef", {})
            if ("value" in variable) == bool(secret):
                yield where, f"`{variable.get('name')}` has not one source"
            elif secret and not (secret.get("name") and secret.get("key")):
                yield where, f"`{variable.get('name')}` is no entry of a secret"


def volumes_there(view: View) -> Found:
    """What is mounted is a volume of the workflow, on a place of its own."""
    for container, spec, where in _containers(view):
        known = {volume.get("name") for volume in spec.get("volumes", ())}
        paths = [mount.get("mountPath") for mount in container.get("volumeMounts", ())]
        for mount in container.get("volumeMounts", ()):
            if mount.get("name") not in known:
                yield where, f"there is no volume `{mount.get('name')}`"
        for path in {path for path in paths if paths.count(path) > 1}:
            yield where, f"two volumes are mounted on `{path}`"
    for workflow in view.workflows:
        for volume in workflow.spec.get("volumes", ()):
            if len(volume) != 2:
                yield f"volumes.{volume.get('name')}", "it has not one thing behind it"


def quantities(view: View) -> Found:
    """Amounts as Kubernetes reads them, and no request above its limit."""
    for container, _, where in _containers(view):
        asked = container.get("resources", {})
        for kind, amounts in asked.items():
            for name, amount in amounts.items():
                if not isinstance(amount, str) or not _QUANTITY.fullmatch(amount):
                    yield where, f"`{kind}.{name}` is `{amount}`"


def retries(view: View) -> Found:
    """Counts and times are texts; the expression reads nothing but how the last attempt ended."""
    for workflow in view.workflows:
        for template in workflow.templates:
            if "retryStrategy" not in template:
                continue
            yield from _retry(template["retryStrategy"], template["name"])
            if "dag" in template:
                yield template["name"], "a DAG would be tried again as a whole"


def _retry(strategy: Json, where: str) -> Iterator[tuple[str, str]]:
    if not _COUNT.fullmatch(str(strategy.get("limit"))) or not isinstance(strategy["limit"], str):
        yield where, f"`limit` is `{strategy.get('limit')}`"
    if strategy.get("retryPolicy") != "Always":
        yield where, "the policy is not stated, or would leave attempts out that the rule wants"
    if not _EXPRESSION.fullmatch(strategy.get("expression", "asInt(lastRetry.exitCode) in [75]")):
        yield where, f"`{strategy['expression']}` is no rule"
    backoff = strategy.get("backoff", {})
    for key in ("duration", "cap"):
        if key in backoff and not _DURATION.fullmatch(str(backoff[key])):
            yield where, f"`backoff.{key}` is `{backoff[key]}`"
    if not _COUNT.fullmatch(str(backoff.get("factor", "2"))):
        yield where, f"`backoff.factor` is `{backoff['factor']}`"


def deadlines(view: View) -> Found:
    """Whole seconds, and of pods alone."""
    for workflow in view.workflows:
        for template in workflow.templates:
            seconds = template.get("activeDeadlineSeconds", 1)
            if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1:
                yield template["name"], f"`activeDeadlineSeconds` is `{seconds}`"
            if "activeDeadlineSeconds" in template and "container" not in template:
                yield template["name"], "only a pod has a deadline"


def limits(view: View) -> Found:
    """How many at a time, of what calls others."""
    for workflow in view.workflows:
        for where, holder in (
            ("spec", workflow.spec),
            *((template["name"], template) for template in workflow.templates),
        ):
            most = holder.get("parallelism", 1)
            if isinstance(most, bool) or not isinstance(most, int) or most < 1:
                yield where, f"`parallelism` is `{most}`"
            if "parallelism" in holder and "name" in holder and "dag" not in holder:
                yield where, "only a DAG has a limit"


def jobs(view: View) -> Found:
    """A job is made anew for each attempt, and its end is told by selectors that Argo can read."""
    for workflow in view.workflows:
        for template in workflow.templates:
            job = template.get("resource")
            if job is None:
                continue
            where, text = template["name"], job.get("manifest", "")
            if job.get("action") != "create" or job.get("setOwnerReference") is not True:
                yield where, "it is not made as a part of the workflow"
            if "generateName: '" not in text or re.search(r"^  name: ", text, re.M):
                yield where, "a second attempt would have the name of the first"
            for key in ("successCondition", "failureCondition"):
                for one in str(job.get(key, "")).split(", "):
                    if not _CONDITION.fullmatch(one):
                        yield where, f"`{key}: {one}` is no selector"


def plain_values(view: View) -> Found:
    """`$(NAME)` in a command or variable would be read by Kubernetes."""
    for container, _, where in _containers(view):
        parts: Mapping[str, object] = {
            key: container[key] for key in ("command", "args", "env") if key in container
        }
        for _, text in texts(parts):
            if "$(" in text:
                yield where, "it has a variable of Kubernetes'"
