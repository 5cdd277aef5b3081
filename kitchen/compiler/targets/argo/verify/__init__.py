"""What schemas cannot see: whether the templates of an export hold together.

Argo's own checks run when a workflow is submitted, and some only when a node is reached. These run
before anything is written. Each rule yields what breaks it; `tests/compiler/targets/argo` has an
export that breaks each of them, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from kitchen.compiler.targets.argo.verify import calls, names, objects, pods, variables
from kitchen.compiler.targets.argo.verify.view import Fault, Found, Json, View

RULES: Mapping[str, Callable[[View], Found]] = {
    "object-names": names.object_names,
    "labels": names.labels,
    "call-names": names.call_names,
    "parameter-names": names.parameter_names,
    "names-once": names.names_once,
    "template-types": calls.template_types,
    "templates-exist": calls.templates_exist,
    "templates-used": calls.templates_used,
    "arguments-given": calls.arguments_given,
    "arguments-known": calls.arguments_known,
    "depends-grammar": calls.depends_grammar,
    "results-known": calls.results_known,
    "calls-exist": calls.calls_exist,
    "no-cycles": calls.no_cycles,
    "when-grammar": calls.when_grammar,
    "lists-told": calls.lists_told,
    "variables-known": variables.variables_known,
    "tags-whole": variables.tags_whole,
    "read-after": variables.read_after,
    "outputs-whole": variables.outputs_whole,
    "artifacts-by-key": variables.artifacts_by_key,
    "commands": pods.commands,
    "texts-only": pods.texts_only,
    "secrets-referred-to": pods.secrets_referred_to,
    "volumes-there": pods.volumes_there,
    "quantities": pods.quantities,
    "retries": pods.retries,
    "deadlines": pods.deadlines,
    "limits": pods.limits,
    "jobs": pods.jobs,
    "plain-values": pods.plain_values,
    "kinds-known": objects.kinds_known,
    "sizes": objects.sizes,
    "schedules": objects.schedules,
    "overlaps": objects.overlaps,
    "references": objects.references,
    "rights": objects.rights,
    "recursion": objects.recursion,
    "depth": objects.depth,
}


def verify(documents: Iterable[Json]) -> Iterator[Fault]:
    """Everything that does not hold in the objects of an export."""
    view = View(list(documents))
    for name, rule in RULES.items():
        for where, what in rule(view):
            yield Fault(name, where, what)
