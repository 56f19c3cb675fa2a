"""Tokens of texts for a model of transformers or ONNX: each text is tokenised once, for its size and for its batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine.batching import TextSizes, padded

Ints = npt.NDArray[np.int64]
DEFAULT_CONTEXT = 512
BLOCK = 1000
KEPT_TOKENS = 4_000_000  # at most 32 MB; texts beyond are tokenised again for their batch
_INPUTS = ("input_ids", "token_type_ids")
_SIGNS = ("bos_token_id", "cls_token_id", "eos_token_id", "sep_token_id", "unk_token_id", "pad_token_id")


class Tokens:
    """A tokenizer with the most tokens that its model reads.

    `special` adds the tokenizer's own signs (start, end). A text that gives no token at all, as an empty one does where the
    tokenizer adds no signs, is read as one sign: a model can't read nothing.
    """

    def __init__(self, tokenizer: Any, limit: int, *, special: bool = True) -> None:
        self._tokenizer, self._limit, self._special = tokenizer, limit, special
        self._kept: dict[str, npt.NDArray[np.int32]] = {}
        self._room = KEPT_TOKENS
        self._sign = next((i for i in (getattr(tokenizer, name, None) for name in _SIGNS) if i is not None), 0)

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text (n,), uncut, and those that stand for what the vocabulary lacks (n,), in blocks so that memory
        stays flat. The latter are 0 where the tokenizer has no sign for them, or its sign has another use (GPT-2's).
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

        Cut to the limit and filled up to the longest text, rounded up by `harness.engine.batching.padded`.
        """
        found = {i: self._kept.pop(text) for i, text in enumerate(texts) if text in self._kept}
        self._room += sum(row.size for row in found.values())
        left = [i for i in range(len(texts)) if i not in found]
        if left:
            found |= dict(zip(left, self._tokenised([texts[i] for i in left], cut=True), strict=True))
        rows = [found[i] if found[i].shape[1] else self._one_sign(found[i]) for i in range(len(texts))]
        longest = max(row.shape[1] for row in rows)
        width = longest if self._tokenizer.pad_token_id is None else min(padded(longest), self._limit)
        fill = (self._tokenizer.pad_token_id or 0, getattr(self._tokenizer, "pad_token_type_id", 0))
        out = {name: np.full((len(rows), width), fill[i]) for i, name in enumerate(_INPUTS[: len(rows[0])])}
        out["attention_mask"] = np.zeros((len(rows), width), dtype=np.int64)
        left_side = self._tokenizer.padding_side == "left"
        for i, row in enumerate(rows):
            place = slice(width - row.shape[1], width) if left_side else slice(row.shape[1])
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
        if row.shape[1] <= self._limit and row.size <= self._room and text not in self._kept:
            self._kept[text] = row
            self._room -= row.size

    def _one_sign(self, row: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return np.array([[self._sign], [0]][: len(row)], dtype=np.int32)


def context_of(config: Any, tokenizer: Any) -> int:
    """The most tokens that the model reads: the smaller of the tokenizer's and the model's limit."""
    positions = getattr(config, "max_position_embeddings", None) or DEFAULT_CONTEXT
    if getattr(config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # their positions start after the padding index
    limit = getattr(tokenizer, "model_max_length", positions) or positions
    return int(min(positions, limit if limit < 10**6 else positions))
