"""Every classifier and regressor that skops can save is opened and answers as it does itself, or is refused with advice that works.

`python tests/models/test_estimators.py` writes the table in docs/models.md again.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest
import skops.io

from harness.errors import ModelError
from harness.models.options import ModelOptions
from harness.models.sklearn import load_sklearn
from tests.models.estimators import FRAME, every, fitted

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
START, END = (
    "<!-- table of estimators: written by tests/models/test_estimators.py -->",
    "<!-- end of the table of estimators -->",
)
KINDS = {"classifier": ("no", "yes"), "regressor": ()}
SEVERAL = {
    "ClassifierChain": "several outputs",
    "MultiOutputClassifier": "several outputs",
    "MultiOutputRegressor": "several outputs",
    "MultiTaskElasticNet": "several outputs",
    "MultiTaskElasticNetCV": "several outputs",
    "MultiTaskLasso": "several outputs",
    "MultiTaskLassoCV": "several outputs",
    "RegressorChain": "several outputs",
    "IsotonicRegression": "reads one column that has no name",
}


def opened(name, estimator, kind, folder):
    path = folder / f"{name}.skops"
    skops.io.dump(estimator, path)
    own = [str(one) for one in getattr(estimator, "classes_", [])] if name not in SEVERAL else []
    told = {"0": "no", "1": "yes"} if own == ["0", "1"] else {}
    return load_sklearn(path, name, KINDS[kind], ModelOptions(label_map=told))


EVERY = [(kind, name, one) for kind in KINDS for name, one in every(kind)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "name", "one"), EVERY, ids=[name for _, name, _ in EVERY])
def test_it_is_opened_and_answers_as_itself_or_is_refused(kind, name, one, tmp_path):
    estimator = fitted(name, one, kind)
    if name in SEVERAL:
        with pytest.raises(ModelError, match=r"one output at a time|can't read"):
            opened(name, estimator, kind, tmp_path).predict(FRAME, np.arange(len(FRAME)))
        return
    model = opened(name, estimator, kind, tmp_path)
    answers = model.predict(FRAME, np.arange(len(FRAME)))
    said = np.asarray(estimator.predict(FRAME)).reshape(-1)
    if kind == "regressor":
        assert answers.labels == pytest.approx(said.astype(float))
        return
    names = {"0": "no", "1": "yes"}
    assert answers.labels.tolist() == [names.get(str(one), str(one)) for one in said]
    assert (answers.scores is not None) == hasattr(estimator, "predict_proba")
    if answers.scores is not None:
        assert answers.scores == pytest.approx(estimator.predict_proba(FRAME), abs=1e-9)


def render():
    lines = ["| | labels and probabilities | labels alone | refused |", "|---|---|---|---|"]
    for kind in KINDS:
        cells = {"scores": [], "labels": [], "refused": []}
        for name, one in every(kind):
            if name in SEVERAL:
                cells["refused"].append(f"{name} ({SEVERAL[name]})")
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scored = hasattr(fitted(name, one, kind), "predict_proba")
            cells["scores" if scored else "labels"].append(name)
        both, alone = (cells["scores"], cells["labels"]) if kind == "classifier" else ([], cells["labels"])
        numbers = f"{len(both) + len(alone)} of {sum(map(len, cells.values()))} {kind}s"
        lines.append(f"| {numbers} | {', '.join(both) or '–'} | {', '.join(alone)} | {', '.join(cells['refused'])} |")
    return "\n".join(lines)


def test_the_table_in_the_docs_is_what_was_tried():
    text = PAGE.read_text(encoding="utf-8")
    assert text.split(START)[1].split(END)[0].strip() == render()


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{START}\n{render()}\n{END}{after}", encoding="utf-8")
