"""Simple models of the label, chosen inside cross-validation: what the features tell of it, out of fold.

In each of five outer folds the candidates (a regularised linear model of standardised numbers and one-hot categories, with tf-idf of
texts; boosted trees) are compared by three inner folds over at most 2,000 of its training rows, and the better one is fitted to
all of them and predicts the rows left out. So the choice never sees the rows that it is judged on. Whole clusters stand in one fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FOLDS = 5
INNER_FOLDS = 3
INNER_ROWS = 2000
_FEW = 30
_WORDS = 3
_CHARACTERS = r"(?u)\b\w+\b"  # one character is a word too
_Fold = tuple[Ints, Ints]


@dataclass(frozen=True)
class Problem:
    """Rows of features (n, k), and the label as class positions (n,) or numbers (n,); clusters (n,) where rows are clustered."""

    inputs: pd.DataFrame
    target: Floats | Ints
    clusters: Labels | None
    classes: int

    def take(self, rows: Ints) -> Problem:
        """Some of the rows."""
        clusters = None if self.clusters is None else self.clusters[rows]
        return Problem(self.inputs.iloc[rows].reset_index(drop=True), self.target[rows], clusters, self.classes)


def out_of_fold(problem: Problem, rng: np.random.Generator) -> Floats:
    """Probabilities (n, classes), or predicted numbers (n, 1), of rows that the model was neither fitted nor chosen on."""
    from threadpoolctl import threadpool_limits

    problem = replace(problem, inputs=problem.inputs.replace([np.inf, -np.inf], np.nan))
    found = np.zeros((len(problem.target), max(problem.classes, 1)))
    with threadpool_limits(1):  # small models: threads that wait for each other cost more than they give
        for learned, left_out in _folds(problem, FOLDS, rng):
            training = problem.take(learned)
            make = _chosen(training, rng)
            found[left_out] = _predict(make(training), problem.inputs.iloc[left_out], problem.classes)
    return found


def _chosen(training: Problem, rng: np.random.Generator) -> Callable[[Problem], Any]:
    """The candidate with the smaller mean loss over inner folds; the first where a fold can't be made."""
    candidates = (_linear, _trees)
    rows = rng.permutation(len(training.target))[:INNER_ROWS]
    sample = training.take(np.sort(rows))
    if sample.classes and np.bincount(sample.target.astype(int), minlength=sample.classes).min() < 2 * INNER_FOLDS:
        return candidates[0]
    losses = np.zeros(len(candidates))
    for learned, left_out in _folds(sample, INNER_FOLDS, rng):
        part, rest = sample.take(learned), sample.take(left_out)
        for place, make in enumerate(candidates):
            losses[place] += _loss(rest.target, _predict(make(part), rest.inputs, sample.classes))
    return candidates[int(losses.argmin())]


def _loss(target: Floats | Ints, said: Floats) -> float:
    if said.shape[1] == 1:
        return float(((target - said[:, 0]) ** 2).mean())
    own = said[np.arange(len(target)), target.astype(int)]
    return float(-np.log(np.clip(own, 1e-6, 1)).mean())


def _folds(problem: Problem, count: int, rng: np.random.Generator) -> Iterator[_Fold]:
    """Positions to learn from and left out; classes in proportion, clusters whole."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    seed, groups = int(rng.integers(2**31)), problem.clusters
    if problem.classes:
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        splitter: Any = kind(count, shuffle=True, random_state=seed)
    elif groups is None:
        splitter = KFold(count, shuffle=True, random_state=seed)
    else:
        splitter, names = GroupKFold(count), rng.permutation(sorted(set(groups)))
        order = {name: place for place, name in enumerate(names)}
        groups = np.array([order[name] for name in groups])
    blank = np.zeros((len(problem.target), 1))
    yield from splitter.split(blank, problem.target, None if groups is None else groups.astype(str))


def _predict(model: Any, inputs: pd.DataFrame, classes: int) -> Floats:
    if not classes:
        return np.asarray(model.predict(inputs), dtype=float).reshape(-1, 1)
    said = np.zeros((len(inputs), classes))
    said[:, model.classes_] = model.predict_proba(inputs)
    return said


def _linear(training: Problem) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    numbers, names, texts = _kinds(training.inputs)
    as_text = FunctionTransformer(_filled)
    steps: list[tuple[str, Any, Any]] = [
        ("numbers", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
        ("names", make_pipeline(as_text, OneHotEncoder(handle_unknown="ignore", min_frequency=5)), names),
        *((f"text {column}", make_pipeline(FunctionTransformer(_flat), TfidfVectorizer(max_features=5000, token_pattern=_CHARACTERS)), [column]) for column in texts),
    ]  # fmt: skip
    columns = ColumnTransformer([step for step in steps if step[2]])
    final = LogisticRegression(max_iter=1000) if training.classes else Ridge()
    return make_pipeline(columns, final).fit(training.inputs, training.target)


def _trees(training: Problem) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    numbers, names, texts = _kinds(training.inputs)
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    steps: list[tuple[str, Any, Any]] = [
        ("numbers", "passthrough", numbers),
        ("names", make_pipeline(FunctionTransformer(_filled), ordinal), [*names, *texts]),
    ]
    columns = ColumnTransformer([step for step in steps if step[2]])
    kind = HistGradientBoostingClassifier if training.classes else HistGradientBoostingRegressor
    model = kind(max_iter=30, max_leaf_nodes=8, random_state=0, early_stopping=False)
    return make_pipeline(columns, model).fit(training.inputs, training.target)


def _kinds(inputs: pd.DataFrame) -> tuple[list[str], list[str], list[str]]:
    """Columns of numbers, of names, and of texts: most values met once, of several words."""
    numbers = [name for name in inputs.columns if inputs[name].dtype.kind == "f" and inputs[name].notna().any()]
    names: list[str] = []
    texts: list[str] = []
    for name in inputs.columns:
        if inputs[name].dtype.kind == "f":
            continue
        values = inputs[name].dropna().astype(str)
        several = len(values) > 0 and float(np.mean([len(value.split()) for value in values])) >= _WORDS
        (texts if several and values.nunique() > max(_FEW, len(values) / 2) else names).append(name)
    return numbers, names, texts


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Names as texts; a missing one is a name of its own."""
    return frame.astype(object).where(frame.notna(), "missing").astype(str)


def _flat(frame: pd.DataFrame) -> list[str]:
    return ["" if value is None or value != value else str(value) for value in frame.iloc[:, 0]]
