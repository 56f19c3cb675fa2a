"""Which values a measure can take at all, so that a limit outside them, which nothing or everything would meet, is refused."""

from __future__ import annotations

import math

from harness.core.rule import Rule
from harness.core.unjudged import ABOVE_0_ALONE, NOT_BELOW_0

Ends = tuple[float, float]
ANY: Ends = (-math.inf, math.inf)
_SHARE, _GAP, _SIZE, _SKILL = (0.0, 1.0), (-1.0, 1.0), (0.0, math.inf), (-math.inf, 1.0)

_SHARES = """
performance: answer_rate accuracy majority_baseline balanced_accuracy precision recall f1 roc_auc precision_macro recall_macro
  f1_macro f1_micro f1_weighted average_precision brier threshold flagged_share worst_recall ece top_label_ece chance_accuracy
  within_tolerance interval_coverage slice_accuracy slice_auc found_slice_accuracy ks recall_at_budget precision_at_budget
  sensitivity_at_specificity precision_at_k accuracy_at_coverage aurc approval_rate approved_bad_rate escape_rate
  released_defect_rate site_auc left_out_auc left_out_auc_mean site_recall_macro left_out_recall_macro
bias: unknown_group selection_p_value roc_auc accuracy precision selection_rate true_positive_rate false_positive_rate
  demographic_parity_difference demographic_parity_ratio equalized_odds_difference equal_opportunity_difference calibration_p_value
privacy: blind_auc membership_auc shuffled_auc membership_tpr_at_1pct_fpr
explainability: attribution_share sensitive_share reason_agreement unstable_reason_rate first_reason_agreement
  principal_reason_rate sensitive_reason_rate direction_agreement
data: duplicate_rate train_test_overlap_rate missing_rate determined_label_rate contradictory_label_rate label_disagreement_rate
  near_duplicate_rate near_overlap_rate near_duplicate_label_conflict_rate shift_auc ks_distance label_auc chance_to_pass
  straddling_rate kin_rate site_shift_auc site_ks_distance site_prevalence
model: unknown_tokens precision_change threshold
"""
_GAPS = """
performance: informedness accuracy_gain choice_gain mcc top_label_gap confidence_gap position_gap slice_auc_gap gini
  selective_gain transfer_gap recall_transfer_gap
bias: selection_rate_gap true_positive_rate_gap false_positive_rate_gap accuracy_gap calibration_in_the_large
privacy: membership_minus_blind membership_advantage
data: prevalence_gap label_informedness
"""
_SIZES = """
performance: log_loss mae rmse median_baseline_mae mape interval_width slice_mae found_slice_mae slices_searched enrichment
  false_alarms_per_1000 missed_per_1000 alarms_per_positive
bias: group_size impact_ratio mean_absolute_error observed_to_expected
explainability: attribution additivity_error
data: leak_suspect leak_suspects unlabelled_rows no_number disguised_missing out_of_range determined_label_columns small_group
  small_groups stripped_cells missing_word unseen_class own_types forbidden_feature forbidden_features identifier_feature identifier_features redundant_column redundant_columns
  stability_index undecidable_rules straddling_clusters site_stability_index site_shifted_columns
baseline: newly_failing newly_right weakened_rules
model: unsafe_load user_code label_contradicts_score unlearned_classes untrained_weights not_finite_answers
  truncated_texts empty_texts refused_answers unreadable_answers truncated_answers unscored_answers damaged_cache_rows
"""
_SKILLS = """
performance: brier_skill log_loss_skill squared_error_skill r2 net_benefit net_benefit_of_all
data: signal label_r2
"""
_ANY = """
performance: calibration_slope calibration_intercept top_label_slope top_label_intercept mean_error expected_cost cost_of_all
  cost_of_none cost_saving
bias: mean_prediction mean_error mean_prediction_gap mean_error_gap mean_absolute_error_gap log_odds log_odds_gap
data: value_to_pass site_label_mean
baseline: gain
"""


def _table() -> dict[str, Ends]:
    ends: dict[str, Ends] = {"bias.calibration_gap": (-2.0, 2.0), "bias.calibration_difference": (0.0, 2.0)}
    for listed, own in ((_SHARES, _SHARE), (_GAPS, _GAP), (_SIZES, _SIZE), (_SKILLS, _SKILL), (_ANY, ANY)):
        family = ""
        for word in listed.split():
            if word.endswith(":"):
                family = word[:-1]
            else:
                ends[f"{family}.{word}"] = own
    return ends


RANGES = _table()
"""Every measure of a built-in check, and the lowest and highest value that it can take."""


def problem_of_limit(rule: Rule) -> str | None:
    """What is wrong with a rule's limit: that no value, or every value, of its measure meets it; None where neither."""
    low, high = RANGES.get(rule.measure, ANY)
    least, most = rule.bounds
    inside = f"{rule.measure} lies {_between(low, high)}"
    said = f"Rule {rule.id}: the limit {rule.limit_text()} "
    if rule.measure == ABOVE_0_ALONE and rule.bounds != (0.0, None):
        return (
            f"{said}can't be judged: with heavy tails the interval of {rule.measure} holds its error rate near 0 alone. Use above: 0, and "
            "performance.mae or performance.within_tolerance for how good it must be"
        )
    if rule.measure in NOT_BELOW_0 and any(end is not None and end < 0 for end in rule.bounds):
        return (
            f"{said}can't be judged: below 0, where a model is worse than the best constant, the interval of {rule.measure} does not hold "
            f"its error rate. Use above: 0, or {rule.measure.removesuffix('_skill')} with a limit of its own"
        )
    if _never_met(rule, low, high):
        return f"{said}can never be met, because {inside}. Give a limit that lies within"
    free_below = least is None or least < low or (least == low and not rule.strict)
    if free_below and (most is None or most >= high):
        return (
            f"{said}can never be missed, because {inside}. Give a limit that some model misses, or leave the rule out"
        )
    return None


def problem_of_margin(who: str, measure: str, by: float) -> str | None:
    """What is wrong with a margin: that it is as wide as all that the measure can differ by."""
    low, high = RANGES.get(measure, ANY)
    if by < high - low:
        return None
    return f"{who}: by is {by:g}, and {measure} can't differ by more than {high - low:g}. Give a smaller margin"


def _never_met(rule: Rule, low: float, high: float) -> bool:
    least, most = rule.bounds
    above = least is not None and (least > high or (least == high and rule.strict))
    return above or (most is not None and most < low)


def _between(low: float, high: float) -> str:
    if math.isinf(high):
        return f"at {low:g} or above"
    return f"at {high:g} or below" if math.isinf(low) else f"between {low:g} and {high:g}"
