"""How much processes differ: what a run, the machine's history and a prior say of it together.

A setup that is started twice is not twice the same: memory layout, compilation and placement make
processes of one program differ by per cents, for as long as they live [1]_ [2]_. One process shows
nothing of that, two hardly more. But the setups of a run are several, and a machine has run others
before, so that what each of them says can be pooled.

*The model.* The processes of setup i have standard deviation ``s_i`` (of the log of what a query
costs), and its rounds within a process ``w_i``. Setups differ in kind, so neither is one number:
``log s_i ~ N(mu, tau^2)``, of unknown ``mu`` and ``tau`` [3]_. Where setups are alike the
data make ``tau`` small and all speak for one; where one framework's processes vary by 15 % and the
others' by 1 %, they make it large and each speaks for itself. The same holds of ``w_i``.

*What is known.* The mean square between the executions of a setup, of ``nu_i`` degrees of freedom,
is ``(s_i^2 + w_i^2 / rounds) chi^2 / nu_i``. Earlier runs add such mean squares for setups of the
same framework (:class:`PastSpread`). The prior says ``mu = log PRIOR_MEDIAN +- PRIOR_LOG_SD``: it
decides where neither knows, and weighs about as much as one degree of freedom where they do. All is
integrated on grids: nothing is drawn, and there is no seed.

References
----------
.. [1] T. Kalibera and R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013.
.. [2] T. Mytkowicz, A. Diwan, M. Hauswirth and P. F. Sweeney, "Producing wrong data without doing
   anything obviously wrong!", ASPLOS 2009.
.. [3] A. Gelman, "Prior distributions for variance parameters in hierarchical models", Bayesian
   Analysis 1 (2006) 515-534 (half-normal for ``tau``); G. K. Smyth, "Linear models and empirical
   Bayes methods", Statistical Applications in Genetics and Molecular Biology 3 (2004) 3, for many
   scales of few degrees each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Where nothing is known: the median of the standard deviation between processes, and the standard
#: deviation of its logarithm; in 95 % of machines it then lies between 1.3 and 20 %. Chosen so that
#: a ratio of one process each still covers 93 % where processes vary by 10 %
#: (`benchmarks/ratio_coverage.py`); the quickstart's executions lie 7 to 17 % apart in 7 of 27
#: ratios.
PRIOR_MEDIAN = 0.05
PRIOR_LOG_SD = 0.7
#: Scale of the half-normal prior of ``tau``: the spreads of a run's setups differ by a factor of
#: e^0.5 or so.
TAU_SCALE = 0.5
#: What the past says of a framework counts for at most so many degrees of freedom, since setups of
#: one framework differ (by a factor of 1.3 or so), ...
MOST_PAST_DEGREES = 8.0
#: ... and for half as many after so many days: drivers, kernels and compilers change.
PAST_HALF_LIFE_DAYS = 180.0

_LOG_SPREAD = np.linspace(math.log(5e-4), math.log(5.0), 47)
_LOG_ROUNDS = np.linspace(-3.5, 3.0, 27)
_TAU = np.array([0.02, 0.2, 0.4, 0.6, 0.8, 1.1, 1.5])
_VARIANCES = 64
#: Chances below it are left out of a half-width.
_NEGLIGIBLE = 1e-6
_HALVINGS = 40


@dataclass(frozen=True)
class PastSpread:
    """What earlier executions of a framework's setups on this machine said of their spread.

    ``between`` is the mean square between executions (log scale), of which ``rounds`` came from
    the rounds within them, on ``degrees`` degrees of freedom, ``age_days`` ago.
    """

    between: float
    rounds: float
    degrees: float
    age_days: float = 0.0

    @property
    def counting(self) -> float:
        """The degrees of freedom that are left of it at its age."""
        return float(self.degrees * 2 ** (-max(0.0, self.age_days) / PAST_HALF_LIFE_DAYS))


@dataclass(frozen=True)
class Repeated:
    """One setup's repetitions: mean squares of logs, what is common to all setups removed.

    ``within`` (of single rounds) has ``within_degrees``; ``between`` (of executions' means) has
    ``between_degrees`` and contains ``within`` times ``round_share``. The variance of the setup's
    estimate is ``s^2 execution_weight + w^2 round_weight``. ``past_share`` is 1 over the number of
    setups that have the same past, so that it is not counted for each of them anew.
    """

    within: float
    within_degrees: float
    between: float
    between_degrees: float
    round_share: float
    execution_weight: float
    round_weight: float
    past: tuple[PastSpread, ...] = ()
    past_share: float = 1.0


@dataclass(frozen=True)
class Variances:
    """Posterior of the variance of each setup's estimate, given the hyperparameters.

    ``weights`` (h,) are those of the hyperparameters, ``chances`` (setups, h, v) those of the
    variances ``grids`` (setups, v); ``spread`` (setups,) is the median of each setup's standard
    deviation between processes.
    """

    weights: Array
    chances: Array
    grids: Array
    spread: Array

    def half_width(self, one: int, other: int, level: float) -> float:
        """Of the difference of two setups' estimates, at this confidence level."""
        together = (self.weights[:, None] * self.chances[one]).T @ self.chances[other]
        return _quantile(together, self.grids[one][:, None] + self.grids[other][None, :], level)

    def half_width_of(self, one: int, level: float) -> float:
        """Of one setup's estimate by itself."""
        return _quantile(self.weights @ self.chances[one], self.grids[one], level)


def variances(setups: Sequence[Repeated]) -> Variances:
    """What is known of each setup's variance, from all of them together."""
    of_rounds, log_rounds = _of_rounds(setups)
    spread2, within2 = np.exp(2 * _LOG_SPREAD)[:, None], np.exp(2 * log_rounds)[None, :]
    joint = np.empty((len(setups), spread2.size, within2.size))
    for its, setup, chance in zip(joint, setups, of_rounds, strict=True):
        variance = spread2 + setup.round_share * within2
        log_joint = _log_likelihood(setup.between, setup.between_degrees, variance)
        log_joint = (
            log_joint + setup.past_share * _of_past(setup.past)[:, None] + np.log(chance + 1e-300)
        )
        its[:] = np.exp(log_joint - log_joint.max())
    prior = -0.5 * ((_LOG_SPREAD - math.log(PRIOR_MEDIAN)) / PRIOR_LOG_SD) ** 2
    weights, given = _hierarchy(joint.sum(2), _LOG_SPREAD, prior)
    chances, grids, medians = [], [], []
    for setup, its, chance in zip(setups, joint, given, strict=True):
        variance = setup.execution_weight * spread2 + setup.round_weight * within2
        grid, bins = _binned(variance)
        shares = its / np.maximum(its.sum(1, keepdims=True), 1e-300)
        rows = np.arange(spread2.size)[:, None] * _VARIANCES
        onto = np.bincount((bins + rows).ravel(), shares.ravel(), spread2.size * _VARIANCES)
        chances.append(chance @ onto.reshape(-1, _VARIANCES))
        grids.append(grid)
        below = np.cumsum(weights @ chance)
        medians.append(math.exp(float(np.interp(0.5 * below[-1], below, _LOG_SPREAD))))
    return Variances(weights, np.stack(chances), np.stack(grids), np.array(medians))


def past_degrees(past: Sequence[PastSpread]) -> float:
    """The degrees of freedom that the past of a framework counts for."""
    return min(MOST_PAST_DEGREES, sum(seen.counting for seen in past))


def _of_rounds(setups: Sequence[Repeated]) -> tuple[Array, Array]:
    """Chances (setups, grid) of the spread of rounds within a process, and the grid of its log."""
    degrees = np.array([s.within_degrees for s in setups])
    squares = np.array([s.within for s in setups])
    pooled = float((degrees * squares).sum() / degrees.sum()) if degrees.sum() > 0 else 0.0
    if pooled <= 0:
        return np.ones((len(setups), 1)), np.array([-math.inf])
    grid = 0.5 * math.log(pooled) + _LOG_ROUNDS
    log_likelihood = np.stack(
        [_log_likelihood(m, n, np.exp(2 * grid)) for m, n in zip(squares, degrees, strict=True)]
    )
    likelihood = np.exp(log_likelihood - log_likelihood.max(1, keepdims=True))
    weights, given = _hierarchy(likelihood, grid, np.zeros_like(grid))
    chances: Array = np.tensordot(weights, given, (0, 1))
    return chances, grid


def _of_past(past: Sequence[PastSpread]) -> Array:
    """Log likelihood of the past over the grid of spreads."""
    total = np.zeros_like(_LOG_SPREAD)
    all_degrees = sum(seen.counting for seen in past)
    share = past_degrees(past) / all_degrees if all_degrees > 0 else 0.0
    for seen in past:
        variance = np.exp(2 * _LOG_SPREAD) + seen.rounds
        total += _log_likelihood(seen.between, share * seen.counting, variance)
    return total


def _log_likelihood(mean_square: float, degrees: float, variance: Array) -> Array:
    """Of a mean square that is ``variance`` chi^2 / degrees, but for a constant."""
    value: Array = -0.5 * degrees * (np.log(variance) + mean_square / variance)
    return value


def _hierarchy(likelihood: Array, grid: Array, log_prior: Array) -> tuple[Array, Array]:
    """Weights (h,) of (mu, tau), and chances (setups, h, grid) of each setup's value given them.

    ``mu`` lies on every other point of the grid, where it has the logarithm of its prior.
    """
    z = (grid[None, None, :] - grid[::2][:, None, None]) / _TAU[None, :, None]
    spread = np.exp(-0.5 * z**2).reshape(-1, grid.size)
    spread /= spread.sum(1, keepdims=True)
    tau = -0.5 * (_TAU / TAU_SCALE) ** 2 + np.log(np.gradient(_TAU))
    seen = np.maximum(likelihood @ spread.T, 1e-300)
    log_weights = (log_prior[::2][:, None] + tau[None, :]).ravel() + np.log(seen).sum(0)
    weights = np.exp(log_weights - log_weights.max())
    likely = weights > _NEGLIGIBLE * weights.sum()
    weights, spread, seen = weights[likely], spread[likely], seen[:, likely]
    chances = spread[None] * likelihood[:, None, :] / seen[:, :, None]
    return weights / weights.sum(), chances


def _binned(variance: Array) -> tuple[Array, NDArray[np.intp]]:
    """A grid of variances, even on the logarithm, and which of them is next to each given one."""
    low = max(float(variance.min()), 1e-14)
    high = max(float(variance.max()), low * (1 + 1e-6))
    grid = np.geomspace(low, high, _VARIANCES)
    position = np.log(np.maximum(variance, low) / low) / math.log(high / low)
    return grid, np.rint(position * (_VARIANCES - 1)).astype(np.intp)


def _quantile(chance: Array, variance: Array, level: float) -> float:
    """Half-width of the central interval of a mixture of normals of these variances."""
    from scipy.special import ndtr

    keep = chance > _NEGLIGIBLE
    grid, bins = _binned(variance[keep])
    weight, error = np.bincount(bins, chance[keep] / chance[keep].sum(), grid.size), np.sqrt(grid)
    low, high = 0.0, 40.0 * float(error.max())
    for _ in range(_HALVINGS):
        half = (low + high) / 2
        outside = 2 * float((weight * ndtr(-half / error)).sum())
        low, high = (half, high) if outside > 1 - level else (low, half)
    return high
