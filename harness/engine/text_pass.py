"""One batched, cached pass over texts: what makes a text model answer the harness's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo, Usage
from harness.core.dataset import Labels
from harness.core.finding import Finding
from harness.core.predictions import Predictions
from harness.engine.batching import TextSizes, padded, plan_batches
from harness.engine.cache import AnswerCache, cache_key, size_key
from harness.engine.memory import give_back_freed_memory
from harness.engine.progress import Progress, silent
from harness.engine.views import render_view
from harness.errors import ModelError
from harness.spec.suite import Suite

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BATCHES_BETWEEN = 16  # then freed memory is given back at the next new shape: some 20 ms of page faults
REFUSED, UNREADABLE, CUT, NOT_FINITE = -1.0, -2.0, -3.0, -4.0
NO_ANSWER = {REFUSED: "refused", UNREADABLE: "unreadable", CUT: "cut", NOT_FINITE: "not_finite"}


class TextModel(Protocol):
    """A model that reads texts. `settings` is whatever else an answer depends on, for the cache.

    `score` answers one batch: rows (n, 1 + classes), first the class's position (or a code of NO_ANSWER), then the
    probabilities in the order of `classes` (NaN where the model gives none). Without classes (regression): rows (n, 2), 0
    (or the code) and the number.
    """

    info: ModelInfo
    classes: tuple[str, ...]
    warnings: tuple[Finding, ...]
    context: int | None
    batch_tokens: int
    batch_texts: int

    @property
    def settings(self) -> str:
        """What else an answer depends on."""
        ...

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text, before any truncation."""
        ...

    def score(self, texts: list[str]) -> Floats:
        """Answers of one batch."""
        ...

    def cost(self) -> float | None:
        """What the answers cost so far, in the currency of the prices given; None where nothing is charged."""
        ...


class RefittableText(TextModel, Protocol):
    """A text model that offers `refit`."""

    def refitted(self, texts: list[str], labels: Labels) -> TextModel:
        """A clone fitted to texts (n) with their labels (n,); ModelError where that can't be."""
        ...


class Exhausted(Exception):  # noqa: N818 - not an error: the pass stops where the user drew the line
    """The limit of calls, of cost or of an answer's tokens is reached; finished answers are kept."""


def more_tokens(budget: object) -> str:
    """What to do about answers that were cut off at a budget of tokens."""
    return f"Give a larger budget: --max-tokens N (it was {budget}). If the server cuts answers earlier by itself, raise its limit"


@dataclass(frozen=True)
class Limits:
    """Where a pass stops: at so many calls, or at this cost."""

    max_calls: int | None = None
    max_cost: float | None = None


class TextPass:
    """Makes a `Model` of a `TextModel`: renders rows, asks each distinct text once, keeps every finished batch."""

    def __init__(self, model: TextModel, suite: Suite, cache: AnswerCache, limits: Limits, progress: Progress) -> None:
        self._model, self._suite, self._cache = model, suite, cache
        self._limits, self._progress = limits, progress
        self.info = model.info
        self.calls = 0
        self._seen: dict[str, set[bytes]] = {
            name: set() for name in ("all", "truncated", "empty", "unscored", *NO_ANSWER.values())
        }
        self._tokens: dict[bytes, tuple[int, int]] = {}  # a distinct text's tokens, and how many of them are unknown

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The adapter's, and how many distinct texts were cut, held nothing, or got no answer that is a class."""
        n = max(1, len(self._seen["all"]))
        counted = {
            "model.truncated_texts": (
                self._seen["truncated"],
                f"longer than the context of {self._model.context} tokens",
            ),
            "model.empty_texts": (self._seen["empty"], "a text without a character"),
            "model.refused_answers": (self._seen["refused"], "the model refused to answer"),
            "model.unscored_answers": (self._seen["unscored"], "a class without probabilities: scores are not used"),
            "model.not_finite_answers": (self._seen["not_finite"], "the model gave no finite number"),
            "model.unreadable_answers": (self._seen["unreadable"], "the answer is none of the choices"),
            "model.truncated_answers": (self._seen["cut"], "the token budget cut the answer off, so it is no answer"),
        }
        return (
            *self._model.warnings,
            *self._unknown_tokens(),
            self._damaged_cache_rows(n),
            *(
                Finding(
                    measure=measure,
                    value=len(found),
                    n=n,
                    exact=True,
                    better="lower",
                    unit="texts",
                    reason=why if found else None,
                )
                for measure, (found, why) in counted.items()
            ),
        )

    def _damaged_cache_rows(self, texts: int) -> Finding:
        damaged = len(self._cache.damaged)
        why = f"{damaged} rows of the cache did not match their checksum: they were not used, and were recomputed"
        return Finding(
            measure="model.damaged_cache_rows",
            value=damaged,
            n=2 * texts,  # the size and the answer of each
            exact=True,
            better="lower",
            unit="rows",
            reason=why if damaged else None,
        )

    def _unknown_tokens(self) -> list[Finding]:
        tokens, unknown = (sum(counts[i] for counts in self._tokens.values()) for i in (0, 1))
        if not tokens:
            return []
        why = f"{unknown:,} tokens stand for what the model's vocabulary lacks: it can't tell one from another"
        return [
            Finding(
                measure="model.unknown_tokens",
                value=unknown / tokens,
                n=tokens,
                exact=True,
                better="lower",
                reason=why if unknown else None,
            )
        ]

    @property
    def accelerator(self) -> str | None:
        """The GPU that the model is on; None where it is on the processor, elsewhere, or was not read at all."""
        return getattr(self._model, "accelerator", None)

    def estimator(self) -> Any:
        """None: a text model shows no columns."""
        return None

    def refitted(self, inputs: pd.DataFrame, labels: Labels) -> TextPass:
        """A clone of the model behind this pass, fitted to rows of features; only where it offers `refit`."""
        texts = render_view(self._suite, self.info.view, inputs)
        model = cast(RefittableText, self._model).refitted(texts, labels)
        return TextPass(model, self._suite, AnswerCache(None), Limits(), silent)

    def usage(self) -> Usage:
        """What this run asked of the model."""
        tokens = (getattr(self._model, "tokens_in", None), getattr(self._model, "tokens_out", None))
        return Usage(calls=self.calls, tokens_in=tokens[0], tokens_out=tokens[1], cost=self._model.cost())

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Answers for rows of features, through the suite's template."""
        rows = self.answers(render_view(self._suite, self.info.view, inputs))
        if not self._model.classes:
            return Predictions((), np.where(rows[:, 0] >= 0, rows[:, 1], np.nan), None)
        names = np.array([*self._model.classes, None], dtype=object)
        labels = names[np.where(rows[:, 0] >= 0, rows[:, 0], len(names) - 1).astype(int)]
        scores = rows[:, 1:] if "scores" in self.info.offers else None
        if scores is not None and not np.isfinite(scores[rows[:, 0] >= 0]).all():
            scores = None  # a measure over the rows that happen to have scores would be of a chosen few
        return Predictions(self._model.classes, labels, scores)

    def answer_again(self, inputs: pd.DataFrame) -> None:
        """Asks for rows whatever is kept, and keeps nothing: to take the time."""
        texts = render_view(self._suite, self.info.view, inputs)
        for batch in plan_batches(self._model.sizes(texts).tokens, self._model.batch_tokens, self._model.batch_texts):
            self._model.score([texts[i] for i in batch])

    def answers(self, texts: list[str]) -> Floats:
        """Answers (n, 1 + classes) of the texts; a text that stands twice is asked once."""
        position = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        unique = list(position)
        info = self._model.info
        keys = self._keys(unique)
        lengths = self._lengths(unique, keys)
        known = self._cache.get(keys)
        table = np.full((len(unique), 1 + (len(self._model.classes) or 1)), np.nan)
        for i, key in enumerate(keys):
            if key in known:
                table[i] = known[key]
        missing = np.array([key not in known for key in keys])
        if missing.any():
            self._ask(unique, keys, lengths, missing, table)
        for code, name in NO_ANSWER.items():
            self._seen[name].update(key for key, row in zip(keys, table, strict=True) if row[0] == code)
        self._require_whole(table[:, 0])
        if "scores" in info.offers:
            bare = (table[:, 0] >= 0) & ~np.isfinite(table[:, 1:]).all(axis=1)
            self._seen["unscored"].update(key for key, is_bare in zip(keys, bare, strict=True) if is_bare)
        return table[[position[text] for text in texts]]

    def _keys(self, texts: list[str]) -> list[bytes]:
        info, settings = self._model.info, self._model.settings
        return [cache_key(info.fingerprint, settings, info.view, text) for text in texts]

    def unanswered_lengths(self, inputs: pd.DataFrame) -> Ints:
        """Tokens of each distinct text that no answer is kept for."""
        texts = list(dict.fromkeys(render_view(self._suite, self.info.view, inputs)))
        keys = self._keys(texts)
        known = self._cache.get(keys)
        left = [text for text, key in zip(texts, keys, strict=True) if key not in known]
        return self._sizes(left, [key for key in keys if key not in known]).tokens

    def _sizes(self, texts: list[str], keys: list[bytes]) -> TextSizes:
        """Sizes of the texts, kept like answers: a run that asks nothing need not read the tokenizer."""
        places = [size_key(key) for key in keys]
        known = self._cache.get(places)
        left = [i for i, place in enumerate(places) if place not in known]
        if left:
            tokens, unknown = self._model.sizes([texts[i] for i in left])
            rows = np.column_stack([tokens, np.full(len(left), np.nan) if unknown is None else unknown])
            found = [(places[i], row) for i, row in zip(left, rows, strict=True)]
            self._cache.put(found)
            known |= dict(found)
        table = np.array([known[place] for place in places]).reshape(-1, 2)
        told = np.isfinite(table[:, 1]).all()
        return TextSizes(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64) if told else None)

    def _ask(
        self, texts: list[str], keys: list[bytes], lengths: Ints, missing: npt.NDArray[np.bool_], table: Floats
    ) -> None:
        total, shape, since = int(missing.sum()), (0, 0), 0
        for batch in plan_batches(lengths, self._model.batch_tokens, self._model.batch_texts):
            asked = batch[missing[batch]]
            if not len(asked):
                continue
            wanted = asked[: self._allowed(total)]
            last, shape = shape, (len(wanted), padded(int(lengths[wanted].max())))
            if shape != last and since >= BATCHES_BETWEEN:
                give_back_freed_memory()
                since = 0
            since += 1
            rows = self._model.score([texts[i] for i in wanted])
            if rows.shape != (len(wanted), table.shape[1]):
                raise ModelError(
                    f"{self.info.uri} answered {len(rows)} of {len(wanted)} inputs. Return one answer per input, in order."
                )
            self.info = self._model.info  # a server may have refused a parameter
            whole = [(texts[i], row) for i, row in zip(wanted, rows, strict=True) if row[0] != CUT]
            # The keys are computed again: a server that refuses a parameter is asked in another way from then on.
            self._cache.put(zip(self._keys([text for text, _ in whole]), [row for _, row in whole], strict=True))
            table[wanted] = rows
            self.calls += len(wanted)
            self._progress("predicting", int(self.calls), total)
            if 2 * np.count_nonzero(table[:, 0] == CUT) > np.count_nonzero(~np.isnan(table[:, 0])):
                return  # the others would cost the whole budget each, too
            if len(wanted) < len(asked):
                self._allowed(total)

    def _allowed(self, total: int) -> int:
        """How many calls may still be made; Exhausted where none."""
        calls, cost = self._limits.max_calls, self._limits.max_cost
        if calls is not None and self.calls >= calls:
            raise Exhausted(
                f"out of budget: {self.calls} calls made, the limit is {calls} and {total} are needed. {self._to_go_on()}"
            )
        spent = self._model.cost()
        if cost is not None and spent is not None and spent >= cost:
            raise Exhausted(f"out of budget: {spent:.4g} spent, the limit is {cost:g}. {self._to_go_on()}")
        return total if calls is None else calls - self.calls

    def _to_go_on(self) -> str:
        return "The answers are kept: run again to go on" if self._cache.keeps else "The answers could not be kept"

    def _require_whole(self, codes: Floats) -> None:
        """Exhausted where answers (n,; NaN: not asked) were cut off: no rule is judged on what the token budget decided."""
        cut = np.count_nonzero(codes == CUT)
        if cut:
            raise Exhausted(
                f"out of budget: {cut} of {np.count_nonzero(~np.isnan(codes))} answers were cut off at the token budget before their end (finish_reason length): "
                "they are no answers of the model, and nothing is judged without them. "
                f"{more_tokens(self.info.card.get('max_tokens'))}"
            )

    def _lengths(self, texts: list[str], keys: list[bytes]) -> Ints:
        lengths, unknown = self._sizes(texts, keys)
        context = self._model.context
        if unknown is not None:
            self._tokens |= dict(zip(keys, zip(lengths.tolist(), unknown.tolist(), strict=True), strict=True))
        self._seen["all"].update(keys)
        self._seen["empty"].update(key for key, text in zip(keys, texts, strict=True) if not text.strip())
        if context is not None:
            self._seen["truncated"].update(key for key, n in zip(keys, lengths, strict=True) if n > context)
            lengths = np.minimum(lengths, context)
        return lengths
