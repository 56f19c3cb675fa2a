"""Measures that no rule or margin may judge, because no interval of them holds its error rate, and what to judge instead."""

from __future__ import annotations

_RANKS = "its maximum is taken on the same rows, so that it is too large by chance"
_BINS = "it is biased upwards: a calibrated model has one above 0, the larger the fewer the rows"
_TAILS = "with heavy tails a few rows decide it, and its interval misses the truth far more often than stated"
_CALIBRATION = "performance.calibration_slope, performance.brier or performance.brier_skill"
_CUT = "it is the largest share over all cuts of the same rows, so that it lies too high for weak models"
_GROUPS = "it is a maximum over groups, whose interval never covers 'no disparity'"
_RATES = (
    "a per-group measure: bias.impact_ratio, bias.selection_rate_gap, bias.true_positive_rate_gap or "
    "bias.false_positive_rate_gap"
)
_ERRORS = "performance.mae, performance.within_tolerance or performance.squared_error_skill (above 0)"

UNJUDGED: dict[str, tuple[str, str]] = {
    "performance.ks": (_RANKS, "performance.informedness (at the decision) or performance.roc_auc"),
    "performance.ece": (_BINS, _CALIBRATION),
    "performance.top_label_ece": (_BINS, "performance.top_label_gap or performance.top_label_slope"),
    "performance.approval_rate": (_CUT, "performance.approved_bad_rate: what a cut that other rows chose keeps"),
    "bias.demographic_parity_difference": (_GROUPS, _RATES),
    "bias.demographic_parity_ratio": (_GROUPS, _RATES),
    "bias.equalized_odds_difference": (_GROUPS, _RATES),
    "bias.equal_opportunity_difference": (_GROUPS, _RATES),
    "bias.calibration_difference": (_GROUPS, "a per-group measure: bias.calibration_gap"),
    "performance.rmse": (_TAILS, _ERRORS),
    "performance.r2": (_TAILS, _ERRORS),
}
"""Why a measure is not judged, and the measures to use instead. Simulated by benchmarks/error_rates."""

ABOVE_0_ALONE = "performance.squared_error_skill"
"""With heavy tails its interval holds near 0, and not further up."""

NOT_BELOW_0 = ("performance.brier_skill", "performance.log_loss_skill")
"""Worse than the best constant, the share of the positives decides them, which few positives tell badly."""


def why_unjudged(measure: str) -> str | None:
    """Why no rule may judge this measure, and what to write instead; None where one may."""
    if measure not in UNJUDGED:
        return None
    why, instead = UNJUDGED[measure]
    return f"{measure} is reported, but can't be judged: {why}. Use {instead}"
