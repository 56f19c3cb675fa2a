"""Tokens of texts for a model of transformers or ONNX: each text is tokenised once, for its size and for its batch."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.engine.batching import TextSizes, padded

Ints = npt.NDArray[np.int64]
DEFAULT_CONTEXT = 512
BLOCK = 1000
KEPT_BYTES = 32_000_000  # texts beyond are tokenised again for their batch
_ROW_BYTES = 250  # what an array costs beside its numbers
READING = 2  # raised where the same text gives a model other tokens than before
_INPUTS = ("input_ids", "token_type_ids")
_SPECIAL_TOKENS = ("bos_token_id", "cls_token_id", "eos_token_id", "sep_token_id", "unk_token_id", "pad_token_id")


class Tokens:
    """A tokenizer with the most tokens that its model reads.

    `fill` is the id that pads the shorter texts of a batch; with None texts are unbatched, or with others of the same
    length. `side` is where it goes: on the right no text's positions move. `special` adds the tokenizer's special tokens
    (start, end). A text that gives no token at all, as an empty one does where none are added, is read as one special token:
    a model can't read nothing. With `keep` the tokens of a text that was measured are kept until it is asked for.
    """

    def __init__(
        self,
        tokenizer: Any,
        limit: int,
        *,
        fill: int | None,
        side: Literal["left", "right"] = "right",
        special: bool = True,
        keep: bool = True,
    ) -> None:
        self._tokenizer, self._limit, self._special = tokenizer, limit, special
        self.fill, self._left = fill, side == "left"
        self._kept: dict[str, npt.NDArray[np.int32]] = {}
        self._room = KEPT_BYTES if keep else 0
        self._placeholder = next(
            (i for i in (getattr(tokenizer, name, None) for name in _SPECIAL_TOKENS) if i is not None), 0
        )

    @property
    def settings(self) -> str:
        """What the answers depend on."""
        return f"tokens={READING};fill={self.fill};left={self._left}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text (n,), uncut, and those that stand for what the vocabulary lacks (n,), in blocks so that memory
        stays flat. The latter are 0 where the tokenizer has no special token for them, or one with another use (GPT-2's).
        """
        own = self._tokenizer
        lacks = own.unk_token_id
        if lacks in (own.bos_token_id, own.eos_token_id, own.pad_token_id):
            lacks = None
        counts = np.zeros((len(texts), 2), dtype=np.int64)
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            rows = self._tokenised(block, cut=False)
            counts[start : start + BLOCK] = [
                (row.shape[1], 0 if lacks is None else np.count_nonzero(row[0] == lacks)) for row in rows
            ]
            for text, row in zip(block, rows, strict=True):
                self._keep(text, row)
        return TextSizes(counts[:, 0], counts[:, 1])

    def batch(self, texts: list[str]) -> dict[str, Ints]:
        """input_ids, attention_mask and, where the tokenizer gives them, token_type_ids, each (n, tokens).

        Cut to the limit and filled up to the longest text, rounded up by `harness.engine.batching.padded`. ValueError where
        the texts have several lengths and there is no `fill`.
        """
        found = {i: self._kept.pop(text) for i, text in enumerate(texts) if text in self._kept}
        self._room += sum(map(_size, found.values()))
        left = [i for i in range(len(texts)) if i not in found]
        if left:
            found |= dict(zip(left, self._tokenised([texts[i] for i in left], cut=True), strict=True))
        rows = [found[i] if found[i].shape[1] else self._one_token(found[i]) for i in range(len(texts))]
        width = max(row.shape[1] for row in rows)
        if self.fill is not None:
            width = min(padded(width), self._limit)
        elif any(row.shape[1] != width for row in rows):
            raise ValueError("texts of several lengths, and nothing to fill them up with")
        fill = (self.fill or 0, getattr(self._tokenizer, "pad_token_type_id", 0))
        out = {name: np.full((len(rows), width), fill[i]) for i, name in enumerate(_INPUTS[: len(rows[0])])}
        out["attention_mask"] = np.zeros((len(rows), width), dtype=np.int64)
        for i, row in enumerate(rows):
            place = slice(width - row.shape[1], width) if self._left else slice(row.shape[1])
            for name, values in zip(_INPUTS, row, strict=False):
                out[name][i, place] = values
            out["attention_mask"][i, place] = 1
        return out

    def _tokenised(self, texts: list[str], *, cut: bool) -> list[npt.NDArray[np.int32]]:
        """Of each text an array (1 or 2, tokens): its ids, and their types where the tokenizer gives them."""
        how = {"truncation": True, "max_length": self._limit} if cut else {"truncation": False}
        encoded = self._tokenizer(
            texts, **how, add_special_tokens=self._special, return_attention_mask=False, verbose=False
        )
        columns = [encoded[name] for name in _INPUTS if name in encoded]
        return [np.array(row, dtype=np.int32) for row in zip(*columns, strict=True)]

    def _keep(self, text: str, row: npt.NDArray[np.int32]) -> None:
        if row.shape[1] <= self._limit and _size(row) <= self._room and text not in self._kept:
            self._kept[text] = row
            self._room -= _size(row)

    def _one_token(self, row: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return np.array([[self._placeholder], [0]][: len(row)], dtype=np.int32)


def _size(row: npt.NDArray[np.int32]) -> int:
    return int(row.nbytes) + _ROW_BYTES


def fill_of(config: Any, tokenizer: Any) -> int | None:
    """The id that pads the texts of a classifier's batch; None where they have to be unbatched.

    That is so where the model is given no mask, and where neither config nor tokenizer has a padding token that is not a real
    token as well: a decoder answers at the last token that is not the config's padding.
    """
    if "attention_mask" not in tokenizer.model_input_names:
        return None
    own = own_fill(config)
    if own is not None:
        return own
    fill = tokenizer.pad_token_id
    real = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.sep_token_id)
    return None if fill is None or fill in real else int(fill)


def own_fill(config: Any) -> int | None:
    """The padding token that a model's config names; None where it names none (early Llama configs say -1)."""
    own = config.get_text_config().pad_token_id
    return None if own is None or own < 0 else int(own)


def fill_with(config: Any, fill: int | None) -> None:
    """Tells a model's config (and that of its text part) what fills up its batches."""
    for part in (config, config.get_text_config()):
        part.pad_token_id = fill


def side_of(config: Any) -> Literal["left", "right"]:
    """Where a classifier's texts are filled up: XLNet answers at the last place, so on its left."""
    return "left" if config.model_type == "xlnet" else "right"


def context_of(config: Any, tokenizer: Any) -> int:
    """The most tokens that the model reads: the smaller of the tokenizer's and the model's limit."""
    positions = getattr(config, "max_position_embeddings", None) or DEFAULT_CONTEXT
    if getattr(config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # their positions start after the padding index
    limit = getattr(tokenizer, "model_max_length", positions) or positions
    return int(min(positions, limit if limit < 10**6 else positions))
