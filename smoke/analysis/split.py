"""Does the traffic arrive as it was asked to? The sample ratio test of Lindon and Malek (2022).

A candidate that starves or refuses connections shows here before it shows anywhere else. Count at the router, not in the process.
"""

from collections.abc import Sequence
from math import inf, isclose, lgamma, log


def log_evidence(counts: Sequence[int], shares: Sequence[float], concentration: float) -> float:
    """Natural logarithm of the Bayes factor against "requests fall on the arms with these shares".

    The alternative is a Dirichlet prior around the expected shares (Lindon and Malek, "Anytime-Valid Inference for Multinomial
    Count Data", 2022). Under the null it reaches ``log(1 / alpha)`` at any look, ever, with probability ``alpha`` at most. It is
    not valid for requests that are not placed independently of each other, as when sessions stick to an arm: leave those out.

    Args:
        counts: requests on each arm since these shares hold; begin anew when the shares change.
        shares: expected share of each arm; they sum to 1.
        concentration: how near to the expected shares the alternative is, in requests; larger sees smaller departures, later.

    Raises:
        ValueError: not one share for each count, shares that do not sum to 1, or a concentration of 0 or less.
    """
    if len(counts) != len(shares) or not isclose(sum(shares), 1.0) or min(shares) < 0.0 or concentration <= 0.0:
        raise ValueError(f"{len(counts)} counts, shares {tuple(shares)}, concentration {concentration:g} do not fit together")
    evidence = lgamma(concentration) - lgamma(concentration + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        if count and not share:
            return inf  # not possible under the null
        if count:
            evidence += lgamma(concentration * share + count) - lgamma(concentration * share) - count * log(share)
    return evidence
