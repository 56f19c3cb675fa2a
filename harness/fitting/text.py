"""Reference models for texts: a fine-tuned transformer, and the tf-idf baseline that it must beat."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels
from harness.engine.progress import Progress
from harness.errors import DeviceMemoryError, ModelError
from harness.models.tokens import context_of, fill_of, fill_with, side_of
from harness.models.torch_runtime import (
    choose_device,
    free_device_memory,
    import_torch,
    import_transformers,
    is_out_of_memory,
    load_tokenizer,
    on_device,
    other_weights,
    save_pretrained,
)

Ints = npt.NDArray[np.int64]
# Thai and Lao, Burmese, Khmer, Japanese kana, Chinese characters
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune: AdamW, linear warm-up and decay, the best epoch on a validation part kept.

    The loss is cross-entropy over classes, and mean squared error for numbers.

    `freeze` is how many layers from the bottom stay as they are (with the embeddings); -1 freezes the whole encoder, so that
    only the head learns.
    """

    epochs: int = 4
    freeze: int = 0
    learning_rate: float = 1e-4
    batch: int = 16
    validation: float = 0.1
    patience: int = 2
    seed: int = 0
    device: str | None = None


@dataclass(frozen=True)
class Examples:
    """Texts (n) with what they teach (n): class names or numbers. `clusters` (n) name what belongs together: such rows are
    never split between those that are fitted to and those that are validated on."""

    texts: Sequence[str]
    labels: Labels
    clusters: Labels | None = None


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model with its tokenizer, which rows its weights were fitted to, each epoch's losses, and the kind of
    device that it was tuned on: the same seed gives other weights on another kind."""

    model: Any
    tokenizer: Any
    fitted_rows: list[int]
    history: list[tuple[float, float]]
    device: str


def fit_tfidf(texts: Sequence[str], labels: npt.NDArray[Any], seed: int) -> Any:
    """Tf-idf of words and word pairs with a linear model; of one to four characters where no blanks part the words.

    That is so where most texts hold no blank (SMILES), or most letters are of a script without blanks (Chinese, Japanese,
    Thai, Lao, Khmer, Burmese), whatever blanks stand between its sentences.
    Logistic regression for class names (n,), ridge regression for numbers (n,).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import Pipeline

    words = sum(" " in text for text in texts) > len(texts) / 2 and not _is_unspaced("".join(texts))
    how: dict[str, Any] = {"ngram_range": (1, 2)} if words else {"analyzer": "char", "ngram_range": (1, 4)}
    vectoriser = TfidfVectorizer(**how, lowercase=words, sublinear_tf=True, min_df=2)
    numbers = labels.dtype.kind == "f"
    model = Ridge(alpha=1.0) if numbers else LogisticRegression(max_iter=2000, C=10.0, random_state=seed)
    return Pipeline([("words", vectoriser), ("model", model)]).fit(list(texts), labels)


def parts_of(tfidf: Any) -> str:
    """What a fitted tf-idf pipeline counts, for its card."""
    vectoriser = tfidf.named_steps["words"]
    low, high = vectoriser.ngram_range
    return f"{'words' if vectoriser.analyzer == 'word' else 'characters'}, {low} to {high} in a row"


def _is_unspaced(text: str) -> bool:
    """Whether most letters are of a script that is written without blanks between words."""
    letters = [character for character in text if character.isalpha()]
    return sum(_UNSPACED.match(letter) is not None for letter in letters) > len(letters) / 2


def fine_tune(folder: str, examples: Examples, classes: tuple[str, ...], recipe: Recipe, tell: Progress) -> Tuned:
    """Fine-tunes the encoder in `folder` on texts with class names; ModelError where it can't be read."""
    targets = np.array([classes.index(label) for label in examples.labels])
    return _tune(folder, replace(examples, labels=targets), classes, recipe, tell)


def fine_tune_numbers(folder: str, examples: Examples, recipe: Recipe, tell: Progress) -> Tuned:
    """Fine-tunes the encoder in `folder` to predict numbers, in their own unit, by mean squared error.

    Learned on standardised numbers; the mean and the standard deviation are folded into the last layer afterwards.
    """
    values = np.asarray(examples.labels, dtype=np.float64)
    mean, spread = float(values.mean()), float(values.std()) or 1.0
    tuned = _tune(folder, replace(examples, labels=(values - mean) / spread), (), recipe, tell)
    torch = import_torch()
    head = [m for m in tuned.model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 1][-1]
    with torch.no_grad():
        head.weight.mul_(spread)
        head.bias.mul_(spread).add_(mean)
    return tuned


def _tune(folder: str, examples: Examples, classes: tuple[str, ...], recipe: Recipe, tell: Progress) -> Tuned:
    try:
        return _learned(folder, examples, classes, recipe, tell)
    except (RuntimeError, DeviceMemoryError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
    free_device_memory()
    raise DeviceMemoryError(
        "out of memory while fine-tuning. Give --freeze N (that many layers from the bottom stay as they are; -1: all), --device "
        "cpu, or a smaller base."
    )


def _learned(folder: str, examples: Examples, classes: tuple[str, ...], recipe: Recipe, tell: Progress) -> Tuned:
    texts, targets = examples.texts, examples.labels
    torch, transformers = import_torch(), import_transformers()
    _seed(recipe.seed)
    tokenizer = load_tokenizer(folder, offline=Path(folder).exists())
    model = on_device(_fresh_model(transformers, folder, classes), choose_device(recipe.device))
    _settle_filling(model, tokenizer, folder)
    _freeze(model, recipe.freeze)
    train, validation = _parts(targets, examples.clusters, recipe)
    if not len(train):
        raise ModelError(f"insufficient sample: {len(targets)} rows leave none to fit beside those to validate on")
    encoded = tokenizer(list(texts), truncation=True, max_length=_most_tokens(tokenizer, model))["input_ids"]
    rows = _Rows(tokenizer, encoded, targets, model.device)
    steps = math.ceil(len(train) / recipe.batch) * recipe.epochs
    optimiser = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=recipe.learning_rate, weight_decay=0.01
    )
    schedule = transformers.get_linear_schedule_with_warmup(optimiser, max(1, steps // 10), steps)
    shuffler = np.random.default_rng(recipe.seed)
    best, best_weights, waited, history, done = math.inf, _weights(model), 0, [], 0
    for epoch in range(recipe.epochs):
        model.train()
        total = 0.0
        order = shuffler.permutation(train)
        for start in range(0, len(order), recipe.batch):
            inputs, wanted = rows.take(order[start : start + recipe.batch])
            loss = _loss_of(model(**inputs).logits, wanted, "mean")
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            total += float(loss.detach()) * len(wanted)
            done += 1
            tell(f"fine-tuning, epoch {epoch + 1} of {recipe.epochs}", done, steps)
        history.append((total / len(train), _loss(model, rows, validation, recipe.batch)))
        if history[-1][1] < best:
            best, best_weights, waited = history[-1][1], _weights(model), 0
        else:
            waited += 1
            if waited >= recipe.patience:
                break
    model.load_state_dict(best_weights)
    device = str(model.device.type)
    return Tuned(model.eval().cpu(), tokenizer, [int(i) for i in sorted(train)], history, device)


def save_tuned(tuned: Tuned, folder: Path) -> None:
    """Writes the weights (safetensors), the config and the tokenizer."""
    save_pretrained(folder, tuned.model, tuned.tokenizer)


class _Rows:
    """Tokenised rows, padded batch by batch."""

    def __init__(self, tokenizer: Any, encoded: list[list[int]], targets: npt.NDArray[Any], device: Any) -> None:
        self._tokenizer, self._encoded, self._targets, self._device = tokenizer, encoded, targets, device

    def take(self, rows: Ints) -> tuple[dict[str, Any], Any]:
        torch = import_torch()
        padded = self._tokenizer.pad({"input_ids": [self._encoded[i] for i in rows]}, return_tensors="pt")
        inputs = {name: value.to(self._device) for name, value in padded.items()}
        wanted = torch.tensor(self._targets[rows], device=self._device)
        return inputs, wanted.float() if wanted.is_floating_point() else wanted


def _fresh_model(transformers: Any, folder: str, classes: tuple[str, ...]) -> Any:
    names = dict(enumerate(classes))
    head: dict[str, Any] = {"num_labels": 1, "problem_type": "regression"}
    if classes:
        head = {"num_labels": len(classes), "id2label": names, "label2id": {name: i for i, name in names.items()}}
    try:
        model, loaded = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder,
            **head,
            output_loading_info=True,
            local_files_only=Path(folder).exists(),
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{folder} can't be fine-tuned as a classifier: {first}") from error
    other_weights(loaded, folder, None, whole=False)
    return model


def _settle_filling(model: Any, tokenizer: Any, folder: str) -> None:
    """One id fills batches up for the model and its tokenizer, when it is fitted as when it is asked: a decoder answers at the
    last token that is not that. A base without one (GPT-2) takes its end-of-text sign, as is usual.
    """
    known = (fill_of(model.config, tokenizer), tokenizer.pad_token_id, tokenizer.eos_token_id)
    fill = next((one for one in known if one is not None), None)
    if fill is None:
        raise ModelError(f"{folder} has neither a padding token nor an end-of-text sign. Give its tokenizer one.")
    fill_with(model.config, fill)
    tokenizer.padding_side = side_of(model.config)
    if tokenizer.pad_token_id != fill:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(fill)


def _freeze(model: Any, layers: int) -> None:
    if layers == 0:
        return
    encoder = getattr(model, model.base_model_prefix)
    if layers < 0:
        for parameter in encoder.parameters():
            parameter.requires_grad = False
        return
    stack = getattr(getattr(encoder, "encoder", encoder), "layer", None) or getattr(
        getattr(encoder, "transformer", encoder), "layer", None
    )
    if stack is None or layers > len(stack):
        known = "no layers that can be counted" if stack is None else f"{len(stack)} layers"
        raise ModelError(f"--freeze {layers} does not fit: the encoder has {known}. Wanted 0, -1 or at most that many.")
    for part in (encoder.embeddings, *stack[:layers]):
        for parameter in part.parameters():
            parameter.requires_grad = False


def _parts(targets: Labels, clusters: Labels | None, recipe: Recipe) -> tuple[Ints, Ints]:
    """Rows to fit and rows to validate on, the latter a share of each class (of all rows for numbers).

    Whole clusters (n) where rows belong together, each counted to the class of its first row.
    """
    rng = np.random.default_rng(recipe.seed)
    names = np.arange(len(targets)) if clusters is None else clusters
    _, first, unit = np.unique(names, return_index=True, return_inverse=True)
    held: list[Ints] = []
    strata = np.zeros(len(first), dtype=int) if targets.dtype.kind == "f" else targets[first]
    for value in np.unique(strata):
        own = rng.permutation(np.flatnonzero(strata == value))
        held.append(own[: max(1, round(recipe.validation * len(own)))])
    validating = np.isin(unit, np.concatenate(held))
    return np.flatnonzero(~validating), np.flatnonzero(validating)


def _loss_of(logits: Any, wanted: Any, reduction: str) -> Any:
    functional = import_torch().nn.functional
    if wanted.is_floating_point():
        return functional.mse_loss(logits[:, 0], wanted, reduction=reduction)
    return functional.cross_entropy(logits, wanted, reduction=reduction)


def _loss(model: Any, rows: _Rows, chosen: Ints, batch: int) -> float:
    torch = import_torch()
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(chosen), batch):
            inputs, wanted = rows.take(chosen[start : start + batch])
            total += float(_loss_of(model(**inputs).logits, wanted, "sum"))
    return total / len(chosen)


def _weights(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _most_tokens(tokenizer: Any, model: Any) -> int:
    return context_of(model.config, tokenizer)


def _seed(seed: int) -> None:
    import_torch().manual_seed(seed)
