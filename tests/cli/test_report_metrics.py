"""Metrics in a report: each quantity once, in its section, in words."""

from __future__ import annotations

from kitchen.cli.report_metrics import metric_sections
from kitchen.cli.run_report import Curves
from kitchen.cli.terminal import Page

PAGE = Page(columns=100, colour=False)


def curve(*values: float) -> list[tuple[int, float]]:
    return list(enumerate(values))


def shown(curves: Curves) -> dict[str, list[str]]:
    """The rows of each section that has any, without their curves."""
    sections = {heading: rows for heading, rows in metric_sections(curves, PAGE) if rows}
    return {
        heading: [" ".join(word for word in row.split() if not set(word) <= set("▁▂▃▄▅▆▇█"))
                  for row in rows]
        for heading, rows in sections.items()
    }  # fmt: skip


def test_a_policy_is_shown_beside_its_environment() -> None:
    found = shown(
        {
            "clip_ratio/region_mean": curve(0, 0.25),
            "optim/kl_sample_train_v1": curve(0, 0.01),
            "entropy": curve(2, 1),
            "kl": curve(0, 0.5),
            "kl_policy_base": curve(0, 0.5),
            "env/all/correct": curve(0.1, 0.9),
            "reward": curve(0.2, 0.8),
            "env/all/reward/total": curve(0.2, 0.8),
            "env/all/format": curve(1, 1),
            "completions/mean_length": curve(4, 3),
            "env/all/ac_tokens_per_turn": curve(4, 3),
            "eval/accuracy": curve(0, 0.9),
        }
    )
    assert found == {
        "environment": [
            "reward 0.2 → 0.8",
            "accuracy 0.1 → 0.9",
            "format 1 throughout",
            "length 4 → 3",
        ],
        "policy": [
            "entropy 2 → 1",
            "KL to the reference 0 → 0.5",
            "KL to the sampler 0 → 0.01",
            "clipped 0 → 0.25",
        ],
        "evaluation": ["accuracy 0 → 0.9"],
    }


def test_two_names_of_one_thing_are_shown_once_while_they_agree() -> None:
    pair = {"eval/margin": curve(0, 1), "eval/rewards/margins": curve(0, 1)}
    assert shown(pair) == {"evaluation": ["margin 0 → 1"]}
    apart = {**pair, "eval/rewards/margins": curve(0, 2)}
    assert shown(apart) == {"evaluation": ["margin 0 → 1", "rewards margins 0 → 2"]}


def test_a_figure_says_how_sure_it_is_and_where_a_loss_was_lowest() -> None:
    found = shown(
        {
            "eval/exact_match": curve(0.5),
            "eval/exact_match_stderr": curve(0.11),
            "eval/warm_up/loss": curve(3, 1, 2),
            "eval/rewards/chosen": curve(1, 2),
            "train/grad_norm": curve(3, 1, 2),
        }
    )
    assert found == {
        "training": ["grad norm 3 → 2"],
        "evaluation, warm up": ["loss 3 → 2 (lowest 1 at step 1)"],
        "evaluation": ["exact match 0.5 ± 0.11", "rewards chosen 1 → 2"],
    }


def test_what_nobody_knows_has_a_section_of_its_own() -> None:
    found = shown({"feedback/bad_share": curve(0.3), "loudness": curve(1, 2)})
    assert found == {"feedback": ["bad share 0.3"], "other figures": ["loudness 1 → 2"]}
