"""A finished distribution on the log scale, ready to be asked what lies above a number."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from metrics.histogram import PER_DOUBLING, Histogram

# Of a normal distribution: from its middle to its 90th percentile, and as far as it is followed.
NINETIETH = 1.2816
REACH = 3.5
# Less of the whole than this is rounding.
NOTHING = 1e-9
# The binomial distribution of four tosses.
SPREADING = ((-2, 1 / 16), (-1, 4 / 16), (0, 6 / 16), (1, 4 / 16), (2, 1 / 16))
# The share of each bin that is granted to what has never come.
UNEXPECTED = 1e-4


class Distribution:
    """Shares of the whole by bin, adding up to 1. `known` counts the observations behind it, old ones as far as they
    have not faded.
    """

    __slots__ = ("bins", "known", "left", "shares")

    def __init__(self, shares: Mapping[int, float], known: float) -> None:
        whole = math.fsum(shares.values())
        self.known = known
        self.bins = sorted(shares)
        self.shares = [shares[index] / whole for index in self.bins]
        # What lies in a bin and above it.
        self.left = [*accumulate(reversed(self.shares))][::-1]

    def by_bin(self) -> dict[int, float]:
        return dict(zip(self.bins, self.shares, strict=True))

    def points(self, count: int, above: float = 0.0) -> list[float] | None:
        """The middles of `count` equal parts of what lies above a number, ascending; None if nothing does."""
        bins, shares = self.bins, self.shares
        if above > 0:
            position = math.log2(above) * PER_DOUBLING
            place = bisect_right(bins, position) - 1
            if place < 0 or position >= bins[place] + 1:
                # In a gap between bins, or below them.
                place, inside = place + 1, 0.0
            else:
                inside = position - bins[place]
            if place == len(bins):
                return None
            mass = self.left[place] - shares[place] * inside
            if mass < NOTHING:
                return None
        else:
            place, inside, mass = 0, 0.0, 1.0
        step = mass / count
        wanted, found = step / 2, []
        begin, width, share = bins[place] + inside, 1.0 - inside, shares[place] * (1.0 - inside)
        passed = 0.0
        for _ in range(count):
            while wanted > passed + share and place + 1 < len(bins):
                passed += share
                place += 1
                begin, width, share = bins[place], 1.0, shares[place]
            found.append(2.0 ** ((begin + width * min(1.0, (wanted - passed) / share)) / PER_DOUBLING))
            wanted += step
        return found


def blended(prior: Mapping[int, float], *levels: tuple[Histogram, float]) -> Distribution:
    """The shares of the last level, each level standing on the one before it as on so many observations.

    `levels` are pairs of a histogram and of the strength with which what came before resists it.
    """
    shares, known = dict(prior), 0.0
    for found, strength in levels:
        if (total := found.total) <= 0:
            continue
        known = max(known, total)
        weight = total / (total + strength) if shares else 1.0
        mixed = {index: share * (1.0 - weight) for index, share in shares.items()}
        for index, share in found.shares().items():
            mixed[index] = mixed.get(index, 0.0) + share * weight
        shares = mixed
    return Distribution(shares, known)


def mixed(one: Distribution, other: Distribution, weight: float) -> Distribution:
    """Both together, the other one having this weight, from 0 to 1."""
    shares = {index: share * (1.0 - weight) for index, share in one.by_bin().items()}
    for index, share in other.by_bin().items():
        shares[index] = shares.get(index, 0.0) + share * weight
    return Distribution(shares, max(one.known, other.known))


def product(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """The shares of a product of two independent numbers, from theirs."""
    found: dict[int, float] = {}
    for index, share in one.items():
        for further, part in other.items():
            # The middle of two bins together is the lower edge of one: half goes to either side.
            half = share * part / 2
            place = index + further
            found[place] = found.get(place, 0.0) + half
            found[place + 1] = found.get(place + 1, 0.0) + half
    return found


def widened(shares: Mapping[int, float]) -> dict[int, float]:
    """Each bin's share spread over the two next to it on either side: what was seen once will not come just so."""
    found: dict[int, float] = {}
    for index, share in shares.items():
        for step, part in SPREADING:
            found[index + step] = found.get(index + step, 0.0) + share * part
    return found


def revised(prior: Mapping[int, float], likelihood: Mapping[int, float], shift: int, known: float) -> Distribution:
    """What is to be expected after something was seen. Each bin of the likelihood is for the one `shift` above."""
    return Distribution(
        {index + shift: share * (prior.get(index + shift, 0.0) + UNEXPECTED) for index, share in likelihood.items()},
        known,
    )


def log_normal(low: float, median: float, high: float) -> dict[int, float]:
    """Shares of a log-normal distribution by its 10th percentile, median and 90th, each side as wide as they say."""
    middle = math.log2(median) * PER_DOUBLING
    sides = [max(1.0, abs(math.log2(end / median)) * PER_DOUBLING / NINETIETH) for end in (low, high)]
    found: dict[int, float] = {}
    for index in range(math.floor(middle - REACH * sides[0]), math.ceil(middle + REACH * sides[1])):
        away = index + 0.5 - middle
        side = sides[away > 0]
        found[index] = math.exp(-0.5 * (away / side) ** 2) / side
    whole = math.fsum(found.values())
    return {index: share / whole for index, share in found.items()}


def at(points: Sequence[float], level: float) -> float:
    """The quantile of equally likely points, which are sorted."""
    place = min(max(level * len(points) - 0.5, 0.0), len(points) - 1.0)
    below = int(place)
    above = min(below + 1, len(points) - 1)
    return points[below] + (points[above] - points[below]) * (place - below)
