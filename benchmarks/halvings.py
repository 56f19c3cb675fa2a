"""Halves the test rows of every suite at random, many times: does a rule pass on one half and fail on the other?

    python -m benchmarks.halvings --halvings 80 [SUITE ...]

Each suite's reference model is fitted and asked once; suites that need a language model get answers that are right in 60 of 100
items. Rules on data, explanations and the model's file do not depend on the answers, and are left out.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.suites import bases
from harness import load_suite
from harness.core.finding import CheckRecord
from harness.datasets.roles import load_dataset
from harness.engine.evidence import Evidence
from harness.engine.judge import judge
from harness.engine.planner import plan
from harness.engine.runner import run_step
from harness.spec.loading import built_in_suites
from harness.workflows.audit import AuditRequest, run_audit
from harness.workflows.fit import fit

FAMILIES = ("performance.", "bias.", "privacy.")
LEFT_OUT = ("performance.transfer", "performance.class_transfer")


def evidence_of(name: str, folder: Path) -> Evidence:
    """The evidence of an audit of the suite's reference model, or of saved answers."""
    suite = load_suite(name).suite
    if suite.data.split.test != 1:
        base = bases(suite, "sklearn:gradient-boosting")[-1]
        fit(name, base, folder / "model")
        return run_audit(AuditRequest(name, str(folder / "model"))).evidence
    return run_audit(AuditRequest(name, str(_answers(name, folder)))).evidence


def _answers(name: str, folder: Path) -> Path:
    data, rng = load_dataset(load_suite(name)), np.random.default_rng(0)
    test, classes = data.splits["test"], np.array(data.classes, dtype=object)
    share = np.where((test.labels[:, None] == classes) == (rng.random(len(test)) < 0.6)[:, None], 1.0, 0.2)
    scores = share / share.sum(axis=1, keepdims=True)
    named = {f"score:{each}": scores[:, k] for k, each in enumerate(classes)}
    pd.DataFrame({"id": test.ids, **named}).to_csv(folder / "answers.csv", index=False)
    return folder / "answers.csv"


def halves(evidence: Evidence, rng: np.random.Generator) -> Iterator[Evidence]:
    """The evidence of either half of the test rows, of whole clusters where they are clustered."""
    test = evidence.data.splits["test"]
    owner = (
        np.arange(len(test)) if test.clusters is None else np.unique(test.clusters.astype(str), return_inverse=True)[1]
    )
    first = (rng.permutation(int(owner.max()) + 1) % 2 == 0)[owner]
    for rows in (first, ~first):
        half = copy.copy(evidence)
        half.data = replace(
            evidence.data, splits=evidence.data.splits | {"test": test.take(np.flatnonzero(rows).tolist())}
        )
        half._own = evidence._own | {"test": evidence._own["test"].only(rows)}
        half._predictions = evidence._predictions | {"test": evidence._predictions["test"].only(rows)}
        yield half


def outcomes(evidence: Evidence) -> dict[tuple[str, str], str]:
    """Pass, fail or another outcome of every decision of the suite's rules on answers."""
    steps = [
        step
        for step in plan(evidence.suite, evidence.data, evidence.model).steps
        if step.entry.name.startswith(FAMILIES) and step.entry.name not in LEFT_OUT
    ]
    records: list[CheckRecord] = [run_step(step, evidence) for step in steps]
    given = [step.entry for step in steps]
    rules = [rule for rule in evidence.suite.policy if any(entry.gives(rule.measure) for entry in given)]
    found = judge(rules, records, len(evidence.data.splits["test"])).decisions
    return {(d.rule_id, str(sorted(((d.group or {}) | (d.of or {})).items()))): d.outcome for d in found}


def halved(name: str, halvings: int) -> Counter[str]:
    """Decisions by what either half says: both pass, both fail, one of them alone, or one of each."""
    counted: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        evidence, rng = evidence_of(name, Path(folder)), np.random.default_rng(0)
        for _ in range(halvings):
            one, other = (outcomes(half) for half in halves(evidence, rng))
            for key in one.keys() & other.keys():
                sides = {one[key], other[key]}
                if sides == {"pass", "fail"}:
                    print(f"    {name}: {key} passes on one half and fails on the other")
                    counted["contradiction"] += 1
                elif sides <= {"pass", "fail"}:
                    counted[f"both {sides.pop()}"] += 1
                else:
                    counted["not decided on both"] += 1
    return counted


def main() -> None:
    """Prints a line for each suite, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halvings", type=int, default=80, help="of each suite")
    parser.add_argument("suites", nargs="*")
    asked = parser.parse_args()
    total: Counter[str] = Counter()
    names = asked.suites or [name for name in built_in_suites() if load_suite(name).suite.data.label.column]
    for name in names:
        counted = halved(name, asked.halvings)
        total += counted
        print(f"{name:40} {asked.halvings} halvings: {dict(counted)}", flush=True)
    print(f"{len(names) * asked.halvings} halvings of {len(names)} suites: {dict(total)}")


if __name__ == "__main__":
    main()
