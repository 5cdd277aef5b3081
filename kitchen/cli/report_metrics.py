"""Metrics as a report shows them: each once, in the section it belongs to, in words."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.cli.figures import number, sparkline
from kitchen.cli.run_report import Curves
from kitchen.cli.terminal import DIM, GREEN, Page, Word, words
from kitchen.ir.visible import visible, width

#: What an environment says of the attempts of an iteration.
ENVIRONMENT = {
    "env/all/reward/total": "reward",
    "reward": "reward",
    "reward_std": "deviation of rewards",
    "env/all/correct": "accuracy",
    "env/all/format": "format",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "cut off",
    "env/all/ac_tokens_per_turn": "tokens in a turn",
    "env/all/turns_per_episode": "turns",
    "env/all/by_group/frac_mixed": "groups that differ",
    "env/all/by_group/frac_all_good": "groups all right",
    "env/all/by_group/frac_all_bad": "groups all wrong",
    "frac_reward_zero_std": "groups all alike",
}
#: What an update does to the policy, and how far that has come from where it was.
POLICY = {
    "entropy": "entropy",
    "optim/entropy": "entropy of a step",
    "kl": "KL to the reference",
    "kl_policy_base": "KL to the reference",
    "optim/kl_sample_train_v1": "KL to the sampler",
    "optim/kl_sample_train_v2": "KL to the sampler, v2",
    "clip_ratio/region_mean": "clipped",
    "clip_ratio/low_mean": "clipped, low",
    "clip_ratio/high_mean": "clipped, high",
}
HEADINGS = ("training", "environment", "policy", "evaluation")
SECTIONS = {"train": "training", "eval": "evaluation"}
#: What two systems call by two names, the one that is shown behind the other.
AGAIN = {
    "rewards/chosen": "chosen_reward",
    "rewards/rejected": "rejected_reward",
    "rewards/margins": "margin",
    "rewards/accuracies": "accuracy",
    "dpo_loss": "loss",
    "reward": "env/all/reward/total",
    "kl_policy_base": "kl",
    "env/all/ac_tokens_per_turn": "completions/mean_length",
}
DEVIATION = "_stderr"


def metric_sections(curves: Curves, page: Page) -> Iterator[tuple[str, list[str]]]:
    """Each section with its curves: training, environment, policy, evaluation, whatever else.

    A phase, which has a loss of its own under `train/PHASE/`, has a section of its own.
    """
    phases = {name.removesuffix("/loss") for name in curves if name.endswith("/loss")}
    found: dict[str, dict[str, dict[str, str]]] = {heading: {} for heading in HEADINGS}
    for name in [*ENVIRONMENT, *POLICY, *curves]:
        if name in curves and not _is_told(name, curves):
            heading, phase, label = _place(name, phases)
            found.setdefault(heading, {}).setdefault(phase, {}).setdefault(name, label)
    for heading, parts in found.items():
        for phase in sorted(parts, key=lambda phase: phase == ""):
            title = f"{heading}, {phase}" if phase else heading
            yield title, list(_rows(parts[phase], curves, page))


def _place(name: str, phases: set[str]) -> tuple[str, str, str]:
    """The section of a metric, the phase that it is of, and what it is called there."""
    for heading, known in (("environment", ENVIRONMENT), ("policy", POLICY)):
        if name in known:
            return heading, "", known[name]
    first, slash, rest = name.partition("/")
    heading = SECTIONS.get(first, first if slash else "other figures")
    phase, inner, label = rest.partition("/")
    if not (inner and f"{first}/{phase}" in phases):
        phase, label = "", rest if slash else name
    return _plain(heading), _plain(phase), _plain(label).replace("/", " ")


def _plain(name: str) -> str:
    return visible(name).replace("_", " ")


def _is_told(name: str, curves: Curves) -> bool:
    """Whether another row says the same: the same figures by another name, or how sure they are."""
    if name.endswith(DEVIATION) and name.removesuffix(DEVIATION) in curves:
        return True
    return any(curves.get(first) == curves[name] for first in _first_names(name))


def _first_names(name: str) -> Iterator[str]:
    for again, first in AGAIN.items():
        if name == again or name.endswith(f"/{again}"):
            yield name.removesuffix(again) + first


def _rows(labels: dict[str, str], curves: Curves, page: Page) -> Iterator[str]:
    names = max(map(width, labels.values()), default=0)
    columns = max(min(page.columns - names - 44, 40), 8)
    if all(len(curves[name]) == 1 for name in labels):
        columns = -2  # nothing to draw
    for name, label in labels.items():
        points = curves[name]
        values = [value for _, value in points]
        curve = sparkline(values, columns) if len(set(values)) > 1 else ""
        cells: list[tuple[list[Word], int]] = [
            ([], 2),
            ([Word(label)], names + 2),
            ([Word(curve, GREEN)], columns + 2),
        ]
        yield from page.row(cells, words(_ends(values)) + _more(name, curves))


def _ends(values: list[float]) -> str:
    if len(values) == 1:
        return number(values[0])
    if len(set(values)) == 1:
        return f"{number(values[0])} throughout"
    return f"{number(values[0])} → {number(values[-1])}"


def _more(name: str, curves: Curves) -> list[Word]:
    """How sure a figure is, and where a curve was lowest if that is not at an end of it."""
    points, sure = curves[name], curves.get(name + DEVIATION)
    shown = [Word(f"± {number(sure[-1][1])}")] if sure else []
    values = [value for _, value in points]
    lowest = min(range(len(values)), key=values.__getitem__)
    if _is_loss(name) and lowest not in (0, len(values) - 1):
        text = f"(lowest {number(values[lowest])} at step {points[lowest][0]:,})"
        shown.append(Word(text, DIM))
    return shown


def _is_loss(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last in ("loss", "perplexity", "bits_per_byte", "teacher_kl") or last.endswith("_loss")
