"""Settings, recipes and templates as JSON Schema (draft 2020-12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kitchen.compiler.frontend.parse import parse_template
from kitchen.compiler.targets import TARGETS
from kitchen.ir.spec import AdapterSpec, Registry, Setting, StageSpec
from kitchen.ir.types import Type

Json = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = {"Int": "integer", "Float": "number", "Bool": "boolean", "Str": "string"}
_TYPE = r"^(str|int|float|bool|record|list\[.+\])\??$"
#: An expression that stands alone, and one that stands for a setting.
_CONDITION: Json = {"type": ["string", "number", "boolean"]}
_EXPRESSION: Json = {"type": "string", "pattern": r"\$\{"}


def recipe_schema(installed: Registry, workflows: Iterable[str]) -> Json:
    """A recipe: its parameters are those of the workflow it names."""
    known = [*workflows]
    return {
        "$schema": DRAFT,
        "title": "kitchen recipe",
        "type": "object",
        "properties": {
            "kitchen": {"const": 1, "description": "the version of the language"},
            "recipe": {"type": "string", "description": "the recipe's name"},
            "workflow": {
                "description": "a workflow's name, or the path of a template from this file",
                "anyOf": [{"enum": known}, {"type": "string", "pattern": r"\.ya?ml$|^\."}],
            },
            "params": {"type": "object"},
            "adapters": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    port: _binding(installed.adapters[port].values())
                    for port in sorted(installed.adapters)
                },
            },
            "schedule": _schedule(),
            "targets": {
                "description": "settings of engines that the recipe is exported to",
                "type": "object",
                "additionalProperties": False,
                "properties": {name: {"type": ["object", "null"]} for name in TARGETS},
            },
        },
        "required": ["kitchen", "recipe", "workflow"],
        "additionalProperties": False,
        "allOf": [_of_workflow(name, installed) for name in known],
    }


def _schedule() -> Json:
    """Five fields of cron, or a word for them; with a time zone in the long form."""
    cron: Json = {"type": "string", "pattern": r"^\s*(\S+(\s+\S+){4}|@[a-z]+)\s*$"}
    return {
        "description": "when an exported workflow runs by itself",
        "anyOf": [
            cron,
            {
                "type": "object",
                "properties": {"cron": cron, "timezone": {"type": "string"}},
                "required": ["cron"],
                "additionalProperties": False,
            },
        ],
    }


def _of_workflow(name: str, installed: Registry) -> Json:
    template, _ = parse_template(installed.workflows[name])
    settings = [] if template is None else [param.setting for param in template.params]
    return {
        "if": {"properties": {"workflow": {"const": name}}},
        "then": {"properties": {"params": settings_schema(settings)}},
    }


def _binding(adapters: Iterable[AdapterSpec]) -> Json:
    """`PORT: ADAPTER`, or a mapping with the adapter's settings."""
    known = sorted(adapters, key=lambda adapter: adapter.name)
    names = [adapter.name for adapter in known if not _required(adapter.config)]
    return {
        "anyOf": [
            {"enum": names},
            *(
                _with_key(settings_schema(adapter.config), "use", {"const": adapter.name})
                | {"description": adapter.doc}
                for adapter in known
            ),
        ]
    }


def settings_schema(settings: Iterable[Setting], *, computed: bool = False) -> Json:
    """An object with these settings and no others; `computed` ones may be `${...}`."""
    known = [*settings]
    properties = {setting.name: setting_schema(setting) for setting in known}
    if computed:
        properties = {key: {"anyOf": [one, _EXPRESSION]} for key, one in properties.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": _required(known),
        "additionalProperties": False,
    }


def setting_schema(setting: Setting) -> Json:
    """One setting: type, range, choices, default and what it is for."""
    schema = type_schema(setting.type)
    if setting.choices:
        schema = {"enum": [*setting.choices, *([None] if setting.type.is_optional else [])]}
    facts = {
        "description": setting.doc or None,
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "exclusiveMinimum": setting.above,
        "exclusiveMaximum": setting.below,
    }
    if not setting.required:
        schema = schema | {"default": setting.default}
    return schema | {name: fact for name, fact in facts.items() if fact is not None}


def type_schema(type_: Type) -> Json:
    """What a type's values look like in a document."""
    wanted = type_.required
    if wanted.name in _SCALARS:
        kind = _SCALARS[wanted.name]
        return {"type": [kind, "null"] if type_.is_optional else kind}
    if wanted.name == "List":
        array: Json = {"type": "array", "items": type_schema(wanted.args[0])}
        return array | {"type": ["array", "null"]} if type_.is_optional else array
    return {"type": ["object", "null"] if type_.is_optional else "object"}


def _required(settings: Iterable[Setting]) -> list[str]:
    return [setting.name for setting in settings if setting.required]


def _with_key(schema: Json, key: str, value: Json) -> Json:
    return schema | {
        "properties": {key: value, **schema["properties"]},
        "required": [key, *schema["required"]],
    }


# ------------------------------------------------------------------------------------- templates


def template_schema(installed: Registry) -> Json:
    """A workflow template: typed parameters, and steps that name installed stages."""
    steps = {"type": "array", "items": {"$ref": "#/$defs/step"}}
    text = {"type": "string"}
    return {
        "$schema": DRAFT,
        "title": "kitchen workflow template",
        "type": "object",
        "properties": {
            "kitchen": {"const": 1},
            "workflow": text,
            "doc": text,
            "params": {"type": "object", "additionalProperties": {"$ref": "#/$defs/param"}},
            "steps": steps,
            "finally": steps,
            "on_failure": steps,
        },
        "required": ["kitchen", "workflow", "steps"],
        "additionalProperties": False,
        "$defs": {
            "param": _param(),
            "step": {"type": "object", "oneOf": [*_steps(installed, steps)]},
        },
    }


def _steps(installed: Registry, steps: Json) -> Iterator[Json]:
    """Each kind of step; one for each stage, since its inputs and settings are its own."""
    yield from (_stage(installed.stages[name]) for name in sorted(installed.stages))
    repeated = {"over": _CONDITION, "when": _CONDITION, "steps": steps}
    ends = dict.fromkeys(("while", "until", "max", "checkpoint"), _CONDITION)
    yield _step("loop", {**repeated, **ends})
    yield _step("map", {**repeated, "max_parallel": _CONDITION})
    yield _step("if", {"then": steps, "else": steps}, _CONDITION)
    mapping = {"type": "object"}
    yield _step("workflow", {"with": mapping, "as": mapping, "when": _CONDITION})


def _stage(spec: StageSpec) -> Json:
    text = {"type": "string"}
    step = _step(
        "stage",
        {
            "in": {
                "type": "object",
                "properties": {given.name: text for given in spec.inputs},
                "additionalProperties": False,
            },
            # What is required is left to the compiler: a schema cannot tell what `${...}` gives.
            "with": settings_schema(spec.config, computed=True) | {"required": []},
            "as": {"type": ["string", "array", "object"]},
            "when": _CONDITION,
            "retry": {"type": "object"},
            "timeout": {"type": ["number", "string"]},
            "resources": {"type": "object"},
            "cache": {"type": "boolean"},
            "image": text,
        },
    )
    step["properties"]["stage"] = {"const": spec.name, "description": spec.doc}
    return step


def _step(kind: str, keys: Json, head: Json | None = None) -> Json:
    return {
        "properties": {kind: head or {"type": "string"}, **keys},
        "required": [kind],
        "additionalProperties": False,
    }


def _param() -> Json:
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", "pattern": _TYPE},
            "default": {},
            "min": {"type": "number"},
            "max": {"type": "number"},
            "choices": {"type": "array"},
            "doc": {"type": "string"},
        },
        "required": ["type"],
        "additionalProperties": False,
    }
