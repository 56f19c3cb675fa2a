"""Options that several verbs share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from harness.errors import UserError
from harness.models.options import DataType, ModelOptions, ScoreMeaning

SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A built-in suite's name, or a path to a YAML file.")]
RecordPath = Annotated[Path, typer.Argument(metavar="RECORD", help="An audit.json or a run folder.")]
ModelUri = Annotated[
    str,
    typer.Option(
        "--model",
        help="A .skops or .onnx file, a fitted or transformers folder, saved predictions, https://host/v1#model, "
        "hf:org/name, bundled:minilm, bundled:smollm2, or python:module:factory.",
    ),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        help="Where to write, kind by suffix (.html .json .xml .md .sarif) or KIND=PATH; repeatable.",
    ),
]
OtherData = Annotated[
    str | None,
    typer.Option(
        "--data", help="Other data, a file or a name such as hf:org/name#split: every row of it is a test row."
    ),
]
TrainData = Annotated[
    str | None,
    typer.Option(
        "--train-data", help="The rows that the model was trained on, for the privacy check; a file or a name."
    ),
]
TrainedOnSplit = Annotated[
    bool,
    typer.Option("--trained-on-split", help="State that the model was trained on the suite's training split."),
]
Rows = Annotated[
    int | None,
    typer.Option("--rows", min=1, help="Audit a seeded sample of this many test rows; the record says so."),
]
AllowUnsafeLoad = Annotated[
    str | None,
    typer.Option(
        "--allow-unsafe-load",
        metavar="REASON",
        help="Open a pickle although it can run any code; the reason is recorded.",
    ),
]
BaselineRecord = Annotated[
    Path | None,
    typer.Option("--baseline", help="The last release's audit.json or run folder: no worse than it, item by item."),
]
View = Annotated[str | None, typer.Option("--view", help="text: the .skops file reads texts, not columns.")]
LabelMap = Annotated[
    list[str] | None,
    typer.Option("--label-map", metavar="OWN=CLASS", help="A label of the model and the suite's class; repeatable."),
]
ScoresMean = Annotated[
    str | None,
    typer.Option(
        "--scores",
        metavar="MEANING",
        help="What the model's scores are, where they are no probabilities and its file does not say: probability, log_probability, "
        "logit or decision_function.",
    ),
]
AllowUntrained = Annotated[
    str | None,
    typer.Option(
        "--allow-untrained",
        metavar="REASON",
        help="Audit a transformers model whose files lack or exceed the weights of its config; the reason is recorded.",
    ),
]
Dtype = Annotated[
    str, typer.Option("--dtype", help="float32, bfloat16 or float16; parity with float32 is measured and recorded.")
]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:0 … or mps; else the best there is.")]
Window = Annotated[
    bool, typer.Option("--window", help="Read long texts in overlapping windows and average, instead of cutting them.")
]
MaxCalls = Annotated[int | None, typer.Option("--max-calls", min=1, help="Stop after so many model calls.")]
MaxCost = Annotated[float | None, typer.Option("--max-cost", help="Stop at this cost, by the prices given.")]
IdKey = Annotated[
    Path | None,
    typer.Option(
        "--id-key",
        help="A file with the key of the hashes that reports show for row ids; else runs/.id-key. The same key gives the same hashes.",
    ),
]
Gate = Annotated[
    bool,
    typer.Option("--gate", help="Exit 0 only if the vertical model is chosen, 3 if nothing is decided, else 1."),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        min=1,
        help="Tokens that a written answer may take, reasoning included: 4096 of a server, 32 of a local model's number "
        "unless given. A longer answer is truncated, and no rule is judged on it.",
    ),
]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, help="Requests at once to a server.")]
PriceIn = Annotated[float | None, typer.Option("--price-in", help="Price of a million tokens sent to a server.")]
PriceOut = Annotated[float | None, typer.Option("--price-out", help="Price of a million tokens that it answers.")]


def model_options(
    view: View = None,
    label_map: LabelMap = None,
    scores: ScoresMean = None,
    allow_untrained: AllowUntrained = None,
    dtype: Dtype = "float32",
    device: Device = None,
    window: Window = False,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    concurrency: Concurrency = 4,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    allow_unsafe_load: AllowUnsafeLoad = None,
) -> ModelOptions:
    """The options of a model, from their words; UserError for a word that is not known."""
    return ModelOptions(
        view=view,
        label_map=_label_map(label_map),
        scores=None if scores is None else _known("--scores", scores, get_args(ScoreMeaning)),
        allow_untrained=allow_untrained,
        dtype=_known("--dtype", dtype, get_args(DataType)),
        device=device,
        window=window,
        max_calls=max_calls,
        max_cost=max_cost,
        max_tokens=max_tokens,
        concurrency=concurrency,
        price_in=price_in,
        price_out=price_out,
        allow_unsafe_load=allow_unsafe_load,
    )


def of_a_model(*left_out: str) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Gives a verb of keyword arguments its `of_model`: in its place the command line has the options of `model_options`, less those left out."""

    def expanded(verb: Callable[..., int | None]) -> Callable[..., int | None]:
        of_model = [
            option.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for option in inspect.signature(model_options, eval_str=True).parameters.values()
            if option.name not in left_out
        ]
        signature = inspect.signature(verb, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            parameters += of_model if parameter.name == "of_model" else [parameter]

        @functools.wraps(verb)
        def run(**given: Any) -> int | None:
            asked = {option.name: given.pop(option.name) for option in of_model if option.name in given}
            return verb(**given, of_model=model_options(**asked))

        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by typer
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return expanded


def _label_map(pairs: list[str] | None) -> dict[str, str]:
    """OWN=CLASS pairs as a mapping; UserError where one has no equals sign."""
    found = {}
    for pair in pairs or []:
        own, equals, name = pair.partition("=")
        if not equals:
            raise UserError(f"--label-map {pair!r} has no equals sign. Wanted OWN=CLASS, for example LABEL_1=yes.")
        found[own] = name
    return found


def _known(option: str, word: str, known: tuple[Any, ...]) -> Any:
    """The word, which is one of the known ones; UserError for another."""
    if word not in known:
        raise UserError(f"There is no {option} {word!r}. Wanted one of: {', '.join(known)}.")
    return word
