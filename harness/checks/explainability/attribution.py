"""Which features move the score, by SHAP, and whether the attributions add up.

Explained: the positive class's output, in log-odds where the explainer can (trees of boosting, linear models), else in
probability; for regression the predicted number; the space, the explainer and the background are parameters of the exhibit. SHAP: Lundberg & Lee (2017);
trees path-dependent (Lundberg et al. 2020); otherwise permutation sampling over an independent masker, on as many rows as
the number of model calls allows: (2 · features + 1) · background calls a row.
Additivity error = max |base + Σφ - output| / (sd of the output). Attributions of one-hot columns are summed to their
source column. Sensitive share = Σ_{j in S} E|φ_j| / Σ_j E|φ_j|.
Limitations: additivity is not accuracy; correlated features share credit arbitrarily.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.stats.bootstrap import resample_rows
from harness.stats.intervals import percentile

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Explained:
    """Attributions (rows, features), each row's base and output, and how they were made."""

    values: Floats
    base: Floats
    output: Floats
    explainer: str
    space: str
    background: int | None = None


CALLS = {"columns": 150_000}
CALLS_OF_A_TEXT_MODEL = 4_000


def attribution(
    evidence: Evidence, *, rows: int = 300, background: int = 100, resamples: int = 300, calls: int | None = None
) -> Measurement:
    """Global and local attributions for a seeded sample of test rows.

    `calls` bounds the model's calls where its structure can't be read: by default 150,000 for a model of columns and 4,000
    for one of texts.
    """
    test = evidence.split("test")
    if test is None or (evidence.data.classes and evidence.data.positive is None):
        return not_tested("no data: no test rows, or no positive class")
    rng = evidence.generator("explainability.attribution")
    sample = test.inputs.iloc[np.sort(rng.permutation(len(test))[:rows])].reset_index(drop=True)
    source = evidence.split("train") or test
    reference = source.inputs.iloc[np.sort(rng.permutation(len(source))[:background])].reset_index(drop=True)
    limit = CALLS.get(evidence.model.view, CALLS_OF_A_TEXT_MODEL) if calls is None else calls
    explained = _explain(evidence, sample, reference, limit)
    if explained is None:
        return not_tested(
            f"out of budget: {limit} calls explain fewer than two rows. Raise the check's parameter calls"
        )
    return _findings(evidence, explained, list(sample.columns), explained.background, rng, resamples)


def _explain(evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, calls: int) -> _Explained | None:
    explained = _structural(evidence.estimator(), sample, reference, _space(evidence), evidence.data.positive)
    if explained is not None and _additivity_error(explained) < 1e-3:
        return explained
    background = min(len(reference), 50 if evidence.model.view == "columns" else 10)
    count = min(len(sample), 100, calls // ((2 * sample.shape[1] + 1) * background))
    if count < 2:
        return None
    return _by_permutation(evidence, sample.iloc[:count], reference.iloc[:background])


def _space(evidence: Evidence) -> str:
    return "probability" if evidence.data.classes else (evidence.suite.data.label.unit or "the label's unit")


def _structural(
    estimator: Any, sample: pd.DataFrame, reference: pd.DataFrame, space: str, positive: str | None
) -> _Explained | None:
    """Exact explainers for a pipeline of a ColumnTransformer and a tree or linear model; None for others."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    if not (
        isinstance(estimator, Pipeline) and len(estimator.steps) == 2 and isinstance(estimator[0], ColumnTransformer)
    ):
        return None
    import shap

    transformer, model = estimator[0], estimator[-1]
    owners = _owners(transformer, list(sample.columns))
    if owners is None:
        return None
    matrix, kind = np.asarray(transformer.transform(sample), dtype=float), type(model).__name__
    if positive is None:
        background = np.asarray(transformer.transform(reference), dtype=float)
        return _regressor(model, matrix, background, owners, sample.shape[1], space)
    index = list(model.classes_).index(positive)
    sign = 1.0 if index == 1 else -1.0
    if kind == "LogisticRegression" and len(model.classes_) == 2:
        masker = shap.maskers.Independent(
            np.asarray(transformer.transform(reference), dtype=float), max_samples=len(reference)
        )
        found = shap.LinearExplainer(model, masker)(matrix)
        output, space, name = model.decision_function(matrix), "log-odds", "Linear (interventional)"
        used: int | None = len(reference)
    elif kind == "GradientBoostingClassifier" and len(model.classes_) == 2:
        found = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")(matrix, check_additivity=False)
        output, space, name = model.decision_function(matrix), "log-odds", "Tree (path-dependent)"
        used = None
    elif kind == "RandomForestClassifier":
        found = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")(matrix, check_additivity=False)
        values, base = (
            np.asarray(found.values)[..., index],
            np.asarray(found.base_values).reshape(len(matrix), -1)[:, index],
        )
        return _Explained(
            _summed(values, owners, sample.shape[1]),
            base,
            model.predict_proba(matrix)[:, index],
            "Tree (path-dependent)",
            "probability",
        )
    else:
        return None
    base = np.broadcast_to(np.asarray(found.base_values, dtype=float).reshape(-1), (len(matrix),))
    values = _summed(sign * np.asarray(found.values, dtype=float), owners, sample.shape[1])
    return _Explained(values, sign * base, sign * np.asarray(output), name, space, used)


def _regressor(
    model: Any, matrix: Floats, background: Floats, owners: list[int], features: int, space: str
) -> _Explained | None:
    """Exact explainers of a tree or linear regressor; None for others."""
    import shap

    kind, used = type(model).__name__, None
    if kind in ("LinearRegression", "Ridge"):
        found = shap.LinearExplainer(model, shap.maskers.Independent(background, max_samples=len(background)))(matrix)
        name, used = "Linear (interventional)", len(background)
    elif kind in ("GradientBoostingRegressor", "RandomForestRegressor"):
        found = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")(matrix, check_additivity=False)
        name = "Tree (path-dependent)"
    else:
        return None
    base = np.broadcast_to(np.asarray(found.base_values, dtype=float).reshape(-1), (len(matrix),))
    values = _summed(np.asarray(found.values, dtype=float), owners, features)
    return _Explained(values, base, np.asarray(model.predict(matrix), dtype=float), name, space, used)


def _owners(transformer: Any, columns: list[str]) -> list[int] | None:
    """For each transformed column the position of the feature it was made of; None where that can't be traced."""
    owners: list[int] = []
    for _, part, own in transformer.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        traced = _traced(part, list(own))
        if traced is None or any(name not in columns for name in traced):
            return None
        owners += [columns.index(name) for name in traced]
    return owners if len(owners) == len(transformer.get_feature_names_out()) else None


def _traced(part: Any, own: list[str]) -> list[str] | None:
    """The source of each output column: counted for a one-hot encoder, by name for the rest."""
    from sklearn.preprocessing import OneHotEncoder

    if isinstance(part, OneHotEncoder):
        found = []
        for k, name in enumerate(own):
            rare = (getattr(part, "infrequent_categories_", None) or [None] * len(own))[k]
            dropped = part.drop_idx_ is not None and part.drop_idx_[k] is not None
            merged = 0 if rare is None else len(rare) - 1
            found += [name] * (len(part.categories_[k]) - merged - int(dropped))
        return found
    if isinstance(part, str):
        return own
    names = [str(name).removeprefix("missingindicator_") for name in part.get_feature_names_out(own)]
    return names if set(names) <= set(own) else None


def _summed(values: Floats, owners: list[int], features: int) -> Floats:
    total = np.zeros((len(values), features))
    for column, owner in enumerate(owners):
        total[:, owner] += values[:, column]
    return total


def _by_permutation(evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame) -> _Explained:
    """Model-agnostic: permutation sampling on codes of the columns, decoded before each call."""
    import pandas as pd
    import shap

    both = pd.concat([sample, reference], ignore_index=True)
    coders = {c: pd.factorize(both[c], sort=False, use_na_sentinel=True) for c in both if both[c].dtype.kind != "f"}
    coded = np.column_stack([coders[c][0].astype(float) if c in coders else both[c].to_numpy() for c in both])

    def score(matrix: Floats) -> Floats:
        frame = pd.DataFrame(matrix, columns=both.columns)
        for column, (_, names) in coders.items():
            codes = frame[column].to_numpy(dtype=int)
            values = np.array([*names, None], dtype=object)
            frame[column] = values[codes]
        return evidence.outputs(frame)

    count = len(sample)
    masker = shap.maskers.Independent(coded[count:], max_samples=len(reference))
    explainer = shap.PermutationExplainer(
        score, masker, seed=int(evidence.generator("explainability.seed").integers(2**31))
    )
    found = explainer(coded[:count], max_evals=2 * coded.shape[1] + 1, silent=True)
    base = np.broadcast_to(np.asarray(found.base_values, dtype=float).reshape(-1), (count,))
    return _Explained(
        np.asarray(found.values),
        base,
        score(coded[:count]),
        "Permutation (interventional)",
        _space(evidence),
        len(reference),
    )


def _additivity_error(explained: _Explained) -> float:
    gap = np.abs(explained.base + explained.values.sum(axis=1) - explained.output)
    return float(gap.max() / max(float(explained.output.std()), 1e-12))


def _findings(
    evidence: Evidence,
    explained: _Explained,
    names: list[str],
    background: int | None,
    rng: np.random.Generator,
    resamples: int,
) -> Measurement:
    size, n = np.abs(explained.values), len(explained.values)
    mean = size.mean(axis=0)
    how = f"{explained.explainer}, {explained.space}" + (f", background {background}" if background else "")
    error = _additivity_error(explained)
    found = [
        Finding(
            measure="explainability.additivity_error",
            value=error,
            n=n,
            exact=True,
            better="lower",
            unit="sd of the output",
            reason=how,
        )
    ]
    drawn = rng.integers(0, n, (resamples, n))
    spread = np.stack([size[rows].mean(axis=0) for rows in drawn])
    order = np.argsort(-mean, kind="stable")
    rows: list[list[Cell]] = []
    for j in order:
        band = percentile(spread[:, j])
        found.append(
            Finding(
                measure="explainability.attribution",
                value=float(mean[j]),
                n=n,
                interval=band,
                of={"feature": names[j]},
                unit=explained.space,
            )
        )
        rows.append([names[j], float(mean[j]), band.low, band.high])
    found.append(_sensitive_share(evidence, size, names, rng, resamples))
    local: list[list[Cell]] = [
        [f"row {i + 1}", float(explained.output[i]), *[float(explained.values[i, j]) for j in order[:5]]]
        for i in range(min(3, n))
    ]
    exhibits = [
        Exhibit(
            kind="bars",
            title=f"Mean |SHAP value| by feature ({how})",
            columns=["feature", "mean |SHAP|", "low", "high"],
            rows=rows,
        ),
        Exhibit(
            kind="table",
            title=f"Three sampled rows, signed ({explained.space})",
            columns=["row", "output", *[names[j] for j in order[:5]]],
            rows=local,
        ),
    ]
    return Measurement(found, exhibits)


def _sensitive_share(
    evidence: Evidence, size: Floats, names: list[str], rng: np.random.Generator, resamples: int
) -> Finding:
    columns = {how.column for how in evidence.suite.data.sensitive.values()}
    chosen = [j for j, name in enumerate(names) if name in columns]
    if not chosen:
        return Finding(
            measure="explainability.sensitive_share",
            value=0.0,
            n=len(size),
            exact=True,
            better="lower",
            reason="no sensitive column is a feature",
        )

    def share(rows: npt.NDArray[np.int64]) -> float:
        mean = size[rows].mean(axis=0)
        return float(mean[chosen].sum() / max(mean.sum(), 1e-300))

    return Finding(
        measure="explainability.sensitive_share",
        value=share(np.arange(len(size))),
        n=len(size),
        better="lower",
        interval=percentile(resample_rows(share, len(size), resamples, rng)),
        reason="features that are sensitive: " + ", ".join(names[j] for j in chosen),
    )
