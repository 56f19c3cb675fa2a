"""Error rates of the impact-ratio rule with the true ratio exactly at a limit."""

import itertools

import numpy as np
import pytest

from harness.checks.bias.groups import MINIMUM_EXPECTED, Share, impact_ratio
from harness.core.finding import CheckRecord
from harness.core.rule import Rule
from harness.engine.judge import judge

RULE = Rule(id="r", measure="bias.impact_ratio", group={"g": "*"}, between=(0.8, 1.25), reason="r", source="s")
SIZES, RATES, TRIALS = (30, 50, 100, 300, 806, 2000), (0.1, 0.2, 0.3, 0.5, 0.7, 0.9), 10_000


def decide(counts):
    finding = impact_ratio(Share(*counts[:2]), Share(*counts[2:]), {"g": "a"})
    record = CheckRecord(check="bias.groups", status="measured", findings=[finding])
    return judge([RULE], [record], counts[1] + counts[3]).decisions[0].outcome


def z_scores(ratio, x1, n1, x0, n0):
    """The score statistic in array form; compared with the real rule below, table by table."""
    total = n1 + n0
    a, b, c = total * ratio, -(n1 * ratio + x1 + n0 + x0 * ratio), x1 + x0
    q0 = np.clip((-b - np.sqrt(np.maximum(b * b - 4 * a * c, 0))) / (2 * a), 0, 1)
    q1 = np.minimum(ratio * q0, 1)
    variance = (q1 * (1 - q1) / n1 + ratio**2 * q0 * (1 - q0) / n0) * total / (total - 1)
    gap = x1 / n1 - ratio * x0 / n0
    with np.errstate(all="ignore"):
        return np.where(variance > 0, gap / np.sqrt(variance), np.where(gap == 0, 0, np.sign(gap) * np.inf))


def outcomes(x1, n1, x0, n0):
    low, high = z_scores(0.8, x1, n1, x0, n0), z_scores(1.25, x1, n1, x0, n0)
    rate = (x1 + x0) / (n1 + n0)
    enough = (min(n1, n0) * np.minimum(rate, 1 - rate) >= MINIMUM_EXPECTED) & (x0 > 0)
    z = 1.959964
    return enough & (low > z) & (high < -z), enough & ((low < -z) | (high > z)), enough


@pytest.mark.slow
def test_false_passes_and_false_fails_stay_near_their_level_at_the_boundary():
    rng = np.random.default_rng(20260101)
    passes, fails, decided = [], [], 0
    for n1, n0, limit, rate in itertools.product(SIZES, SIZES, (0.8, 1.25), RATES):
        reference = rate if limit < 1 else rate * 0.8
        x1, x0 = rng.binomial(n1, reference * limit, TRIALS), rng.binomial(n0, reference, TRIALS)
        good, bad, enough = outcomes(x1, n1, x0, n0)
        passes.append(good.mean())
        fails.append(bad.mean())
        decided += int(enough.mean() > 0.5)
    error = 3 * (0.035 * 0.965 / TRIALS) ** 0.5
    assert decided > len(passes) * 0.8
    assert np.mean(passes) <= 0.025
    assert np.mean(fails) <= 0.025
    assert max(passes) <= 0.035 + error
    assert max(fails) <= 0.035 + error


def test_the_simulated_rule_is_the_real_rule():
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(150):
        n1, n0 = (int(v) for v in rng.choice(SIZES, 2))
        p = rng.uniform(0.05, 0.95)
        x1, x0 = int(rng.binomial(n1, min(p * rng.uniform(0.5, 1.3), 1))), int(rng.binomial(n0, p))
        good, bad, enough = outcomes(np.array([x1]), n1, np.array([x0]), n0)
        wanted = "not_tested" if not enough[0] else "pass" if good[0] else "fail" if bad[0] else "inconclusive"
        assert decide((x1, n1, x0, n0)) == wanted, (x1, n1, x0, n0)
        seen.add(wanted)
    assert seen == {"pass", "fail", "inconclusive", "not_tested"}
