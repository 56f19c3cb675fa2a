"""The checks by name, loaded lazily, and which measures each gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement
from harness.engine.plugins import load_target, targets

Need = Literal[
    "predictions", "answers", "scores", "members", "sensitive", "ask", "positive", "favourable", "calibration", "refit"
]
BOTH = ("classification", "regression")
EVERY = (*BOTH, "choice")
Check = Callable[..., Measurement]


@dataclass(frozen=True)
class CheckEntry:
    """Where a check lies, what it needs, which measures it gives (by name, within its family), which tasks it knows,
    and whether it runs where no true answer exists.

    `measures` is empty for a third party's check, which declares its own (`harness.engine.measurement.measures`).
    """

    name: str
    target: str
    needs: tuple[Need, ...]
    title: str
    measures: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("classification",)
    without_truth: bool = False

    def load(self) -> Check:
        """Imports the check."""
        check: Check = load_target(self.target)
        return check

    @property
    def third_party(self) -> bool:
        """Whether the check comes from another package; its name is then package/name."""
        return "/" in self.name

    def gives(self, measure: str) -> bool:
        """Whether the measure may come from this check; of a third party's check its name alone tells."""
        if self.third_party:
            return measure.startswith(f"{self.name}.")
        family, _, name = measure.partition(".")
        return family == self.name.partition(".")[0] and name in self.measures

    def declared(self) -> tuple[str, ...] | None:
        """The full names of the measures that the check declares; None where a third party's check declares nothing."""
        prefix = self.name if self.third_party else self.name.partition(".")[0]
        names = getattr(self.load(), "measures", None) if self.third_party else self.measures
        return None if names is None else tuple(f"{prefix}.{name}" for name in names)

    def undeclared(self, measures: Iterable[str]) -> list[str]:
        """Which of the measures the check must not give."""
        declared = self.declared()
        return sorted({m for m in measures if not (self.gives(m) if declared is None else m in declared)})

    def run(self, evidence: Evidence, parameters: dict[str, Any]) -> Measurement:
        """Runs the check with its parameters."""
        return self.load()(evidence, **parameters)


BUILT_IN = (
    CheckEntry(
        "performance.classification",
        "harness.checks.performance.classification:classification",
        ("predictions",),
        "Accuracy, recall, F1 and ranking quality",
        (
            *(
                "answer_rate",
                "accuracy",
                "majority_baseline",
                "balanced_accuracy",
                "precision",
                "recall",
                "f1",
                "mcc",
                "roc_auc",
            ),
            *("precision_macro", "recall_macro", "f1_macro", "f1_micro", "f1_weighted"),
            *("average_precision", "log_loss", "brier"),
        ),
    ),
    CheckEntry(
        "performance.decision",
        "harness.checks.performance.decision:decision",
        ("predictions", "answers", "positive"),
        "The decision",
        ("threshold", "flagged_share"),
    ),
    CheckEntry(
        "performance.skill",
        "harness.checks.performance.skill:skill",
        ("predictions", "answers"),
        "Better than guessing",
        (
            *("informedness", "accuracy_gain", "worst_recall", "brier_skill", "log_loss_skill"),
            *("squared_error_skill", "choice_gain"),
        ),
        EVERY,
    ),
    CheckEntry(
        "performance.calibration",
        "harness.checks.performance.calibration:calibration",
        ("predictions", "scores"),
        "Calibration of probabilities",
        (
            *("ece", "calibration_slope", "calibration_intercept"),
            *("top_label_ece", "top_label_slope", "top_label_intercept", "top_label_gap"),
        ),
        ("classification", "choice"),
    ),
    CheckEntry(
        "performance.choice",
        "harness.checks.performance.choice:choice",
        ("predictions",),
        "Picking the right option",
        ("answer_rate", "accuracy", "chance_accuracy", "confidence_gap", "position_gap"),
        ("choice",),
    ),
    CheckEntry(
        "performance.regression",
        "harness.checks.performance.regression:regression",
        ("predictions",),
        "Error of predicted numbers",
        ("answer_rate", "mae", "rmse", "r2", "mean_error", "median_baseline_mae", "mape", "within_tolerance"),
        ("regression",),
    ),
    CheckEntry(
        "performance.conformal",
        "harness.checks.performance.conformal:conformal",
        ("predictions", "calibration"),
        "Coverage of conformal intervals",
        ("interval_coverage", "interval_width"),
        ("regression",),
    ),
    CheckEntry(
        "performance.slices",
        "harness.checks.performance.slices:slices",
        ("predictions", "answers"),
        "Performance by slice",
        (
            *("slice_accuracy", "slice_auc", "slice_auc_gap", "slice_mae"),
            *("found_slice_accuracy", "found_slice_mae", "slices_searched"),
        ),
        EVERY,
    ),
    CheckEntry(
        "performance.operating_points",
        "harness.checks.performance.operating_points:operating_points",
        ("predictions", "scores", "positive"),
        "Where the score is used",
        (
            *("ks", "gini", "recall_at_budget", "precision_at_budget", "enrichment", "sensitivity_at_specificity"),
            *("precision_at_k", "net_benefit", "net_benefit_of_all", "false_alarms_per_1000", "missed_per_1000"),
        ),
    ),
    CheckEntry(
        "performance.abstention",
        "harness.checks.performance.abstention:abstention",
        ("predictions", "answers", "scores"),
        "Accuracy where the model may stay silent",
        ("accuracy_at_coverage", "selective_gain", "aurc"),
        ("classification", "choice"),
    ),
    CheckEntry(
        "performance.costs",
        "harness.checks.performance.costs:costs",
        ("predictions", "answers"),
        "What the errors cost",
        ("expected_cost", "cost_of_all", "cost_of_none", "cost_saving", "alarms_per_positive"),
    ),
    CheckEntry(
        "performance.approval",
        "harness.checks.performance.approval:approval",
        ("predictions", "scores", "positive"),
        "How many can be approved",
        ("approval_rate", "approved_bad_rate"),
    ),
    CheckEntry(
        "performance.inspection",
        "harness.checks.performance.inspection:inspection",
        ("predictions", "scores"),
        "What escapes inspection",
        ("escape_rate", "released_defect_rate"),
    ),
    CheckEntry(
        "performance.transfer",
        "harness.checks.performance.transfer:transfer",
        ("predictions", "refit"),
        "Leave one site out",
        (
            *("site_auc", "left_out_auc", "transfer_gap", "left_out_auc_mean"),
            *("site_recall_macro", "left_out_recall_macro", "recall_transfer_gap"),
        ),
    ),
    CheckEntry(
        "bias.groups",
        "harness.checks.bias.groups:groups",
        ("predictions", "answers", "sensitive"),
        "Bias by group",
        (
            *("group_size", "unknown_group", "impact_ratio", "selection_p_value", "roc_auc", "accuracy", "precision"),
            *("selection_rate", "true_positive_rate", "false_positive_rate"),
            *("selection_rate_gap", "true_positive_rate_gap", "false_positive_rate_gap", "accuracy_gap"),
            *("demographic_parity_difference", "demographic_parity_ratio"),
            *("equalized_odds_difference", "equal_opportunity_difference"),
        ),
        ("classification", "choice"),
    ),
    CheckEntry(
        "bias.errors",
        "harness.checks.bias.errors:errors",
        ("predictions", "sensitive"),
        "Error by group",
        (
            *("mean_prediction", "mean_error", "mean_absolute_error"),
            *("mean_prediction_gap", "mean_error_gap", "mean_absolute_error_gap"),
        ),
        ("regression",),
    ),
    CheckEntry(
        "bias.calibration",
        "harness.checks.bias.calibration:calibration",
        ("predictions", "scores", "sensitive", "positive"),
        "Calibration by group",
        (
            *("calibration_in_the_large", "observed_to_expected", "calibration_gap"),
            *("calibration_p_value", "calibration_difference"),
        ),
    ),
    CheckEntry(
        "bias.log_odds",
        "harness.checks.bias.log_odds:log_odds",
        ("predictions", "scores", "sensitive", "favourable"),
        "Odds of the favourable answer, question by question",
        ("log_odds", "log_odds_gap"),
        without_truth=True,
    ),
    CheckEntry(
        "privacy.membership",
        "harness.checks.privacy.membership:membership",
        ("predictions", "members"),
        "Membership inference",
        (
            *("blind_auc", "membership_auc", "membership_minus_blind", "membership_advantage", "shuffled_auc"),
            "membership_tpr_at_1pct_fpr",
        ),
        EVERY,
    ),
    CheckEntry(
        "explainability.attribution",
        "harness.checks.explainability.attribution:attribution",
        ("predictions", "scores", "ask"),
        "Attribution (SHAP)",
        ("attribution", "attribution_share", "additivity_error", "sensitive_share"),
        EVERY,
    ),
    CheckEntry(
        "explainability.reasons",
        "harness.checks.explainability.reasons:reasons",
        ("predictions", "answers", "scores", "ask", "positive", "favourable"),
        "Reasons of denials",
        (
            *("reason_agreement", "unstable_reason_rate", "first_reason_agreement"),
            *("principal_reason_rate", "sensitive_reason_rate"),
        ),
    ),
    CheckEntry(
        "explainability.direction",
        "harness.checks.explainability.direction:direction",
        ("predictions", "scores", "ask"),
        "Direction of effect",
        ("direction_agreement",),
        BOTH,
    ),
    CheckEntry(
        "data.quality",
        "harness.checks.data.quality:quality",
        (),
        "Data quality",
        (
            *("duplicate_rate", "train_test_overlap_rate", "leak_suspect", "leak_suspects", "missing_rate"),
            *("unlabelled_rows", "no_number", "disguised_missing", "out_of_range"),
            *("stripped_cells", "missing_word", "unseen_class", "own_types"),
            *("determined_label_rate", "determined_label_columns"),
            *("contradictory_label_rate", "label_disagreement_rate", "prevalence_gap", "small_group", "small_groups"),
            *("forbidden_feature", "forbidden_features", "identifier_feature", "identifier_features"),
            *("redundant_column", "redundant_columns"),
        ),
        EVERY,
    ),
    CheckEntry(
        "data.near_duplicates",
        "harness.checks.data.near_duplicates:near_duplicates",
        (),
        "Rows that are nearly equal",
        ("near_duplicate_rate", "near_overlap_rate", "near_duplicate_label_conflict_rate"),
        EVERY,
        without_truth=True,
    ),
    CheckEntry(
        "data.shift",
        "harness.checks.data.shift:shift",
        (),
        "Shift between training and test rows",
        ("shift_auc", "stability_index", "ks_distance"),
        EVERY,
    ),
    CheckEntry(
        "data.signal",
        "harness.checks.data.signal:signal",
        (),
        "Does anything predict the label?",
        ("signal", "label_auc", "label_informedness", "label_r2"),
        BOTH,
    ),
    CheckEntry(
        "data.power",
        "harness.checks.data.power:power",
        (),
        "Whether the rows can decide the rules",
        ("undecidable_rules", "value_to_pass", "chance_to_pass"),
        EVERY,
        without_truth=True,
    ),
    CheckEntry(
        "data.clusters",
        "harness.checks.data.clusters:clusters",
        (),
        "Rows that belong together across splits",
        ("straddling_clusters", "straddling_rate", "kin_rate"),
        EVERY,
    ),
    CheckEntry(
        "data.sites",
        "harness.checks.data.sites:sites",
        (),
        "Shift between sites",
        (
            *("site_shift_auc", "site_stability_index", "site_ks_distance", "site_shifted_columns"),
            *("site_prevalence", "site_label_mean"),
        ),
        EVERY,
    ),
    CheckEntry(
        "baseline.paired",
        "harness.checks.baseline.paired:paired",
        ("predictions", "answers"),
        "Against the last release",
        ("gain", "newly_failing", "newly_right", "weakened_rules"),
        EVERY,
    ),
    CheckEntry(
        "model.loading",
        "harness.checks.model.loading:loading",
        (),
        "How the model was opened",
        (
            "unsafe_load",
            "user_code",
            "label_contradicts_score",
            "unlearned_classes",
            "untrained_weights",
            "not_finite_answers",
            "truncated_texts",
            "empty_texts",
            "unknown_tokens",
            "refused_answers",
            "unreadable_answers",
            "truncated_answers",
            "unscored_answers",
            "precision_change",
            "damaged_cache_rows",
            "threshold",
        ),
        EVERY,
        without_truth=True,
    ),
)


def check_entries() -> dict[str, CheckEntry]:
    """Every known check by name; a third party's is named package/name."""
    built_in = {entry.name: entry for entry in BUILT_IN}
    found = targets("harness.checks", {name: entry.target for name, entry in built_in.items()})
    third_party = {
        name: CheckEntry(name, target, ("predictions",), name) for name, target in found.items() if "/" in name
    }
    return {**third_party, **built_in}
