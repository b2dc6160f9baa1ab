"""Tails of the binomial distribution, exact, with the standard library."""

from math import exp, lgamma, log, log1p


def binomial_tail(successes: int, trials: int, probability: float) -> float:
    """Chance of at least ``successes`` in ``trials`` independent trials, each with ``probability``.

    Exact up to rounding: the terms of the upper tail are added until they no longer count.
    """
    if successes <= 0 or successes <= trials * probability:
        return 1.0  # not in the upper tail: nobody asks for more than that
    if probability <= 0.0 or successes > trials:
        return 0.0
    term = exp(_log_term(successes, trials, probability))
    odds = probability / (1.0 - probability)
    total = 0.0
    for count in range(successes, trials + 1):
        total += term
        term *= odds * (trials - count) / (count + 1)
        if term < total * 1e-12:
            break
    return min(1.0, total)


def _log_term(successes: int, trials: int, probability: float) -> float:
    ways = lgamma(trials + 1) - lgamma(successes + 1) - lgamma(trials - successes + 1)
    return ways + successes * log(probability) + (trials - successes) * log1p(-probability)


def excess(candidate: tuple[int, int], live: tuple[int, int], ratio: float) -> float:
    """How surprising the candidate's bad requests are if its rate is at most ``ratio`` times the live one's; 0 to 1.

    Each side is ``(bad, all)``. Given the bad requests of both sides together, each one fell on the candidate with at most
    the probability ``s r / (s r + 1 - s)``, ``s`` being the candidate's observed share: the conditional test of two Poisson
    rates (Przyborowski and Wilenski, 1940).
    """
    bad_candidate, all_candidate = candidate
    bad_live, all_live = live
    if not all_candidate or not all_live:
        return 1.0
    share = all_candidate / (all_candidate + all_live)
    chance = share * ratio / (share * ratio + 1.0 - share)
    return binomial_tail(bad_candidate, bad_candidate + bad_live, chance)
