"""How alike texts are: the Jaccard similarity of their sets of shingles, for many texts without comparing all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

WIDTH = 5  # characters
COMMON_TEXTS = 20
ROUNDING = 1e-9  # what lies just at a limit must not be lost


@dataclass(frozen=True)
class Shingles:
    """Texts (n) as sets: `sets` (n, v) has a 1 for each shingle of a text, the rarest shingles first; `sizes` (n,)."""

    sets: Any
    sizes: Ints

    def alike(self, i: Ints, j: Ints, similarity: float) -> Bools:
        """Whether texts i (m,) and j (m,) share so much: |A ∩ B| / |A ∪ B| ≥ similarity."""
        shared = np.asarray(self.sets[i].multiply(self.sets[j]).sum(axis=1)).ravel()
        alike: Bools = shared / (self.sizes[i] + self.sizes[j] - shared) >= similarity - ROUNDING
        return alike

    def candidates(self, blocks: list[Ints], similarity: float) -> Iterator[tuple[Ints, Ints]]:
        """For each block of texts, pairs of one of them and any text that may be alike; none that is alike is left out.

        Alike texts share one of their rarest |A| - ⌈similarity·|A|⌉ + 1 shingles at least. In all they share no more than
        those that both have there, and the rest of one text: of the one whose rarest shingles end first.
        """
        rarest = self._rarest(similarity)
        across, rest, end = rarest.T.tocsr(), self.sizes - np.diff(rarest.indptr), rarest.indices[rarest.indptr[1:] - 1]
        for block in blocks:
            shared = (rarest[block] @ across).tocoo()
            i, j = block[shared.row], shared.col.astype(np.int64)
            most = shared.data + np.where(end[i] < end[j], rest[i], rest[j])
            most = np.minimum(most, np.minimum(self.sizes[i], self.sizes[j]))
            kept = most >= similarity / (1 + similarity) * (self.sizes[i] + self.sizes[j]) - ROUNDING
            yield i[kept], j[kept]

    def _rarest(self, similarity: float) -> Any:
        from scipy.sparse import csr_array

        kept = self.sizes - np.ceil(similarity * self.sizes - ROUNDING).astype(np.int64) + 1
        place = np.arange(self.sets.nnz) - np.repeat(self.sets.indptr[:-1], self.sizes)
        early = place < np.repeat(kept, self.sizes)
        parts = self.sets.data[early], self.sets.indices[early], np.r_[0, np.cumsum(kept)]
        return csr_array(parts, shape=self.sets.shape)


def shingles_of(texts: list[str]) -> Shingles:
    """The sets of texts (n), without the shingles that stand in more than half of the texts and in more than 20."""
    from scipy.sparse import csr_array, hstack
    from sklearn.feature_extraction.text import CountVectorizer

    sets = csr_array(CountVectorizer(analyzer=shingle, dtype=np.float32).fit_transform(texts))
    spread = np.bincount(sets.indices, minlength=sets.shape[1])
    order = np.argsort(spread, kind="stable")
    sets = sets[:, order[spread[order] <= max(COMMON_TEXTS, len(texts) / 2)]]
    # Texts of which nothing is left are alike: they get one shingle of their own.
    bare = csr_array((np.diff(sets.indptr) == 0)[:, None].astype(np.float32))
    sets = csr_array(hstack([sets, bare], format="csr"))
    sets.sort_indices()
    return Shingles(sets, np.diff(sets.indptr).astype(np.int64))


def shingle(text: str) -> set[str]:
    """Every run of 5 characters of a text, in lower case and with single blanks; a shorter text is its own shingle."""
    plain = " ".join(text.lower().split())
    return {plain[k : k + WIDTH] for k in range(max(1, len(plain) - WIDTH + 1))}
