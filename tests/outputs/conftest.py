"""Records made by hand: one decision for each outcome and severity, and what checks found beside."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.baseline.differences import paired_differences
from harness.checks.baseline.sides import About, Sides, difference
from harness.core.audit import Audit
from harness.core.comparison import Comparison, Margins
from harness.core.dataset import Dataset, Split
from harness.core.predictions import Predictions
from harness.engine.choosing import Compared, choose
from harness.spec.suite import Suite
from harness.stats.intervals import wald

OUTCOMES = ("pass", "fail", "inconclusive", "not_tested", "not_applicable", "error")


def decision(outcome, severity="block", rule="r", **more):
    return {
        "rule_id": f"{rule}-{outcome}-{severity}", "measure": "performance.roc_auc", "at_least": 0.7, "limit": "≥ 0.7",
        "severity": severity, "outcome": outcome, "observed": 0.8, "n": 950, "message": "0.8 against ≥ 0.7",
        "interval": {"low": 0.75, "high": 0.85, "level": 0.95, "method": "wald", "inputs": {}},
        "reason": "Below this the score adds little", "limit_source": "expert: owner", "clauses": ["eu.ai-act.15-1"],
    } | more  # fmt: skip


def found(measure, value=1, **more):
    return {"measure": measure, "value": value, "n": 10, "exact": True} | more


@pytest.fixture(name="decision")
def _decision():
    return decision


@pytest.fixture(name="found")
def _found():
    return found


@pytest.fixture
def make_record():
    """A record of these decisions and findings; its policy has a rule for each."""

    def make(decisions=(), findings=(), outcome="incomplete", **more):
        rules = [
            {"id": d["rule_id"], "measure": d["measure"], "at_least": 0.7, "severity": d["severity"],
             "reason": d["reason"], "source": d["limit_source"], "clauses": d["clauses"]}
            for d in decisions
        ]  # fmt: skip
        body = {
            "suite": {"name": "own/loans", "uri": "suites/loans.yaml", "version": "1", "digest": "sha256:5", "vertical": "finance", "task": "classification", "seed": 1},
            "model": {"uri": "models/loans.skops", "kind": "sklearn", "fingerprint": "sha256:6"},
            "data": {"fingerprint": "sha256:7", "rows": 950, "duplicates_dropped": 0, "members": "unknown",
                     "splits": [{"role": "test", "rows": 950, "ids_digest": "sha256:8"}]},
            "records": [{"check": "data.quality", "status": "measured", "findings": list(findings)}],
            "policy": {"digest": "sha256:9", "rules": rules},
            "verdict": {"outcome": outcome, "decisions": list(decisions)},
            "harness": {"version": "0.1.0"}, "environment": {}, "started": "2026-01-01T00:00:00+00:00", "seconds": 1.0,
            "evidence_digest": "sha256:1", "digest": "sha256:2",
        } | more  # fmt: skip
        return Audit.model_validate(body)

    return make


@pytest.fixture
def every_outcome(make_record):
    return make_record([decision(o, s) for o in OUTCOMES for s in ("block", "warn")], outcome="fail")


SUITE = {
    "name": "own/loans", "vertical": "finance", "checks": ["performance.classification"],
    "data": {"source": "-", "label": {"column": "y", "positive": "yes", "favourable": "no"}, "features": ["x"],
             "sensitive": {"race": {"column": "race"}}},
}  # fmt: skip
BIAS = {
    "measure": "bias.impact_ratio",
    "group": {"race": "*"},
    "by": 0.26,
    "reason": "Equal offers",
    "source": "counsel",
}
ALL_EXHIBITS = [
    {"kind": "table", "title": "Where the models disagree (2 items, 2 shown)", "columns": ["id", "truth", "loans", "chat"],
     "rows": [["r17", "yes", "yes", "no"], ["r23", "no", "yes", "no"]]},
    {"kind": "table", "title": "Errors per 1,000 rows and what they cost", "columns": ["model", "missed", "false alarms", "cost"],
     "rows": [["loans", 40.0, 90.0, None], ["chat", 120.0, 50.0, None]]},
    {"kind": "curve", "title": "Learning curve (3 fits a point)", "columns": ["training rows", "performance.accuracy", "low", "high"],
     "rows": [[100, 0.60, 0.55, 0.65], [400, 0.75, 0.70, 0.80], [1600, 0.89, 0.86, 0.92]]},
    {"kind": "table", "title": "Power with 950 rows", "columns": ["true gain", "power"], "rows": [[0.02, 0.35], [0.05, 0.97]]},
]  # fmt: skip


def differences_of(shares, skew=0.0, rows=950, seed=0):
    """Paired differences of two models that are right on these shares of rows; `skew` turns the first against race b."""
    rng = np.random.default_rng(seed)
    truth, race = rng.choice(["no", "yes"], rows, p=[0.6, 0.4]), rng.choice(["a", "b"], rows)
    suite = Suite.model_validate(SUITE)
    as_objects = {"race": race.astype(object)}
    test = Split("test", np.arange(rows).astype(str).astype(object), pd.DataFrame({"x": np.zeros(rows)}),
                 truth.astype(object), as_objects, {"race": race.astype(object)}, pd.DataFrame())  # fmt: skip
    sides = []
    for share, against in zip(shares, (skew, 0.0), strict=True):
        positive = (rng.random(rows) < share) == (truth == "yes")
        positive |= (race == "b") & (rng.random(rows) < against)
        score = np.clip(np.where(positive, 0.7, 0.3) + rng.normal(0, 0.05, rows), 0.01, 0.99)
        labels = np.where(positive, "yes", "no").astype(object)
        sides.append(Predictions(("no", "yes"), labels, np.column_stack([1 - score, score])))
    data = Dataset({"test": test}, ("no", "yes"), "yes", "-", rows, 0, {}, "stated")
    return paired_differences(Sides(suite, data, test, sides[0], sides[1], rng, 1000))


def membership():
    """Recognising training rows, from both audits."""
    about = About("privacy.membership_auc", "lower", of={"attack": "loss"})
    return difference(about, (0.62, 0.51), wald(0.11, 0.02), 400).model_copy(update={"paired": False})


def model(role, name, **more):
    return {"role": role, "name": name, "verdict": "pass", "evidence_digest": f"sha256:{name}", "members": "stated",
            "info": {"uri": f"models/{name}.skops", "kind": "sklearn", "fingerprint": f"sha256:{name}"}, **more}  # fmt: skip


@pytest.fixture
def make_comparison():
    """A comparison of `loans` and `chat` as the engine would choose; keywords replace parts of the record."""

    def make(shares=(0.9, 0.8), by=0.02, skew=0.0, rows=950, **more):
        margins = Margins.model_validate({
            "superior": {"measure": "performance.accuracy", "by": by, "reason": "A point less is not worth a change.",
                         "source": "expert: owner"},
            "not_inferior": [BIAS],
        })  # fmt: skip
        found = [*differences_of(shares, skew, rows), *more.pop("also", [membership()])]
        choice = choose(margins, Compared(found, rows=rows), "chat")
        body = {
            "suite": {"name": "own/loans", "version": "1", "digest": "sha256:5", "vertical": "finance",
                      "task": "classification", "seed": 1},
            "data": {"fingerprint": "sha256:7", "rows": 3000, "duplicates_dropped": 0, "members": "stated",
                     "splits": [{"role": "train", "rows": 1600, "ids_digest": "sha256:3"},
                                {"role": "test", "rows": rows, "ids_digest": "sha256:8"}]},
            "models": [model("vertical", "loans", seconds_per_1000=0.4, timed_rows=rows, cost_per_1000=0.002),
                       model("general", "chat", seconds_per_1000=95.0, timed_rows=200, cost_per_1000=1.5,
                             info={"uri": "https://api.example.com/v1#chat", "kind": "openai-server",
                                   "fingerprint": "sha256:c", "view": "prompt"})],
            "margins": margins.model_dump(), "margins_source": "the suite", "level": 0.95,
            "differences": [d.model_dump() for d in found], "choices": [choice.model_dump()], "decision": choice.model_dump(),
            "not_compared": [{"what": "explainability", "reason": "the general model gives no attributions"}], "notes": [],
            "exhibits": ALL_EXHIBITS, "harness": {"version": "0.1.0"},
            "environment": {"python": "3.12.1", "packages": {"numpy": "2.0"}},
            "started": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "evidence_digest": "sha256:1", "digest": "sha256:2",
        } | more  # fmt: skip
        return Comparison.model_validate(body)

    return make
