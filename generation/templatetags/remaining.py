"""The time that is left in words, for pages that no script keeps up to date."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from django import template
from django.utils.translation import gettext

register = template.Library()

# A figure of less than so many seconds is told in steps of so many.
STEPS = ((60, 5), (5 * 60, 15), (15 * 60, 30), (60 * 60, 60))
LONG_STEP = 5 * 60


@register.filter
def remaining(eta: Mapping[str, Any] | None) -> str:
    """An estimate of wire.md 1.1 at the moment it was made, as `eta.js` words it; empty where there is none.

    A range from history, rounded outwards; a typical figure from the shipped defaults.
    """
    if not eta:
        return ""
    low, middle, high = (down(eta["low_ms"]), down(eta["ms"]), up(eta["high_ms"]))
    if eta.get("basis") == "history":
        if high <= 5:
            return gettext("a few seconds left")
        if low == 0:
            return gettext("up to %(time)s left") % {"time": span(high)}
        return gettext("about %(time)s left") % {"time": between(low, high)}
    if high <= 5:
        return gettext("usually a few seconds")
    if middle == 0:
        return gettext("usually up to %(time)s left") % {"time": span(high)}
    return gettext("usually about %(time)s left") % {"time": span(middle)}


def step(seconds: float) -> int:
    return next((each for below, each in STEPS if seconds < below), LONG_STEP)


def down(ms: float) -> int:
    seconds = max(0.0, ms / 1000)
    return int(seconds // step(seconds)) * step(seconds)


def up(ms: float) -> int:
    seconds = max(0.0, ms / 1000)
    return ceil(seconds / step(seconds)) * step(seconds)


def span(seconds: int) -> str:
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = (
        gettext("%(n)d h") % {"n": hours} if hours else "",
        gettext("%(n)d min") % {"n": minutes} if minutes else "",
        gettext("%(n)d s") % {"n": rest} if rest else "",
    )
    return " ".join(filter(None, parts))


def between(low: int, high: int) -> str:
    if low == high:
        return span(high)
    if high < 60:
        return f"{low}–{span(high)}"
    if high < 3600 and low % 60 == high % 60 == 0:
        return f"{low // 60}–{span(high)}"
    return f"{span(low)} – {span(high)}"
