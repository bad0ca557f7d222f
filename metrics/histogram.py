"""Log-scale histograms: distributions of positive numbers that can be added up, faded and merged at a fixed cost.

A bin is an eighth of a doubling wide, so a quantile is within 9 % of the truth, whatever its size. 62 doublings
cover everything from a thousandth of a token's time to the longest duration that a column holds.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

PER_DOUBLING = 8
LOWEST, HIGHEST = -16 * PER_DOUBLING, 46 * PER_DOUBLING
# Raw weights may grow this much by fading before they are scaled down, far below what a double holds.
ROOM = 1e100
# Of the whole weight; less than this is forgotten when the state is kept.
NEGLIGIBLE = 1e-7


@lru_cache(maxsize=65_536)
def bin_of(value: float) -> int:
    """The bin of a number; what is no positive number lies in the lowest one."""
    if not value > 0:
        return LOWEST
    if value == math.inf:
        return HIGHEST
    return min(HIGHEST, max(LOWEST, math.floor(math.log2(value) * PER_DOUBLING)))


def edge(index: float) -> float:
    """The lower edge of a bin, also of a part of one: `edge(bin_of(x)) <= x < edge(bin_of(x) + 1)`."""
    return float(2.0 ** (index / PER_DOUBLING))


class Histogram:
    """Weights by bin. Those of older numbers can fade: each `add_fading` makes all before it count a little less.

    What fades is not touched for that: the weight of what comes grows instead, so that adding costs the same
    whatever is in it.
    """

    __slots__ = ("mass", "unit", "weights")

    def __init__(self) -> None:
        self.weights: dict[int, float] = {}
        # Raw weights are in this unit.
        self.unit = 1.0
        self.mass = 0.0

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def total(self) -> float:
        """The weight of all numbers, each counting one when it was the last."""
        return self.mass / self.unit

    def add(self, value: float, weight: float = 1.0) -> None:
        self.add_bin(bin_of(value), weight)

    def add_bin(self, index: int, weight: float = 1.0) -> None:
        raw = weight * self.unit
        self.weights[index] = self.weights.get(index, 0.0) + raw
        self.mass += raw

    def add_fading(self, index: int, growth: float) -> None:
        """Add one to a bin, after everything in it has faded by `1 / growth`, which is below 1."""
        unit = self.unit = self.unit * growth
        weights = self.weights
        weights[index] = weights.get(index, 0.0) + unit
        self.mass += unit
        if unit > ROOM:
            self.settle()

    def add_censored(self, index: int, growth: float) -> None:
        """Add one number of which only is known that it lies above this bin, after all else has faded.

        Its weight goes to the bins from there on, in proportion to what they hold (redistribution to the right). Where
        they hold nothing, the bin itself takes it. Source: B. Efron, The two sample problem with censored data, Fifth
        Berkeley Symposium, 1967.
        """
        above = [(other, weight) for other, weight in self.weights.items() if other >= index]
        held = math.fsum(weight for _, weight in above)
        unit = self.unit = self.unit * growth
        if held > 0:
            for other, weight in above:
                self.weights[other] = weight + weight / held * unit
        else:
            self.weights[index] = self.weights.get(index, 0.0) + unit
        self.mass += unit
        if unit > ROOM:
            self.settle()

    def fade(self, factor: float) -> None:
        """Let everything count `factor` of what it did; 0 < factor ≤ 1."""
        self.unit /= factor
        if self.unit > ROOM:
            self.settle()

    def settle(self) -> None:
        """Bring the raw weights back to a unit of 1, dropping what has become negligible."""
        least = self.mass * NEGLIGIBLE
        self.weights = {index: raw / self.unit for index, raw in self.weights.items() if raw > least}
        self.mass = math.fsum(self.weights.values())
        self.unit = 1.0

    def merge(self, other: "Histogram") -> None:
        """Add what another one holds. Order and grouping of merges make no difference but of rounding."""
        scale = self.unit / other.unit
        for index, raw in other.weights.items():
            self.weights[index] = self.weights.get(index, 0.0) + raw * scale
        self.mass += other.mass * scale

    def quantile(self, p: float) -> float | None:
        """The number below which the share p of the weight lies, None when there is none.

        Within a bin the weight lies evenly on the log scale, so quantiles rise with p.
        """
        if not self.weights:
            return None
        wanted = min(1.0, max(0.0, p)) * self.mass
        passed = 0.0
        bins = sorted(self.weights.items())
        for index, raw in bins:
            if passed + raw >= wanted and raw > 0:
                return edge(index + max(0.0, (wanted - passed) / raw))
            passed += raw
        return edge(bins[-1][0] + 1)

    def near(self, index: int) -> float:
        """The share of the weight within two bins of this one, a third of a doubling to either side."""
        if self.mass <= 0:
            return 0.0
        held = self.weights.get
        near = (
            held(index - 2, 0.0) + held(index - 1, 0.0) + held(index, 0.0) + held(index + 1, 0.0) + held(index + 2, 0.0)
        )
        return near / self.mass

    def shares(self) -> dict[int, float]:
        """The share of the weight in each bin; empty when there is none."""
        return {index: raw / self.mass for index, raw in self.weights.items()} if self.mass > 0 else {}

    def state(self) -> dict[str, Any]:
        """As JSON: `{"bins": [index…], "weights": [weight…]}`, bins ascending."""
        self.settle()
        bins = sorted(self.weights)
        return {"bins": bins, "weights": [self.weights[index] for index in bins]}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Histogram":
        found = cls()
        found.weights = dict(zip(state["bins"], state["weights"], strict=True))
        found.mass = math.fsum(found.weights.values())
        return found
