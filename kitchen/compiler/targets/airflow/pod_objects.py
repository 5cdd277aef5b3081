"""Objects of Kubernetes's as calls of its Python client."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from kitchen.compiler.targets.airflow.python_source import call, literal
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.kubernetes import Mount, SecretKey, Toleration, Volume

PLAN_FOLDER = "/kitchen/plan"

Options = dict[str, ast.expr]


def listed(kind: str, names: tuple[str, ...]) -> ast.expr:
    return ast.List([call(f"k8s.{kind}", name=literal(each)) for each in names])


def secrets(settings: Settings) -> Iterator[ast.expr]:
    for variable, secret in settings.secrets.items():
        assert isinstance(secret, SecretKey)
        yield call("Secret", *map(literal, ("env", variable, secret.name, secret.key)))


def toleration(given: Toleration) -> ast.expr:
    fields = {
        "key": given.key,
        "operator": given.operator,
        "value": given.value,
        "effect": given.effect,
        "toleration_seconds": given.seconds,
    }
    return _object("V1Toleration", fields)


def volumes(plan: str, settings: Settings) -> Iterator[ast.expr]:
    """The plan and the storage, and what the recipe adds."""
    yield _volume(Volume(name="plan", config_map=plan))
    yield _volume(Volume(name="storage", claim=settings.claim))
    yield from map(_volume, settings.volumes)


def _volume(given: Volume) -> ast.expr:
    behind: Options = {}
    if given.claim is not None:
        source = call("k8s.V1PersistentVolumeClaimVolumeSource", claim_name=literal(given.claim))
        behind["persistent_volume_claim"] = source
    if given.secret is not None:
        source = call("k8s.V1SecretVolumeSource", secret_name=literal(given.secret))
        behind["secret"] = source
    if given.config_map is not None:
        source = call("k8s.V1ConfigMapVolumeSource", name=literal(given.config_map))
        behind["config_map"] = source
    if given.empty_dir is not None:
        medium = "Memory" if given.empty_dir == "memory" else None
        behind["empty_dir"] = _object("V1EmptyDirVolumeSource", {"medium": medium})
    return call("k8s.V1Volume", name=literal(given.name), **behind)


def mounts(settings: Settings) -> Iterator[ast.expr]:
    own = (
        Mount(name="plan", path=PLAN_FOLDER, read_only=True),
        Mount(name="storage", path=settings.storage),
    )
    for mount in (*own, *settings.volume_mounts):
        fields = {"name": mount.name, "mount_path": mount.path, "sub_path": mount.sub_path}
        yield _object("V1VolumeMount", {**fields, "read_only": mount.read_only or None})


def _object(kind: str, fields: Mapping[str, object]) -> ast.expr:
    """An object of Kubernetes's, without the fields that are not given."""
    given = {key: literal(value) for key, value in fields.items() if value is not None}
    return call(f"k8s.{kind}", **given)
