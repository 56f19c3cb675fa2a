"""Fits a reference model on a suite's training split only, and saves it with its training ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Dataset, Split
from harness.core.finding import Cell
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine import provenance
from harness.engine.cache import AnswerCache
from harness.engine.decision import FROM_CALIBRATION
from harness.engine.evidence import Evidence, Model
from harness.engine.planner import validate_checks
from harness.engine.progress import Progress, silent
from harness.engine.text_pass import Limits, TextPass
from harness.engine.views import render_view
from harness.errors import DataError, ModelError
from harness.fitting.saving import model_folder, save_card, save_pipeline
from harness.fitting.tabular import BASES, fit_tabular
from harness.fitting.text import Examples, Recipe, Tuned, fine_tune, fine_tune_numbers, fit_tfidf, parts_of, save_tuned
from harness.models.options import ModelOptions
from harness.spec.loading import LoadedSuite, load_suite
from harness.spec.suite import Suite
from harness.workflows.opening import open_model, wrap_model

TFIDF = "sklearn:tfidf"
_NOT_ON_THE_CARD = ("device",)  # what was asked for; the card says where it was tuned


def fit(suite: str | Path, base: str, folder: Path, recipe: Recipe | None = None, progress: Progress = silent) -> int:
    """Writes the fitted model's folder, whole or not at all; returns the number of rows that it was fitted to.

    Raises:
        UserError: the folder holds something else than a fitted model, or can't be written.
    """
    loaded = load_suite(suite)
    if loaded.suite.asks_questions:
        raise ModelError(
            f"{loaded.suite.name} asks questions of a language model, and nothing is fitted for that. Audit a language model: --model "
            "bundled:smollm2, a folder, or https://host/v1#model."
        )
    data = load_dataset(loaded)
    validate_checks(loaded.suite, data)
    train = data.splits["train"]
    if not len(train):
        raise DataError(
            f"{loaded.suite.name} leaves no training rows (split.test is {loaded.suite.data.split.test:g}). "
            "Lower data.split.test."
        )
    recipe = replace(recipe or Recipe(), seed=loaded.suite.seed)
    with model_folder(folder) as unfinished:
        return _fit_into(unfinished, loaded, data, base, recipe, progress)


def _fit_into(folder: Path, loaded: LoadedSuite, data: Dataset, base: str, recipe: Recipe, progress: Progress) -> int:
    train = data.splits["train"]
    card: dict[str, Cell] = {}
    rows = list(range(len(train)))
    if base == TFIDF:
        texts = render_view(loaded.suite, "text", train.inputs)
        tfidf = fit_tfidf(texts, train.labels, recipe.seed)
        save_pipeline(tfidf, folder)
        card = {"view": "text", "kind": "sklearn", "text_parts": parts_of(tfidf)}
    elif base.startswith("sklearn:"):
        save_pipeline(fit_tabular(train, base, recipe.seed), folder)
        card = {"view": "columns", "kind": "sklearn"}
    else:
        before = _base_fingerprint(base)
        tuned = _tuned(loaded.suite, base, train, data.classes, recipe, progress)
        save_tuned(tuned, folder)
        rows = tuned.fitted_rows
        losses = "; ".join(f"{a:.4f} / {b:.4f}" for a, b in tuned.history)
        own = {f"recipe_{name}": value for name, value in asdict(recipe).items() if name not in _NOT_ON_THE_CARD}
        card = {
            "view": "text",
            "kind": "transformers-classifier",
            "base_fingerprint": before,
            **own,
            "tuned_on": tuned.device,
            "losses_fitted_and_validation": losses,
        }
    card = {**_card(loaded, base, data.fingerprint, len(rows)), **card}
    save_card(folder, card, _ids(train, rows))
    if (threshold := _threshold(loaded, folder)) is not None:
        save_card(folder, {**card, **threshold}, _ids(train, rows))
    return len(rows)


def _threshold(loaded: LoadedSuite, folder: Path) -> dict[str, Cell] | None:
    """The threshold that the suite's decision sets on the calibration split, for the model's card; None where none is set."""
    if loaded.suite.decision is None:
        return None
    opened, data = open_model(str(folder), loaded, DataOptions())
    evidence = Evidence(loaded.suite, data, wrap_model(opened, loaded.suite, ModelOptions(), silent), loaded.suite.seed)
    if evidence.decision_plan.mode not in ("threshold", *FROM_CALIBRATION):
        return None
    evidence.collect(("calibration",))
    point = evidence.decision.point
    return None if point.threshold is None else {"threshold": point.threshold, "threshold_by": point.mode}


def recipe_on(card: Mapping[str, Cell]) -> Recipe | None:
    """The recipe on a model's card; None where `harness fit` did not fine-tune it."""
    names = [one.name for one in fields(Recipe) if one.name not in _NOT_ON_THE_CARD]
    if any(f"recipe_{name}" not in card for name in names) or "base" not in card:
        return None
    return Recipe(**{name: card[f"recipe_{name}"] for name in names})  # type: ignore[arg-type]  # as asdict gave them


def tuned_again(
    evidence: Evidence, training: npt.NDArray[np.bool_], options: ModelOptions, progress: Progress
) -> tuple[Model, npt.NDArray[np.bool_]]:
    """A fine-tuned model's twin from the same base by its own recipe on some of its training rows (n,), and those that it
    learned from (n,); on others of them it validates.

    Raises:
        ModelError: the base is not there any more or another one, or it can't be tuned to these rows.
    """
    from harness.models.torch_runtime import choose_device, on_device
    from harness.models.transformers_classifier import TransformersClassifier, own_labels

    info, suite, data = evidence.model, evidence.suite, evidence.data
    recipe, train = recipe_on(info.card), data.splits["train"]
    assert recipe is not None
    base = str(info.card["base"])
    if "base_fingerprint" not in info.card:
        raise ModelError("The model's card does not record the digest of its base. Fit it again.")
    if _base_fingerprint(base) != info.card["base_fingerprint"]:
        raise ModelError(f"The files of the base {base} are not those that the model was tuned from.")
    recipe = replace(recipe, device=options.device)
    tuned = _tuned(suite, base, train.take(np.flatnonzero(training).tolist()), data.classes, recipe, progress)
    learned = np.zeros(len(training), dtype=bool)
    learned[np.flatnonzero(training)[tuned.fitted_rows]] = True
    model = TransformersClassifier(
        on_device(tuned.model, choose_device(options.device)),
        tuned.tokenizer,
        info,
        data.classes,
        own_labels(list(data.classes), data.classes, ModelOptions(), info.uri) if data.classes else None,
        window=options.window,
    )
    return TextPass(model, suite, AnswerCache(None), Limits(), silent), learned


def _tuned(suite: Suite, base: str, rows: Split, classes: tuple[str, ...], recipe: Recipe, progress: Progress) -> Tuned:
    examples = Examples(render_view(suite, "text", rows.inputs), rows.labels, rows.clusters)
    if suite.task == "regression":
        return fine_tune_numbers(_base_folder(base), examples, recipe, progress)
    return fine_tune(_base_folder(base), examples, classes, recipe, progress)


def _card(loaded: LoadedSuite, base: str, fingerprint: str, rows: int) -> dict[str, Cell]:
    packages = provenance.environment()["packages"]
    return {
        "title": f"{base} on {loaded.suite.name}",
        "base": base,
        "suite": loaded.suite.name,
        "suite_digest": loaded.digest,
        "seed": loaded.suite.seed,
        "training_rows": rows,
        "features": ", ".join(loaded.suite.data.features),
        "data_fingerprint": fingerprint,
        "environment": ", ".join(f"{k} {v}" for k, v in sorted(packages.items()) if v != "absent"),
    }


def _ids(train: Split, rows: list[int]) -> list[str]:
    return [str(train.ids[i]) for i in rows]


def _base_fingerprint(base: str) -> str | None:
    """The digest of the files right in a base's folder; None for one of the hub, whose files may change under its name."""
    if base.startswith("hf:"):
        return None
    files = sorted(p for p in Path(_base_folder(base)).iterdir() if p.is_file() and not p.name.startswith("."))
    return provenance.sha256_texts(f"{file.name} {provenance.sha256_file(file)}" for file in files)


def _base_folder(base: str) -> str:
    if base.startswith("bundled:"):
        from harness.models.bundled import bundled_folder

        return str(bundled_folder(base.removeprefix("bundled:")))
    if base.startswith("hf:"):
        return base.removeprefix("hf:")
    if (Path(base) / "config.json").is_file():
        return base
    raise ModelError(
        f"There is no base {base!r}. Wanted one of: {', '.join((*BASES, TFIDF))}, bundled:minilm, hf:org/name, or a folder "
        "with config.json."
    )
