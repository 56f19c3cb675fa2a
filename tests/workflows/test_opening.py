import json

import pytest

from harness.datasets.roles import DataOptions
from harness.errors import ModelError, UserError
from harness.models.options import ModelOptions
from harness.spec.loading import load_suite
from harness.workflows.opening import open_model


def opened(uri, **asked):
    return open_model(str(uri), load_suite("finance/credit-risk"), DataOptions(), ModelOptions(**asked))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("model.gguf", "is a GGUF file. Convert it"),
        ("pytorch_model.bin", "is a pickle, which can run any code"),
        ("model.pt", "is a pickle"),
        ("model.txt", "is no known kind of model"),
    ],
)
def test_files_that_can_not_be_opened_safely_say_what_to_do(tmp_path, name, says):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=says):
        opened(tmp_path / name)


def test_the_advice_on_a_pickle_works_also_for_xgboost(tmp_path):
    import joblib
    import skops.io
    from xgboost import XGBClassifier

    joblib.dump(XGBClassifier(n_estimators=2).fit([[0.0], [1.0]], [0, 1]), tmp_path / "xgb.joblib")
    with pytest.raises(ModelError, match=r"skops\.io\.dump\(joblib\.load\('model\.joblib'\), 'model\.skops'\)"):
        opened(tmp_path / "xgb.joblib")
    skops.io.dump(joblib.load(tmp_path / "xgb.joblib"), tmp_path / "xgb.skops")
    with pytest.raises(ModelError, match="--label-map '0'='no' --label-map '1'='yes'"):
        opened(tmp_path / "xgb.skops")
    model, _ = opened(tmp_path / "xgb.skops", label_map={"0": "no", "1": "yes"})
    assert model.labels.classes == ("no", "yes")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["lightgbm.LGBMClassifier", "catboost.CatBoostClassifier", "xgboost.XGBClassifier"])
def test_a_boosted_model_fitted_on_arrays_reads_the_columns_by_position(library, tmp_path):
    import importlib

    import numpy as np
    import pandas as pd
    import skops.io

    from harness.models.sklearn import load_sklearn

    module, _, name = library.partition(".")
    values = np.random.default_rng(0).normal(size=(200, 2))
    quiet = {"verbose": 0, "allow_writing_files": False} if module == "catboost" else {}
    fitted = getattr(importlib.import_module(module), name)(n_estimators=5, **quiet).fit(
        values, (values[:, 1] > 0).astype(int)
    )
    skops.io.dump(fitted, tmp_path / "m.skops")
    model = load_sklearn(tmp_path / "m.skops", "m", ("0", "1"), ModelOptions())
    answers = model.predict(pd.DataFrame(values, columns=["age", "income"]), np.arange(200))
    assert (np.asarray(answers.labels == "1") == (values[:, 1] > 0)).mean() > 0.9


def test_a_model_of_several_outputs_is_audited_one_at_a_time(tmp_path):
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import MultiOutputClassifier

    fitted = MultiOutputClassifier(LogisticRegression()).fit([[0.0], [1.0]], [["no", "a"], ["yes", "b"]])
    skops.io.dump(fitted, tmp_path / "both.skops")
    with pytest.raises(ModelError, match=r"model\.estimators_\[0\]"):
        opened(tmp_path / "both.skops")
    skops.io.dump(
        MultiOutputClassifier(LogisticRegression()).fit([[0.0], [1.0]], [["no"], ["yes"]]), tmp_path / "a.skops"
    )
    with pytest.raises(ModelError, match=r"MultiOutputClassifier with 1 output\(s\)"):
        opened(tmp_path / "a.skops")
    skops.io.dump(fitted.estimators_[0], tmp_path / "one.skops")
    assert opened(tmp_path / "one.skops")[0].labels.classes == ("no", "yes")


@pytest.mark.parametrize("search", ["grid", "folds", "random"])
def test_a_search_over_parameters_is_opened_or_its_best_model_is(search, tmp_path):
    import numpy as np
    import pandas as pd
    import skops.io
    from scipy.stats import loguniform
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold

    from harness.models.sklearn import load_sklearn

    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=60)})
    found = {
        "grid": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
        "random": RandomizedSearchCV(LogisticRegression(), {"C": loguniform(0.1, 1.0)}, n_iter=2, cv=2, random_state=0),
        "folds": GridSearchCV(
            LogisticRegression(), {"C": [0.1, 1.0]}, cv=StratifiedKFold(2, shuffle=True, random_state=0)
        ),
    }[search].fit(frame, np.where(frame["a"] > 0.2, "yes", "no"))
    skops.io.dump(found, tmp_path / "m.skops")
    if search == "random":  # a distribution of SciPy is no part of an estimator
        with pytest.raises(ModelError, match=r"save model\.best_estimator_ alone"):
            load_sklearn(tmp_path / "m.skops", "m", ("no", "yes"))
        skops.io.dump(found.best_estimator_, tmp_path / "m.skops")
    answers = load_sklearn(tmp_path / "m.skops", "m", ("no", "yes")).predict(frame, np.arange(60))
    assert answers.labels.tolist() == found.predict(frame).tolist()
    assert answers.scores == pytest.approx(found.predict_proba(frame))


@pytest.mark.parametrize(
    ("classes", "says"), [(3, "not in the order of its labels"), (4, "6 scores a row for its 4 labels")]
)
def test_scores_of_pairs_of_classes_are_not_taken_for_those_of_classes(classes, says, tmp_path):
    import numpy as np
    import pandas as pd
    import skops.io
    from sklearn.svm import SVC

    from harness.models.sklearn import load_sklearn

    frame = pd.DataFrame({"a": np.linspace(0, 1, 80)})
    truth = np.array([f"c{k * classes // 80}" for k in range(80)])
    names, asked = tuple(sorted(set(truth))), ModelOptions(scores="decision_function")
    for shape in ("ovr", "ovo"):
        skops.io.dump(SVC(decision_function_shape=shape).fit(frame, truth), tmp_path / f"{shape}.skops")
    assert load_sklearn(tmp_path / "ovr.skops", "m", names, asked).predict(frame, np.arange(80)).scores is not None
    with pytest.raises(ModelError, match=says):
        load_sklearn(tmp_path / "ovo.skops", "m", names, asked).predict(frame, np.arange(80))


def test_what_says_nothing_of_a_kind_of_model_is_refused(make_classifier, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="--scores logit says nothing of it"):
        opened(make_classifier(), scores="logit", device="cpu")
    with pytest.raises(ModelError, match="--label-map says nothing of it"):
        opened("http://127.0.0.1:9/v1#m", label_map={"a": "no"}, probe=False)


def test_a_torch_pickle_stays_closed_whatever_the_reason(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"x")
    with pytest.raises(ModelError, match="is a pickle"):
        opened(tmp_path / "model.pt", allow_unsafe_load="trust me")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"holds no model\.skops"):
        opened(tmp_path)


def test_a_bundled_name_that_does_not_exist_is_refused():
    with pytest.raises(ModelError, match="Wanted one of: minilm, smollm2"):
        opened("bundled:gpt")


def test_a_model_fitted_on_other_data_is_refused(credit_model, tmp_path):
    card = json.loads((credit_model / "harness-model.json").read_text(encoding="utf-8"))
    (tmp_path / "model.skops").write_bytes((credit_model / "model.skops").read_bytes())
    changed = {**card, "data_fingerprint": "sha256:0"}
    (tmp_path / "harness-model.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ModelError, match="fitted on other data"):
        opened(tmp_path)


def test_a_cost_limit_without_prices_and_an_unknown_view_are_refused():
    with pytest.raises(UserError, match="--max-cost needs prices"):
        ModelOptions(max_cost=1.0)
    with pytest.raises(UserError, match="no view 'foo'"):
        ModelOptions(view="foo")


def test_a_callable_of_labels_alone_offers_no_scores(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("def make():\n    return lambda frame: ['no'] * len(frame)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    model, _ = opened("python:mine:make")
    assert "scores" not in model.info.offers


def test_an_error_on_a_row_never_repeats_the_row(credit_model):
    from harness.models.sklearn import _without_values

    shown = _without_values(ValueError("could not convert string to float: 'Anna Schmidt'\nmore"))
    assert "Anna" not in shown
    assert shown.startswith("could not convert string to float")


OPENER = """
def open_acme(uri, opening):
    {statement}
"""


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """Installs a package that opens acme: by a statement, as pip leaves one on the path."""

    def install(statement):
        folder = tmp_path / "acme_models-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-models\nVersion: 1.0\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text("[harness.models]\nacme = acme_models:open_acme\n", encoding="utf-8")
        (tmp_path / "acme_models.py").write_text(OPENER.format(statement=statement), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(__import__("sys").modules, "acme_models", raising=False)

    return install


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("raise SystemExit(0)", r"acme:m called sys\.exit\(0\) while it was opened"),
        ("1 / 0", "acme:m raised ZeroDivisionError while it was opened"),
    ],
)
def test_a_plugin_that_can_not_open_its_model_is_named(statement, says, acme):
    acme(statement)
    with pytest.raises(ModelError, match=says):
        opened("acme:m")


def test_what_a_plugin_writes_into_the_data_while_it_opens_a_model_reaches_no_check(acme):
    acme("opening.data.splits.clear(); opening.loaded.suite.policy.clear(); return opening")
    loaded = load_suite("finance/credit-risk")
    _, data = open_model("acme:m", loaded, DataOptions())
    assert set(data.splits) == {"train", "test", "calibration"}
    assert loaded.suite.policy


@pytest.mark.parametrize(
    ("option", "said"), [("--label-map", {"label_map": {"a": "b"}}), ("--scores", {"scores": "logit"})]
)
def test_what_is_said_of_classes_is_refused_where_the_label_is_a_number(option, said, tmp_path):
    rows = "".join(f"r{k},{k % 7},{2 * k},{'test' if k % 2 else 'train'}\n" for k in range(60))
    (tmp_path / "rows.csv").write_text(f"case,x,y,part\n{rows}", encoding="utf-8")
    (tmp_path / "suite.yaml").write_text(
        "name: own/numbers\nversion: 1\nvertical: own\ntask: regression\ndata:\n  source: rows.csv\n  label: {column: y}\n"
        "  features: [x]\n  id: case\n  split: {column: part}\nchecks: [performance.regression]\n",
        encoding="utf-8",
    )
    (tmp_path / "answers.csv").write_text("id,label\n" + "".join(f"r{k},{k}\n" for k in range(60)), encoding="utf-8")
    suite = load_suite(str(tmp_path / "suite.yaml"))
    open_model(str(tmp_path / "answers.csv"), suite, DataOptions(), ModelOptions())
    with pytest.raises(ModelError, match=f"label is a number, so {option} says nothing of"):
        open_model(str(tmp_path / "answers.csv"), suite, DataOptions(), ModelOptions(**said))


def test_a_forest_of_xgboost_of_three_classes_is_audited_with_a_label_map(tmp_path):
    import numpy as np
    import pandas as pd
    import skops.io

    from harness.models.sklearn import load_sklearn

    xgboost = pytest.importorskip("xgboost")
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=150)})
    codes = np.digitize(frame["a"], [-0.5, 0.5])
    names = np.array(["low", "mid", "high"])
    fitted = xgboost.XGBRFClassifier(n_estimators=5, max_depth=3).fit(frame, codes)
    skops.io.dump(fitted, tmp_path / "m.skops")
    with pytest.raises(ModelError, match="--label-map '0'="):
        load_sklearn(tmp_path / "m.skops", "m", ("high", "low", "mid"))
    meant = ModelOptions(label_map={str(k): str(name) for k, name in enumerate(names)})
    answers = load_sklearn(tmp_path / "m.skops", "m", ("high", "low", "mid"), meant).predict(frame, np.arange(150))
    assert answers.labels.tolist() == names[fitted.predict(frame)].tolist()
    assert answers.scores == pytest.approx(fitted.predict_proba(frame)[:, [2, 0, 1]])
