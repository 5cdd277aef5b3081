"""What training would see of the data, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.cli.figures import number
from kitchen.cli.terminal import BOLD, DIM, GREEN, Page, Word, words
from kitchen.runtime.probe import ProbeReport

LONGEST_EXAMPLE = 1_200  #: characters

_INDENT: tuple[list[Word], int] = ([], 2)


def probe_text(report: ProbeReport, page: Page) -> str:
    """Format, lengths, shares, and one example with what is trained on marked in it."""
    guessed = ", by its columns" if report.detected else ""
    lengths = ", ".join(f"{_quantile(at)} {size:,}" for at, size in report.lengths.items())
    facts = {
        "source": report.source,
        "rows": f"{report.rows:,}, of which {report.read:,} were read",
        "format": f"{report.format}{guessed}",
        "tokens a row": f"{lengths}; cut at {report.max_length:,}",
        "trained on": f"{_percent(report.trained_share)} of the tokens",
        "cut off": f"{_percent(report.truncated_share)} of the rows",
        "left out": f"{_percent(report.dropped_share)} of the rows, with nothing to train on",
    }
    lines = [page.shown([Word("data", BOLD)])]
    for name, fact in facts.items():
        lines += page.row([_INDENT, ([Word(name)], 14)], words(fact))
    lines.append(page.shown([Word("  example, what is trained on in ⟦ ⟧", DIM)]))
    lines += _example(report.example, page)
    return "\n".join(lines) + "\n"


def _example(text: str, page: Page) -> Iterator[str]:
    """The example, line by line; words that are trained on are coloured, too."""
    clipped = text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE] + " …"
    inside = False
    for line in clipped.splitlines():
        marked = []
        for word in line.split():
            marked.append(Word(word, GREEN if inside or "⟦" in word else ""))
            if "⟦" in word or "⟧" in word:
                inside = word.rfind("⟦") > word.rfind("⟧")
        for folded in page.folded(marked, max(page.columns - 4, 20)):
            yield f"    {page.shown(folded)}".rstrip()


def _quantile(at: float) -> str:
    names = {0.0: "least", 0.5: "median", 1.0: "most"}
    return names.get(at, f"{at:.0%}")


def _percent(share: float) -> str:
    return f"{number(round(share * 100, 1))} %"
