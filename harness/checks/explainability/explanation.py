"""A model's output at some rows, told by features: the one way to SHAP values for every check that needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from harness.engine.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

CALLS = {"columns": 150_000}
CALLS_OF_A_TEXT_MODEL = 4_000
TREE_STEPS = 300_000_000
PERMUTATION = "Permutation (interventional)"
LINEAR = ("LogisticRegression", "LinearRegression", "Ridge")
TREES = (
    "GradientBoostingClassifier",
    "RandomForestClassifier",
    "GradientBoostingRegressor",
    "RandomForestRegressor",
)


@dataclass(frozen=True)
class Method:
    """How to explain: the seed of permutations, the most model calls where a model's structure can't be read, and SHAP's
    feature perturbation for trees ("interventional" compares with the background rows, the other with the training rows
    that the trees remember). `least` is how many rows must be explained for the calls to be made at all."""

    seed: int
    calls: int
    trees: Literal["tree_path_dependent", "interventional"] = "tree_path_dependent"
    least: int = 2


@dataclass(frozen=True)
class Explanation:
    """Attributions (rows, features), each row's base and output, and how they were made.

    `background` is how many rows stood for absent features; None where none did.
    """

    values: Floats
    base: Floats
    output: Floats
    explainer: str
    space: str
    background: int | None = None

    @property
    def additivity_error(self) -> float:
        """max |base + Σφ - output| in standard deviations of the output."""
        return additivity_error([self])

    @property
    def how(self) -> str:
        """Explainer, output space and background, for the reader."""
        return f"{self.explainer}, {self.space}" + (f", background {self.background}" if self.background else "")


def import_shap() -> Any:
    """SHAP, imported without compiling its loops: they run for milliseconds, and compiling takes seconds in every process."""
    import numba

    config: Any = numba.config
    before = config.DISABLE_JIT
    config.DISABLE_JIT = True  # read where a function is decorated, so nobody else's is touched
    try:
        import shap
    finally:
        config.DISABLE_JIT = before
    return shap


def calls_allowed(evidence: Evidence, calls: int | None) -> int:
    """The check's own limit of model calls; by default 150,000 for a model of columns and 4,000 for one of texts."""
    return CALLS.get(evidence.model.view, CALLS_OF_A_TEXT_MODEL) if calls is None else calls


def explain(evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method) -> Explanation | None:
    """SHAP values of sample (n rows) against reference (background rows): exact where the model's structure is known.

    Trees that are compared with background rows take as many of the first as keep nodes · rows · background under 3e8, some
    seconds' work, and 10 at least. Other models are explained by permutations, at as many of the first rows as the calls
    allow; None where these are fewer than the method's `least`.
    """
    explained = _structural(evidence, sample, reference, method)
    if explained is not None and explained.additivity_error < 1e-3:
        return explained
    background, count = _affordable(evidence, sample, reference, method)
    if count < method.least:
        return None
    few = reference.iloc[:background]
    values, base, output = _by_permutation(sample.iloc[:count], few, method.seed, evidence.outputs)
    return Explanation(values, base, output, PERMUTATION, _space(evidence), background)


def explain_classes(
    evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method
) -> list[Explanation] | None:
    """SHAP values of each class's probability, in the order of the data's classes: as `explain`, all classes in one run.

    Random forests are explained exactly; other models by permutations, in probabilities, so that classes can be compared.
    """
    explained = _forest(evidence, sample, reference, method)
    if explained is not None and additivity_error(explained) < 1e-3:
        return explained
    background, count = _affordable(evidence, sample, reference, method)
    if count < method.least:
        return None
    few = reference.iloc[:background]
    values, base, output = _by_permutation(sample.iloc[:count], few, method.seed, evidence.class_outputs)
    return [
        Explanation(values[..., k], base[..., k], output[..., k], PERMUTATION, "probability", background)
        for k in range(len(evidence.data.classes))
    ]


def of_the_largest(explained: list[Explanation]) -> Explanation:
    """The explanation of each row's most probable class: what moved the model to say what it says."""
    top, rows = np.argmax([one.output for one in explained], axis=0), np.arange(len(explained[0].output))
    values, base, output = (
        np.stack(parts)[top, rows]
        for parts in ([e.values for e in explained], [e.base for e in explained], [e.output for e in explained])
    )
    first, space = explained[0], "probability of the class answered"
    return Explanation(values, base, output, first.explainer, space, first.background)


def additivity_error(explained: list[Explanation]) -> float:
    """max |base + Σφ - output| over rows and outputs, in standard deviations of the output that varies most."""
    gap = max(float(np.abs(one.base + one.values.sum(axis=1) - one.output).max()) for one in explained)
    return gap / max(1e-12, *(float(one.output.std()) for one in explained))


def _affordable(evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method) -> tuple[int, int]:
    """How many background rows stand for absent features, and how many rows the calls then explain by permutations."""
    background = min(len(reference), 50 if evidence.model.view == "columns" else 10)
    return background, min(len(sample), 100, method.calls // ((2 * sample.shape[1] + 1) * background))


def _space(evidence: Evidence) -> str:
    return "probability" if evidence.data.classes else (evidence.suite.data.label.unit or "the label's unit")


def _structural(
    evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method
) -> Explanation | None:
    """Exact explainers for a pipeline of a ColumnTransformer and a tree or linear model; None for others."""
    parts, positive = _known_parts(evidence, list(sample.columns)), evidence.data.positive
    if parts is None:
        return None
    transformer, model, owners = parts
    if positive is not None and len(model.classes_) != 2 and not _is_forest(model):
        return None
    matrix, background = (np.asarray(transformer.transform(part), dtype=float) for part in (sample, reference))
    values, base, name, used = _exact(model, matrix, background, method)
    index = None if positive is None else list(model.classes_).index(positive)
    sign, output, space = _output(model, matrix, index, _space(evidence))
    if values.ndim == 3:
        values, base = values[..., index], base.reshape(-1, values.shape[-1])[:, index]
    base = np.broadcast_to(sign * base.reshape(-1), (len(matrix),))
    return Explanation(_summed(sign * values, owners, sample.shape[1]), base, output, name, space, used)


def _forest(
    evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method
) -> list[Explanation] | None:
    """Each class's probability of a random forest, exactly; None of other models, or where it does not know every class."""
    parts, classes = _known_parts(evidence, list(sample.columns)), evidence.data.classes
    if parts is None:
        return None
    transformer, model, owners = parts
    if not _is_forest(model) or set(model.classes_) != set(classes):
        return None
    matrix, background = (np.asarray(transformer.transform(part), dtype=float) for part in (sample, reference))
    values, base, name, used = _exact(model, matrix, background, method)
    output = np.asarray(model.predict_proba(matrix), dtype=float)
    base = np.broadcast_to(base.reshape(-1, values.shape[-1]), output.shape)
    return [
        Explanation(
            _summed(values[..., k], owners, sample.shape[1]), base[:, k], output[:, k], name, "probability", used
        )
        for k in (list(model.classes_).index(one) for one in classes)
    ]


def _known_parts(evidence: Evidence, columns: list[str]) -> tuple[Any, Any, list[int]] | None:
    """A pipeline's transformer, its tree or linear model, and each transformed column's feature; None for other models."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    pipeline = evidence.estimator()
    if not (isinstance(pipeline, Pipeline) and len(pipeline.steps) == 2 and isinstance(pipeline[0], ColumnTransformer)):
        return None
    owners = _owners(pipeline[0], columns)
    if owners is None or type(pipeline[-1]).__name__ not in (*LINEAR, *TREES):
        return None
    return pipeline[0], pipeline[-1], owners


def _is_forest(model: Any) -> bool:
    return type(model).__name__ == "RandomForestClassifier"


def _exact(model: Any, matrix: Floats, background: Floats, method: Method) -> tuple[Floats, Floats, str, int | None]:
    """SHAP's values and base values, the explainer's name, and how many background rows it used."""
    shap = import_shap()
    if type(model).__name__ in LINEAR:
        # Without max_samples SHAP would take 100 of the rows.
        masker = shap.maskers.Independent(background, max_samples=len(background))
        found, name = shap.LinearExplainer(model, masker)(matrix), "Linear (interventional)"
        used: int | None = len(background)
    elif method.trees == "interventional":
        nodes = sum(tree.tree_.node_count for tree in np.ravel(model.estimators_))
        background = background[: max(10, TREE_STEPS // (nodes * len(matrix)))]
        found, name, used = _interventional(model, matrix, background), "Tree (interventional)", len(background)
    else:
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
        found, name, used = explainer(matrix, check_additivity=False), "Tree (path-dependent)", None
    return np.asarray(found.values, dtype=float), np.asarray(found.base_values, dtype=float), name, used


def _interventional(model: Any, matrix: Floats, background: Floats) -> Any:
    """SHAP's explanation of trees against background rows, with every row on the side of a threshold where the trees put it.

    scikit-learn rounds a row to 32 bits and compares it with the threshold as it is; SHAP rounds the threshold, to the nearest,
    so that a row just above one could go to the wrong side. Thresholds rounded down are on the right side of every such row.
    """
    shap = import_shap()
    matrix, background = (part.astype(np.float32).astype(np.float64) for part in (matrix, background))
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.TreeExplainer(model, masker, feature_perturbation="interventional")
    exact = explainer.model.thresholds
    near = exact.astype(np.float32)
    explainer.model.thresholds = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near).astype(float)
    return explainer(matrix, check_additivity=False)


def _output(model: Any, matrix: Floats, index: int | None, space: str) -> tuple[float, Floats, str]:
    """The sign of SHAP's values, the output explained, and its space: of the class at the index, or the number predicted."""
    if index is None:
        return 1.0, np.asarray(model.predict(matrix), dtype=float), space
    if not hasattr(model, "decision_function"):
        return 1.0, np.asarray(model.predict_proba(matrix)[:, index], dtype=float), "probability"
    sign = 1.0 if index == 1 else -1.0
    return sign, sign * np.asarray(model.decision_function(matrix), dtype=float), "log-odds"


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


def _by_permutation(
    sample: pd.DataFrame, reference: pd.DataFrame, seed: int, outputs: Callable[[pd.DataFrame], Floats]
) -> tuple[Floats, Floats, Floats]:
    """Model-agnostic: permutation sampling on codes of the columns, decoded before each call.

    Values (n, features, …), base values and outputs (n, …), where the outputs of m rows are (m, …): one number a row, or several.
    """
    import pandas as pd

    shap = import_shap()
    both = pd.concat([sample, reference], ignore_index=True)
    coders = {c: pd.factorize(both[c], sort=False, use_na_sentinel=True) for c in both if both[c].dtype.kind != "f"}
    coded = np.column_stack([coders[c][0].astype(float) if c in coders else both[c].to_numpy() for c in both])

    def score(matrix: Floats) -> Floats:
        frame = pd.DataFrame(matrix, columns=both.columns)
        for column, (_, names) in coders.items():
            codes = frame[column].to_numpy(dtype=int)
            values = np.array([*names, None], dtype=object)
            frame[column] = values[codes]
        return outputs(frame)

    count = len(sample)
    masker = shap.maskers.Independent(coded[count:], max_samples=len(reference))
    explainer = shap.PermutationExplainer(score, masker, seed=seed)
    found = explainer(coded[:count], max_evals=2 * coded.shape[1] + 1, silent=True)
    output = score(coded[:count])
    base = np.asarray(found.base_values, dtype=float).reshape(-1, *output.shape[1:])
    return np.asarray(found.values, dtype=float), np.broadcast_to(base, output.shape), output
