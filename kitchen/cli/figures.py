"""Numbers, durations and curves as a terminal shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_BARS = "▁▂▃▄▅▆▇█"


def number(value: float) -> str:
    """Four figures that count; a rate or a probability in whatever form is shorter.

    >>> number(2.31415), number(0.00012), number(12345.6), number(3.0), number(float("nan"))
    ('2.314', '1.2e-4', '12,346', '3', 'nan')
    """
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 0.001:
        return f"{value:.4g}"
    mantissa, exponent = f"{value:.3g}" if "e" in f"{value:.3g}" else f"{value:.2e}", ""
    if "e" in mantissa:
        mantissa, exponent = mantissa.split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def duration(seconds: float) -> str:
    """
    >>> duration(0.0123), duration(3.21), duration(75), duration(3725)
    ('0.01 s', '3.2 s', '1:15', '1:02:05')
    """
    if not math.isfinite(seconds):
        return "?"
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """
    >>> clock(3.2), clock(75), clock(3725)
    ('0:03', '1:15', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def sparkline(values: Sequence[float], columns: int) -> str:
    """A curve in one line; each column is the mean of the values that fall into it.

    >>> sparkline([4.0, 3.0, 2.0, 1.0], 4)
    '█▆▃▁'
    >>> sparkline([1.0] * 100, 3)
    '▁▁▁'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite or columns < 1:
        return ""
    count = min(columns, len(finite))
    edges = [index * len(finite) // count for index in range(count + 1)]
    means = [math.fsum(finite[start:end]) / (end - start) for start, end in pairwise(edges)]
    low, high = min(means), max(means)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((mean - low) * scale)] for mean in means)
