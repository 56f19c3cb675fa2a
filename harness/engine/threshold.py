"""Where to cut a score that was never calibrated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def best_threshold(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    """The cut with the highest balanced accuracy (Youden 1950) over scores (n,); halfway between two scores.

    0.5 where one class is absent or no score is finite. Of equal cuts the lowest.
    """
    known = np.isfinite(scores)
    scores, positive = scores[known], positive[known]
    if not positive.any() or positive.all():
        return 0.5
    values = np.unique(scores)
    cuts = np.r_[values[0], (values[:-1] + values[1:]) / 2]
    order = np.argsort(scores)
    ranked = positive[order]
    below = np.searchsorted(scores[order], cuts, side="left")
    missed = np.r_[0, np.cumsum(ranked)][below]
    kept = np.r_[0, np.cumsum(~ranked)][below]
    gain = 1 - missed / positive.sum() + kept / (~positive).sum()
    return float(cuts[int(gain.argmax())])
