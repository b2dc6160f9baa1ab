"""Factors of the evidence that one look adds: each has an expectation of one or less while the candidate is as good as allowed.

A test of the null hypothesis "as good as allowed" multiplies such factors look by look. By Ville's inequality the product
then reaches ``1 / alpha`` with a probability of ``alpha`` at most, whenever and however often one looks (Ramdas, Gruenwald, Vovk
and Shafer, "Game-theoretic statistics and safe anytime-valid inference", 2023). All functions return natural logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, floor, log, log1p
from operator import mul

Counts = Sequence[float]
"""Requests by class of latency, from the fastest to the slowest."""


@dataclass(frozen=True, slots=True)
class Two:
    """Bad among all requests of both sides in one look."""

    bad_candidate: float
    all_candidate: float
    bad_live: float
    all_live: float


def ratio_factors(seen: Two, null: float, margin: float, multiples: Sequence[float]) -> tuple[float, ...]:
    """One factor for each alternative: is the candidate's rate of bad requests ``null`` times the live one's, or more?

    The null hypothesis is ``rate <= null * live rate + margin``, for multiples above one; ``rate >= ...`` for those below. An
    alternative is a multiple ``m`` of the null's ratio. With the candidate's observed share ``s`` of the look's requests, a bad
    request is the candidate's with the probability ``q = s r / (s r + 1 - s)`` at the ratio ``r``; the factor is
    ``(q_r / q_0) ** bad_candidate * ((1 - q_r) / (1 - q_0)) ** bad_live * exp(-all_candidate * margin * (q_r / q_0 - 1))``.

    Its expectation is one at most for independent requests of any rates: ``1 + u <= exp(u)`` for each request, and the exponents
    cancel at the null's boundary. For ``null`` 1 and ``margin`` 0 not even that is needed: given the look's totals, the bad ones
    among exchangeable requests are hypergeometric, which is below the binomial in the convex order (Hoeffding, 1963). What both
    sides share, as the failure of something behind them, cancels; the split may change from look to look.
    """
    bad = seen.bad_candidate + seen.bad_live
    cost = seen.all_candidate * margin
    if not bad and not cost:
        return (0.0,) * len(multiples)
    share = seen.all_candidate / (seen.all_candidate + seen.all_live)
    base = 1.0 + share * (null - 1.0)
    factors = []
    for multiple in multiples:
        spread = (1.0 + share * (null * multiple - 1.0)) / base
        gain = seen.bad_candidate * log(multiple) - bad * log(spread) if bad else 0.0
        factors.append(gain - cost * (multiple / spread - 1.0))
    return tuple(factors)


def rate_factors(bad: float, total: float, null: float, alternatives: Sequence[float]) -> tuple[float, ...]:
    """One factor for each alternative rate: is the rate of bad requests beyond ``null``?

    The likelihood ratio of independent trials, ``(p / p0) ** bad * ((1 - p) / (1 - p0)) ** good``: alternatives above ``null``
    test "it is ``null`` at most", those below it "it is ``null`` at least". All rates are between 0 and 1, exclusive.
    """
    good = max(total - bad, 0.0)  # what is judged late may be bad of a look before
    return tuple([bad * log(p / null) + good * log((1.0 - p) / (1.0 - null)) for p in alternatives])


def rates_at(rate: float, odds: Sequence[float]) -> list[float]:
    """The rates whose odds are so many times those of ``rate``."""
    return [each * rate / (1.0 - rate + each * rate) for each in odds]


@dataclass(frozen=True, slots=True)
class Tilt:
    """An alternative for latency: a request of class ``i`` is ``exp(scores[i])`` times as likely to be the tested side's."""

    scores: tuple[float, ...]
    """By class, ascending with it."""
    odds: tuple[float, ...]
    squares: tuple[float, ...]
    inverse: tuple[float, ...]
    inverse_squares: tuple[float, ...]

    @classmethod
    def of(cls, scores: Sequence[float]) -> "Tilt":
        """The tilt with these scores."""
        odds, inverse = tuple(map(exp, scores)), tuple(exp(-each) for each in scores)
        return cls(tuple(scores), odds, tuple(each**2 for each in odds), inverse, tuple(each**2 for each in inverse))


def order_factors(tested: Counts, other: Counts, tilts: Sequence[Tilt]) -> tuple[float, ...]:
    """One factor for each tilt: are the tested side's requests slower than an exchangeable draw from those of both sides?

    The null hypothesis is that the tested side's latency is stochastically not above the other's. The factor is
    ``exp(S) / Z`` with the sum ``S`` of the tested side's scores, and ``Z`` at least the expectation of ``exp(S)`` over all ways
    to draw as many from the requests of both sides. Whatever the routing, its expectation is one at most: at equality by
    exchangeability, and below it because ``exp(S) / E[exp(S)]`` rises with each tested request's score and falls with the
    others'.
    """
    drawn, others = sum(tested), sum(other)
    if not drawn or not others:
        return (0.0,) * len(tilts)
    pooled = [mine + its for mine, its in zip(tested, other, strict=True)]
    total = drawn + others
    factors = []
    for tilt in tilts:
        if drawn < others:
            bound = log_draw(pooled, drawn, total, (tilt.odds, tilt.squares), tilt.odds[-1])
            factors.append(sum(map(mul, tested, tilt.scores)) - bound)
        else:  # the same by the requests that were left, of which there are fewer
            bound = log_draw(pooled, others, total, (tilt.inverse, tilt.inverse_squares), tilt.inverse[0])
            factors.append(-sum(map(mul, other, tilt.scores)) - bound)
    return tuple(factors)


def log_draw(pooled: Counts, drawn: float, total: float, odds: tuple[Sequence[float], Sequence[float]], greatest: float) -> float:
    """Upper bound of the logarithm of the expected product of ``drawn`` odds, drawn without replacement.

    The expectation is the elementary symmetric polynomial ``e_k`` of all odds over ``C(n, k)``. For given sum and sum of
    squares it is greatest where all values are equal but for some that are as great as any may be, and one between: of three
    values with given sum and squares, ``e_k`` rises with their product alone, and that is greatest where the lower two are
    equal or the highest is at its limit. To replace all but the greatest by their mean raises it further (``e_k`` is Schur
    concave). What is left are ``x`` great ones among ``n``: a hypergeometric number of them is drawn, see ``log_marked``.

    Args:
        pooled: requests by class.
        drawn: how many are drawn.
        total: how many there are.
        odds: by class, and their squares.
        greatest: the greatest of the odds.
    """
    mean = sum(map(mul, pooled, odds[0])) / total
    variance = sum(map(mul, pooled, odds[1])) / total - mean * mean
    gap = greatest - mean
    if gap <= 1e-12 * greatest or variance <= 0.0:
        return drawn * log(mean)
    great = min(floor(total * variance / (gap * gap + variance) + 1e-9), total - 1)
    if great < 1:
        return drawn * log(mean)
    low = (total * mean - great * greatest) / (total - great)
    return drawn * log(low) + log_marked(drawn, great, total, log(greatest / low))


def log_marked(drawn: float, marked: float, total: float, log_odds: float) -> float:
    """Upper bound of the logarithm of the expectation of ``exp(log_odds * K)``, ``K`` of the drawn being marked.

    ``K`` is hypergeometric, and so distributed as a sum of independent Bernoulli variables (the roots of its generating function
    are real: Vatutin and Mikhailov, 1982) whose mean and variance are known. Among all such sums ``sum log(1 + p (psi - 1))`` is
    greatest, for ``psi = exp(log_odds)`` above 1, where the ``p`` take two values of which one is 1: its third derivative is
    positive (Markov and Krein).
    """
    trials = min(drawn, marked)
    mean = drawn * marked / total
    variance = mean * (1.0 - marked / total) * (total - drawn) / (total - 1.0)
    miss = 1.0 - mean / trials
    second = 1.0 - (mean + variance) / trials  # the mean of (1 - p) ** 2, as p ** 2 has the mean p - p (1 - p)
    if miss <= 0.0 or second <= 0.0:
        return trials * log_odds  # all are drawn, but for what rounding leaves
    rest = miss * miss / second
    return trials * ((1.0 - rest) * log_odds + rest * log1p((1.0 - second / miss) * (exp(log_odds) - 1.0)))
