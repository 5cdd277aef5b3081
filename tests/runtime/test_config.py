"""Settings are declared without pydantic and validated with it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from kitchen.ir import types as ir
from kitchen.ir.spec import Setting
from kitchen.runtime.config import Config, setting, settings_of


class OvenConfig(Config):
    dish: str = setting(pattern=r"^[a-z]+$", doc="what is baked")
    heat: float = setting(default=180.0, above=0, maximum=280)
    turns: int = setting(default=0, minimum=0, below=5)
    mode: Literal["fan", "grill"] = "fan"
    notes: dict[str, float] = setting(default={})


class GasOvenConfig(OvenConfig):
    heat: float = 200.0
    mark: int | None = None


def test_what_the_compiler_reads() -> None:
    dish, heat, turns, mode, notes = settings_of(OvenConfig)
    assert dish == Setting(name="dish", type=ir.STR, doc="what is baked")
    assert heat == Setting(
        name="heat", type=ir.FLOAT, required=False, default=180.0, above=0, maximum=280
    )
    assert (turns.minimum, turns.below, turns.default) == (0, 5, 0)
    assert (mode.choices, mode.default, mode.required) == (("fan", "grill"), "fan", False)
    assert notes.default == {}


def test_a_class_adds_to_the_settings_of_its_parent() -> None:
    settings = {setting.name: setting for setting in settings_of(GasOvenConfig)}
    assert [*settings] == ["dish", "heat", "turns", "mode", "notes", "mark"]
    assert (settings["heat"].default, settings["heat"].above) == (200.0, None)
    assert GasOvenConfig(dish="bread").heat == 200.0


def test_what_a_run_is_given() -> None:
    config = OvenConfig(dish="bread", turns="3")
    assert (config.dish, config.heat, config.turns, config.mode) == ("bread", 180.0, 3, "fan")
    assert [*vars(config)] == ["dish", "heat", "turns", "mode", "notes"]
    assert repr(config).startswith("OvenConfig(dish='bread', heat=180.0, ")
    assert isinstance(config, OvenConfig)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, "dish"),
        ({"dish": "Bread 1"}, "dish"),
        ({"dish": "bread", "heat": 0}, "heat"),
        ({"dish": "bread", "heat": 281}, "heat"),
        ({"dish": "bread", "turns": -1}, "turns"),
        ({"dish": "bread", "turns": 5}, "turns"),
        ({"dish": "bread", "turns": "many"}, "turns"),
        ({"dish": "bread", "mode": "steam"}, "mode"),
        ({"dish": "bread", "humidity": 0.5}, "humidity"),
    ],
)
def test_what_no_run_is_given(given: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError, match=rf"for OvenConfig\n{where}\n"):
        OvenConfig(**given)


def test_settings_are_frozen() -> None:
    config = OvenConfig(dish="bread")
    with pytest.raises(AttributeError, match=r"settings are frozen: `OvenConfig\.heat`"):
        config.heat = 20.0  # type: ignore[misc]
    with pytest.raises(AttributeError, match="settings are frozen"):
        del config.heat


def test_a_default_is_not_shared() -> None:
    OvenConfig(dish="bread").notes["salt"] = 0.5
    assert OvenConfig(dish="bread").notes == {}


def test_declaring_does_not_import_pydantic() -> None:
    program = (
        "import sys\n"
        "from kitchen.runtime.stages import training\n"
        "assert training.optim_step.spec.config and 'pydantic' not in sys.modules\n"
        "assert training.OptimStepConfig().beta1 == 0.9 and 'pydantic' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
