"""Opens a suite's data together with a model: what each tells of the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from harness.core.audit import ModelInfo
from harness.core.dataset import Dataset
from harness.datasets.predictions_file import read_predictions
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.cache import AnswerCache, cache_key, not_kept
from harness.engine.evidence import Model
from harness.engine.isolation import copied_data
from harness.engine.planner import validate_checks
from harness.engine.plugins import load_target, targets, what_happened
from harness.engine.progress import Progress
from harness.engine.records import refuse_changed_predictions
from harness.engine.text_pass import Limits, TextModel, TextPass
from harness.engine.views import render_view
from harness.engine.warned import warn
from harness.errors import DeviceMemoryError, ModelError, UserError
from harness.models.options import ModelOptions
from harness.resources import cache_folder
from harness.spec.loading import LoadedSuite
from harness.spec.suite import Suite

_UNSAFE = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt")
_PREDICTIONS = re.compile(r"\.(csv|tsv|jsonl)(\.gz)?$|\.parquet$", re.IGNORECASE)
_WANTED = (
    "Wanted: a .skops or .onnx file, a folder made by 'harness fit', a transformers folder (config.json), a predictions file "
    "(.csv, .parquet, .jsonl), https://host/v1#model, hf:org/name, bundled:minilm, bundled:smollm2 or python:module:factory"
)


@dataclass(frozen=True)
class Opening:
    """What an opener is given: the suite, its data, and what the user said of the model."""

    loaded: LoadedSuite
    data: Dataset
    options: ModelOptions


def open_model(
    uri: str, loaded: LoadedSuite, data_options: DataOptions, options: ModelOptions | None = None
) -> tuple[Model | TextModel, Dataset]:
    """The model behind a URI and the suite's data, with training members where the model records them."""
    path, manifest = Path(uri), None
    opener = _opener(uri)
    if path.is_dir() and (path / "harness-model.json").is_file():
        manifest, trained = _manifest(path)
        if data_options.train_data is None:
            data_options = replace(data_options, trained_ids=trained, trained_on=manifest.get("data_fingerprint"))
    data = load_dataset(loaded, data_options)
    validate_checks(loaded.suite, data)
    known = manifest is not None and data_options.trained_ids is not None and data_options.data is None
    if manifest is not None and known and manifest.get("data_fingerprint") != data.fingerprint:
        raise ModelError(
            f"{path} was fitted on other data than the suite's (sha256 differs), so its training ids mean "
            "nothing here. Fit it again, or give --data and --train-data."
        )
    options = options or ModelOptions()
    if not data.classes and (options.label_map or options.scores):
        option = "--label-map" if options.label_map else "--scores"
        raise ModelError(f"The suite's label is a number, so {option} says nothing of {uri}. Leave it out.")
    opened: Model | TextModel = opener(uri, Opening(loaded, data, options))
    if options.label_map or options.scores:
        _refuse_unused(uri, opened.info, options)
    if manifest is not None:
        card = {**opened.info.card, **manifest}
        opened.info = opened.info.model_copy(update={"card": card})
    return opened, data


def _refuse_unused(uri: str, info: ModelInfo, options: ModelOptions) -> None:
    """ModelError where something is said of the model's labels or scores that this kind of model has none of."""
    if info.kind in _CHOOSING and options.label_map:
        raise ModelError(
            f"{uri} answers with the suite's own choices, so --label-map says nothing of it. Name what it reads under views in the suite."
        )
    if options.scores and info.kind in (*_CHOOSING, "transformers-classifier"):
        raise ModelError(
            f"{uri} gives probabilities by its kind ({info.kind}), so --scores {options.scores} says nothing of it. Leave it out."
        )


_CHOOSING = ("language-model", "openai-server", "zero-shot-encoder")


def _opener(uri: str) -> Callable[[str, Opening], Any]:
    """Which function opens the URI: by scheme, by folder, by suffix; plugins (harness.models) by scheme."""
    path = Path(uri)
    scheme = uri.partition(":")[0]
    plugins = targets("harness.models", {})
    schemes = {
        "python": _open_callable,
        "http": _open_server,
        "https": _open_server,
        "hf": _open_hub,
        "bundled": _open_bundled,
    }
    if ":" in uri and scheme in schemes:
        return schemes[scheme]
    if ":" in uri and scheme in plugins:
        return partial(_open_plugin, plugins[scheme])
    if not path.exists():
        raise ModelError(f"There is no model {uri}. {_WANTED}.")
    if path.is_dir():
        return _open_folder
    if path.suffix.lower() in _UNSAFE:
        return _open_pickle
    by_suffix = {".skops": _open_skops, ".onnx": _open_onnx}
    if path.suffix in by_suffix:
        return by_suffix[path.suffix]
    if _PREDICTIONS.search(path.name):
        return _open_predictions
    if path.suffix == ".gguf":
        raise ModelError(
            f"{path.name} is a GGUF file. Convert it to a transformers folder "
            "(AutoModelForCausalLM.from_pretrained(dir, gguf_file=…)), or serve it and audit https://host/v1#model."
        )
    raise ModelError(f"{path.name} is no known kind of model. {_WANTED}.")


def _open_plugin(target: str, uri: str, given: Opening) -> Model | TextModel:
    """A third party's model. Its opener sees copies, and whatever it raises is told as the model's."""
    loaded = replace(given.loaded, suite=given.loaded.suite.model_copy(deep=True))
    try:
        opened: Model | TextModel = load_target(target)(
            uri, replace(given, loaded=loaded, data=copied_data(given.data))
        )
    except (KeyboardInterrupt, UserError):
        raise
    except BaseException as error:
        raise ModelError(f"{uri} {what_happened(error, 'while it was opened')}.") from error
    return opened


def _open_callable(uri: str, given: Opening) -> Model:
    from harness.models.callable import load_callable

    test = given.data.splits["test"]
    return load_callable(uri.removeprefix("python:"), uri, given.data.classes, given.options, test.inputs.iloc[:1])


def _open_server(uri: str, given: Opening) -> TextModel:
    from harness.models.openai_server import load_server

    suite, test = given.loaded.suite, given.data.splits["test"]
    server = load_server(uri, given.data.classes, suite.views.prompt, given.options)
    if given.options.probe and len(test):
        text, cache = render_view(suite, "prompt", test.inputs.iloc[:1])[0], answer_cache(server.info)
        key = cache_key(server.info.fingerprint, server.settings, server.info.view, text)
        known = cache.get([key])
        row = known[key] if known else server.score([text])[0]
        # The key is computed again: the first answer tells whether the server chats. A damaged row is left to the pass, which
        # records it.
        server.learn(row)
        if not known and not cache.damaged:
            cache.put([(cache_key(server.info.fingerprint, server.settings, server.info.view, text), row)])
    return server


def wrap_model(found: Model | TextModel, suite: Suite, options: ModelOptions, progress: Progress) -> Model:
    """A model of columns as it is; a model of texts behind the batched, cached pass."""
    if not hasattr(found, "score"):
        return found
    return TextPass(
        cast(TextModel, found), suite, answer_cache(found.info), Limits(options.max_calls, options.max_cost), progress
    )


def answer_cache(info: ModelInfo) -> AnswerCache:
    """Where the answers of a model are kept."""
    name = info.fingerprint.partition(":")[2].replace("/", "-")[:32]
    try:
        folder = cache_folder()
    except UserError as error:
        warn(not_kept(error))
        return AnswerCache(None)
    return AnswerCache(folder / "answers" / f"{name}.sqlite")


def _open_hub(uri: str, given: Opening) -> TextModel:
    return _open_transformers(uri.removeprefix("hf:"), uri, given, offline=False)


def _open_bundled(uri: str, given: Opening) -> TextModel:
    from harness.models.bundled import bundled_folder

    return _open_transformers(str(bundled_folder(uri.removeprefix("bundled:"))), uri, given)


def _open_folder(uri: str, given: Opening) -> Model | TextModel:
    path = Path(uri)
    if (path / "model.skops").is_file():
        return _open_skops(str(path / "model.skops"), given, uri)
    if (path / "model.onnx").is_file():
        return _open_onnx(str(path / "model.onnx"), given)
    if (path / "config.json").is_file():
        return _open_transformers(uri, uri, given)
    raise ModelError(f"The folder {path} holds no model.skops, model.onnx or config.json. {_WANTED}.")


def _open_skops(uri: str, given: Opening, name: str | None = None) -> Model | TextModel:
    from harness.models.sklearn import load_sklearn

    view = given.options.view or ("text" if _manifest_view(Path(uri).parent) == "text" else "columns")
    return load_sklearn(Path(uri), name or uri, given.data.classes, given.options, view)


def _open_pickle(uri: str, given: Opening) -> Model:
    path = Path(uri)
    if given.options.allow_unsafe_load and path.suffix in (".pkl", ".pickle", ".joblib"):
        from harness.models.sklearn import load_pickle

        return load_pickle(path, uri, given.data.classes, given.options)
    raise ModelError(
        f"{path.name} is a pickle, which can run any code when it is opened, so it is refused. Convert it where you trust "
        "it: skops.io.dump(joblib.load('model.joblib'), 'model.skops'), or save a torch model as safetensors; or state why "
        "you trust a .pkl or .joblib here: --allow-unsafe-load REASON."
    )


def _open_onnx(uri: str, given: Opening) -> Model | TextModel:
    from harness.models.onnx import load_onnx

    return load_onnx(Path(uri), uri, given.data.classes, given.options)


def _open_predictions(uri: str, given: Opening) -> Model:
    from harness.models.predictions import load_predictions

    refuse_changed_predictions(Path(uri))
    table = read_predictions(Path(uri), given.loaded.suite.data.read, given.data.classes)
    return load_predictions(Path(uri), table, given.data, given.options)


def _open_transformers(folder: str, uri: str, given: Opening, *, offline: bool = True) -> TextModel:
    """A sequence classifier, a language model or an encoder, by the architecture that its config names."""
    from harness.models.deferred import deferred

    classes, views = given.data.classes, given.loaded.suite.views

    def load(options: ModelOptions) -> TextModel:
        from harness.models.torch_runtime import architecture_of

        kind = architecture_of(folder, offline)
        if kind == "classifier":
            from harness.models.transformers_classifier import load_classifier

            return load_classifier(folder, uri, classes, options, offline=offline)
        if kind == "encoder":
            from harness.models.zero_shot_encoder import load_encoder

            return load_encoder(folder, uri, classes, views.zero_shot, options, offline=offline)
        from harness.models.language_model import load_language_model

        return load_language_model(folder, uri, classes, views.prompt, options, offline=offline)

    if offline and given.options.dtype == "float32":
        return deferred(Path(folder), uri, classes, views, given.options, lambda: load(given.options))
    model = load(given.options)
    if given.options.dtype == "float32" or not given.options.probe:
        return model
    return _with_parity(model, load, given)


def _with_parity(model: TextModel, load: Callable[[ModelOptions], TextModel], given: Opening) -> TextModel:
    from harness.models.parity import SAMPLE, parity_finding, parity_unmeasured

    rows = given.data.splits["test"].inputs.iloc[:SAMPLE]
    texts = render_view(given.loaded.suite, model.info.view, rows)
    try:
        found = parity_finding(model, load(replace(given.options, dtype="float32")), texts)
    except DeviceMemoryError as error:  # a model that fits in half the memory alone is still audited
        found = parity_unmeasured(f"not measured against float32: {error}")
    model.warnings = (*model.warnings, found)
    return model


def _manifest(folder: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The card of a model made by `harness fit`, and the ids of the rows that it was trained on."""
    try:
        card = json.loads((folder / "harness-model.json").read_text(encoding="utf-8"))
        return card, tuple(card.pop("training_ids"))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}/harness-model.json can't be read ({error}). Fit the model again.") from error


def _manifest_view(folder: Path) -> str | None:
    if not (folder / "harness-model.json").is_file():
        return None
    view = _manifest(folder)[0].get("view")
    return str(view) if view else None
