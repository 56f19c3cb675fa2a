import numpy as np
import pytest

from harness.checks.baseline.sides import About, difference, mirrored, undefined
from harness.core.comparison import Margin, Margins
from harness.engine.choosing import Compared, choose
from harness.stats.intervals import percentile, square_and_add, tango, wald, wilson
from harness.stats.levels import at_level

TRIALS = 4000


def margin(measure="performance.accuracy", by=0.02, **about):
    return Margin(measure=measure, by=by, reason="r", source="s", **about)


def accuracy(gains, losses, n):
    return difference(About("performance.accuracy"), (gains / n, losses / n), tango(gains, losses, n), n)


def ratio(gain, error=0.01, group="black"):
    """The impact ratio of a group: the vertical model's lies nearer to parity by `gain`."""
    band = wald(gain, error)
    about = About("bias.impact_ratio", "target", {"race": group})
    return difference(about, (0.9, 0.9), wald(0.0, error), 1000, nearer=(gain, band))


def outcome_of(*differences, margins=None, rows=1000, **compared):
    margins = margins or Margins(superior=margin())
    return choose(margins, Compared(list(differences), rows=rows, **compared), "general")


def rates(true, discordant, n, by, seed=0):
    """How often each outcome comes, over simulated pairs of models with independent errors beside the shared ones."""
    gains, losses = (discordant + true) / 2, (discordant - true) / 2
    drawn = np.random.default_rng(seed).multinomial(n, [gains, losses, 1 - discordant], size=TRIALS)
    margins, known, counts = Margins(superior=margin(by=by)), {}, {}
    for b, c, _ in drawn:
        pair = int(b), int(c)
        if pair not in known:
            known[pair] = choose(margins, Compared([accuracy(*pair, n)], rows=n), "general").outcome
        counts[known[pair]] = counts.get(known[pair], 0) + 1
    return {name: count / TRIALS for name, count in counts.items()}


# Four standard errors of a rate of 5 % (2.5 %) over 4,000 trials.
def test_two_models_of_equal_accuracy_have_a_winner_in_at_most_one_case_in_twenty():
    for discordant, n in ((0.1, 300), (0.3, 1000), (0.42, 2000)):
        found = rates(0.0, discordant, n, 0.0)
        assert found.get("choose_vertical", 0) + found.get("choose_general", 0) <= 0.05 + 0.014


def test_at_the_boundary_the_better_model_is_chosen_in_at_most_one_case_in_forty():
    for n in (500, 2000):
        assert rates(0.02, 0.2, n, 0.02).get("choose_vertical", 0) <= 0.025 + 0.01
    # The other boundary: a true difference of exactly δ is called "no difference" as rarely.
    assert rates(0.02, 0.1, 4000, 0.02).get("no_difference", 0) <= 0.025 + 0.01


def test_power_is_what_simulation_finds():
    assert rates(0.05, 0.2, 2000, 0.02)["choose_vertical"] == pytest.approx(0.855, abs=0.022)


def test_each_outcome_by_hand():
    better, worse = accuracy(160, 60, 1000), accuracy(60, 160, 1000)
    assert outcome_of(better).outcome == "choose_vertical"
    assert outcome_of(worse).outcome == "choose_general"
    assert outcome_of(accuracy(5, 5, 5000)).outcome == "no_difference"
    open_one = outcome_of(accuracy(60, 40, 1000))
    assert open_one.outcome == "inconclusive" and open_one.n_needed is None  # the estimate lies on the limit
    assert outcome_of(accuracy(70, 40, 1000)).n_needed > 1000


def test_better_on_accuracy_but_surely_worse_on_bias_is_a_trade_off_and_says_why():
    margins = Margins(superior=margin(), not_inferior=[margin("bias.impact_ratio", 0.05, group={"race": "*"})])
    better = accuracy(160, 60, 1000)
    found = outcome_of(better, ratio(-0.12), margins=margins)
    assert found.outcome == "trade_off" and found.n_needed is None
    assert "bias.impact_ratio (race: black)" in found.reasons[1] and "worse by more than 0.05" in found.reasons[1]
    assert outcome_of(better, ratio(-0.02), margins=margins).outcome == "choose_vertical"
    one_bad = outcome_of(better, ratio(0.0), ratio(-0.12, group="asian"), margins=margins)
    assert one_bad.outcome == "trade_off" and len(one_bad.legs) == 3


def test_a_leg_that_may_be_worse_leaves_the_choice_open_and_says_how_many_rows():
    margins = Margins(superior=margin(), not_inferior=[margin("bias.impact_ratio", 0.05, group={"race": "*"})])
    found = outcome_of(accuracy(160, 60, 1000), ratio(-0.03, error=0.03), margins=margins)
    assert found.outcome == "inconclusive" and found.n_needed > 1000


def test_the_general_model_has_to_pass_the_same_legs():
    margins = Margins(superior=margin(), not_inferior=[margin("bias.impact_ratio", 0.05, group={"race": "*"})])
    worse = accuracy(60, 160, 1000)
    assert outcome_of(worse, ratio(0.12), margins=margins).outcome == "trade_off"
    assert outcome_of(worse, ratio(-0.12), margins=margins).outcome == "choose_general"


def test_what_was_asked_for_and_not_measured_holds_nothing_up():
    margins = Margins(superior=margin(), not_inferior=[margin("bias.impact_ratio", 0.05, group={"race": "*"})])
    better = accuracy(160, 60, 1000)
    assert outcome_of(better, margins=margins).outcome == "inconclusive"
    small = undefined(About("bias.impact_ratio", "target", {"race": "black"}), 12, "insufficient sample: 12 rows")
    found = outcome_of(better, small, margins=margins)
    assert found.outcome == "inconclusive" and "insufficient sample" in found.reasons[-1]
    nothing = outcome_of(margins=margins)
    assert nothing.outcome == "inconclusive" and "not measured" in nothing.reasons[0]


def test_the_guard_set_is_a_leg_and_its_absence_is_said():
    margins = Margins(superior=margin(), guard=margin(by=0.05))
    better = accuracy(160, 60, 1000)
    unnamed = outcome_of(better, margins=margins)
    assert unnamed.outcome == "choose_vertical"
    assert unnamed.legs[-1].outcome == "not_tested" and "--guard-suite" in unnamed.reasons[-1]
    assert outcome_of(better, margins=margins, guard=[accuracy(40, 200, 1000)]).outcome == "trade_off"
    assert outcome_of(better, margins=margins, guard=[accuracy(50, 52, 1000)]).outcome == "choose_vertical"
    named = outcome_of(better, margins=margins, guard_reason="general/questions can't be asked of both models")
    assert named.outcome == "inconclusive"


def test_a_stricter_level_chooses_less():
    margins, edge = Margins(superior=margin(by=0.0)), accuracy(66, 44, 1000)
    assert choose(margins, Compared([edge], rows=1000), "g", 0.95).outcome == "choose_vertical"
    assert choose(margins, Compared([edge], rows=1000), "g", 0.99).outcome == "inconclusive"


@pytest.mark.parametrize(
    "interval",
    [
        tango(40, 20, 300),
        wald(0.1, 0.02),
        square_and_add(0.8, 0.6, wilson(80, 100), wilson(60, 100)),
        percentile(np.random.default_rng(0).exponential(size=500)),
    ],
)
def test_a_mirrored_interval_can_be_recomputed_at_any_level(interval):
    turned = mirrored(interval)
    for level in (0.95, 0.8):
        one, other = at_level(interval, level), at_level(turned, level)
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-9)
