"""Checks: each reads a program and yields what is wrong with it.

A check never raises and never changes anything. What build reports of names is not repeated here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kitchen.compiler.checks.adapters import bindings
from kitchen.compiler.checks.annotations import step_annotations
from kitchen.compiler.checks.cadence import idle_cadences
from kitchen.compiler.checks.conditions import control_types
from kitchen.compiler.checks.effects import no_effect
from kitchen.compiler.checks.inputs import edge_types, unproduced_inputs
from kitchen.compiler.checks.loops import endless_loops, shared_updates
from kitchen.compiler.checks.parameters import idle_parameters, unread_parameters
from kitchen.compiler.checks.ports import capabilities, unbound_ports, unused_adapters
from kitchen.compiler.checks.settings import stage_settings
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.program import Program
from kitchen.ir.spec import Registry

Check = Callable[[Program, Registry], Iterator[Diagnostic]]
LiveCheck = Callable[[Program, Registry, Program], Iterator[Diagnostic]]

#: On the program as built: a fault is one even in a step that would be removed.
CHECKS: tuple[Check, ...] = (
    unproduced_inputs,
    edge_types,
    stage_settings,
    control_types,
    endless_loops,
    shared_updates,
    step_annotations,
    bindings,
)

#: On the program that is left when all is rewritten, beside the one as built: what a removed step
#: would have needed, nobody has to give. They hold in a program with faults too, since mending
#: those only brings steps back.
LIVE_CHECKS: tuple[LiveCheck, ...] = (
    unbound_ports,
    capabilities,
    idle_cadences,
)

#: As the live checks, but only where no name and no input is at fault: what seems unused may be
#: what the misspelled name was meant to use.
UNUSED_CHECKS: tuple[LiveCheck, ...] = (
    unread_parameters,
    idle_parameters,
    unused_adapters,
    no_effect,
)

__all__ = ["CHECKS", "LIVE_CHECKS", "UNUSED_CHECKS", "Check", "LiveCheck"]
