import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from harness.checks.privacy.membership import membership

AUC, ADVANTAGE = "privacy.membership_auc", "privacy.membership_advantage"
LOSS, GAP = {"attack": "loss"}, {"attack": "gap"}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Boosting on a few hundred rows takes seconds where its threads must wait for busy cores."""
    with threadpool_limits(1):
        yield


def rows(seed, n, right, sure, shift=0.0):
    """Rows whose label is guessed right at this rate, with this certainty (0.5 to 1)."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(["no", "yes"], n)
    own = np.clip(np.where(rng.random(n) < right, sure, 1 - sure) + rng.normal(0, 0.03, n), 0.01, 0.99)
    score = np.where(truth == "yes", own, 1 - own)
    inputs = pd.DataFrame({"x": rng.normal(shift, 1, n), "k": rng.choice(["a", "b"], n).astype(object)})
    return {"labels": truth, "answers": np.where(score >= 0.5, "yes", "no"), "scores": score, "inputs": inputs}


@pytest.fixture(scope="module")
def memoriser(build):
    train, test = rows(1, 250, 0.99, 0.95), rows(2, 200, 0.75, 0.7)
    return train, test, membership(build(**test, train=train))


@pytest.fixture(scope="module")
def clean(build):
    """Other rows of the same kind, on which the model is exactly as right and as sure as on its training rows."""
    train, test = rows(3, 200, 0.8, 0.7), rows(4, 200, 0.8, 0.7)
    train["scores"] = np.where(train["labels"] == "yes", own(test), 1 - own(test))
    train["answers"] = np.where(train["scores"] >= 0.5, "yes", "no")
    return membership(build(**test, train=train))


def own(part):
    return np.where(part["labels"] == "yes", part["scores"], 1 - part["scores"])


def test_the_loss_attacks_auc_is_the_share_of_pairs_that_it_orders_rightly(memoriser, find):
    train, test, measured = memoriser
    inside, outside = own(train)[:, None], own(test)
    wanted = (inside > outside).mean() + (inside == outside).mean() / 2
    assert find(measured, AUC, LOSS).value == pytest.approx(wanted, abs=1e-12)


def test_the_gap_attacks_advantage_is_train_accuracy_minus_test_accuracy(memoriser, find):
    accuracy = [(part["labels"] == part["answers"]).mean() for part in memoriser[:2]]
    found = find(memoriser[2], ADVANTAGE, GAP)
    assert found.value == pytest.approx(accuracy[0] - accuracy[1])
    assert find(memoriser[2], AUC, GAP).value == pytest.approx(0.5 + found.value / 2)


def test_the_loss_attack_says_member_where_the_loss_is_below_the_mean_training_loss(memoriser, find):
    losses = [-np.log(own(part)) for part in memoriser[:2]]
    wanted = (losses[0] <= losses[0].mean()).mean() - (losses[1] <= losses[0].mean()).mean()
    assert find(memoriser[2], ADVANTAGE, LOSS).value == pytest.approx(wanted)


def test_a_memoriser_is_caught_and_its_clean_twin_is_not(memoriser, clean, find):
    assert find(memoriser[2], AUC, LOSS).interval.low > 0.8
    assert find(memoriser[2], ADVANTAGE, GAP).interval.low > 0.1
    for attack in (LOSS, GAP):
        found = find(clean, AUC, attack)
        assert found.value == pytest.approx(0.5, abs=1e-3)
        assert 0.4 < found.interval.low < 0.5 < found.interval.high < 0.6
        assert find(clean, ADVANTAGE, attack).value == pytest.approx(0)


def test_shuffled_membership_is_chance_even_for_a_memoriser(memoriser, find):
    found = find(memoriser[2], "privacy.shuffled_auc", LOSS).interval
    assert found.low < 0.5 < found.high


def test_the_blind_baseline_does_not_move_with_the_models_answers(memoriser, build, find):
    train, test, measured = memoriser
    other = membership(build(**{**test, "scores": None, "answers": test["labels"]}, train={**train, "scores": None}))
    blind = [find(m, "privacy.blind_auc") for m in (measured, other)]
    assert blind[0] == blind[1]
    assert blind[0].interval.low < 0.55
    minus = find(measured, "privacy.membership_minus_blind", LOSS)
    assert minus.value == pytest.approx(find(measured, AUC, LOSS).value - blind[0].value)


def test_a_shifted_split_is_not_tested_but_tells_the_blind_auc(build, find):
    measured = membership(build(**rows(6, 200, 0.8, 0.7, shift=1.5), train=rows(5, 250, 0.8, 0.7)))
    assert measured.status == "not_tested"
    assert "not exchangeable" in measured.reason
    assert find(measured, "privacy.blind_auc").interval.low > 0.7
    assert not [f for f in measured.findings if f.measure == AUC]


def test_fewer_than_a_hundred_of_either_are_not_tested(build):
    few, many = rows(7, 99, 0.8, 0.7), rows(30, 150, 0.8, 0.7)
    for test, train in ((few, many), (many, few)):
        measured = membership(build(**test, train=train))
        assert measured.status == "not_tested"
        assert measured.reason.startswith("insufficient sample")
    assert membership(build(**many, train=rows(31, 100, 0.8, 0.7))).status == "measured"


def test_without_training_rows_nothing_is_tested(build):
    assert membership(build(**rows(7, 150, 0.8, 0.7))).status == "not_tested"


def test_the_loss_attack_needs_probabilities_and_the_gap_attack_does_not(build, find):
    test, train = ({**rows(s, 120, 0.8, 0.7), "scores": None} for s in (10, 11))
    measured = membership(build(**test, train=train))
    assert find(measured, AUC, LOSS).value is None
    assert find(measured, AUC, LOSS).reason.startswith("no access: the loss attack needs a probability")
    assert find(measured, AUC, GAP).value is not None


def test_the_low_alarm_rate_is_taken_where_the_roc_curve_has_it(build, memoriser, find):
    measure = "privacy.membership_tpr_at_1pct_fpr"
    few = find(memoriser[2], measure, LOSS).interval
    assert few.low < 0.5 < few.high  # 200 others do not settle what 1 % of them is
    train, test = rows(12, 300, 1, 0.95), rows(13, 1000, 1, 0.6)
    found = find(membership(build(**test, train=train)), measure, LOSS)
    # No test row comes near the members' certainty, so each member is told without an alarm.
    assert (found.value, found.n) == (1, 300)
