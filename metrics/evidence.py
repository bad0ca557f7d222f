"""Which of two ways to foretell does better, as far as the last observations tell."""

import math

# In nats; evidence fades, so that it may turn, and no single surprise may decide.
FORGETTING, MOST_EVIDENCE, DOUBT = 0.99, 8.0, 0.02


class Evidence:
    """Which of two predictions has done better: the weight of the finer one, from what each expected.

    Source: the weights of Bayesian model averaging, with forgetting as in A. Raftery et al., Technometrics 52, 2010.
    """

    __slots__ = ("nats",)

    def __init__(self, nats: float = 0.0) -> None:
        self.nats = nats

    def weigh(self, finer: float, coarser: float) -> None:
        """Both are the shares that were expected near what has come."""
        nats = self.nats * FORGETTING + math.log((finer + DOUBT) / (coarser + DOUBT))
        self.nats = MOST_EVIDENCE if nats > MOST_EVIDENCE else -MOST_EVIDENCE if nats < -MOST_EVIDENCE else nats

    def weight_after(self, ahead: float) -> float:
        """Of the finer one, if before all evidence it was so many nats ahead."""
        return 1.0 / (1.0 + math.exp(-self.nats - ahead))

    @property
    def weight(self) -> float:
        return self.weight_after(0.0)
