"""Candidate against champion on the same held-out inspections, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry import serving
from models_registry.comparison import Gain, PairedComparison, calibration_loss, compare_paired
from models_registry.estimation.intervals import wilson
from models_registry.manifest import ManifestRow
from models_registry.models import Comparison, ModelVersion, PromotionPolicy, RegisteredModel, TrainingRun
from models_registry.policy import PromotionDecision, PromotionRules, decide_promotion
from models_registry.services.promotion import promote, refuse
from models_registry.training.features import FEATURES_VERSION

N_EXAMPLES = 12
Words = NDArray[np.str_]


@dataclass(slots=True)
class HoldOut:
    """The held-out inspections with the candidate's scores, shape (n, classes), and the champion's words."""

    rows: tuple[ManifestRow, ...]
    features: NDArray[np.float32]
    scores: NDArray[np.float64]
    classes: tuple[str, ...]
    champion: ModelVersion | None = None
    champion_words: Words | None = field(default=None)
    champion_sure: NDArray[np.float64] | None = field(default=None)

    @property
    def truth(self) -> Words:
        return np.array([row.label for row in self.rows], dtype=np.str_)

    @property
    def candidate_words(self) -> Words:
        if not self.rows:
            return np.array([], dtype=np.str_)
        words: Words = np.array(self.classes, dtype=np.str_)[self.scores.argmax(axis=1)]
        return words

    @property
    def pi(self) -> NDArray[np.float64]:
        """Inclusion probabilities; what was labelled without a draw stands for itself."""
        return np.array([row.pi or 1.0 for row in self.rows], dtype=np.float64)

    def score_champion(self, champion: ModelVersion | None) -> str:
        """Let the champion judge the same inspections. Returns what was found, in words."""
        self.champion, self.champion_words, self.champion_sure = champion, None, None
        if champion is None:
            return "There is no champion yet"
        if not champion.artifact:
            return f"{champion.short_name} was trained elsewhere: it cannot judge these inspections here"
        model = serving.fitted(champion)
        if model.features_version != FEATURES_VERSION:
            return f"{champion.short_name} needs other features than this code makes"
        if self.rows:
            scores = model.predict_scores(self.features)
            self.champion_words = np.array(model.classes, dtype=np.str_)[scores.argmax(axis=1)]
            self.champion_sure = np.asarray(scores.max(axis=1), dtype=np.float64)
        return f"{champion.short_name} judged the same {len(self.rows)} inspections"

    def metrics(self) -> dict[str, Any]:
        """What a version carries along: hold-out accuracy with its interval, and the mean uncertainty for the draw."""
        n, n_right = len(self.rows), int((self.truth == self.candidate_words).sum())
        interval = wilson(count=n_right, n=n) if n else None
        guess = 1 - self.scores.max(axis=1) if n else np.array([0.25])
        mean_uncertainty = float(np.sqrt(guess * (1 - guess)).mean())
        return {
            "holdout_n": n,
            "holdout_accuracy": n_right / n if n else None,
            "holdout_low": interval.low if interval else None,
            "holdout_high": interval.high if interval else None,
            "mean_uncertainty": min(max(mean_uncertainty, 0.001), 0.5),
        }

    def summary(self) -> str:
        found = self.metrics()
        if not found["holdout_n"]:
            return "Nothing was held out yet, so the hold-out says nothing"
        return (
            f"{found['holdout_accuracy']:.1%} right on {found['holdout_n']} held-out inspections "
            f"({found['holdout_low']:.1%} to {found['holdout_high']:.1%}, unweighted)"
        )


def compare_and_decide(*, run: TrainingRun, version: ModelVersion, holdout: HoldOut, now: datetime) -> str:
    """Record the comparison, decide by the policy and act on it. Inside the run's final transaction.

    Returns the outcome in one sentence. A champion that changed while the run went on is scored anew.
    """
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=run.registered_model_id)
    champion = ModelVersion.objects.champion_of(run.registered_model)
    if champion != holdout.champion:
        holdout.score_champion(champion)
    paired = _paired(run, holdout)
    decision = decide_promotion(
        paired,
        _rules(run.registered_model),
        has_champion=champion is not None,
        first_accuracy=_share_right(holdout.truth, holdout.candidate_words),
    )
    comparison = _record(run, version, holdout, paired, decision, now)
    return _act(version, comparison, decision, now)


def _paired(run: TrainingRun, holdout: HoldOut) -> PairedComparison | None:
    if holdout.champion_words is None or not holdout.rows:
        return None
    labels = run.registered_model.label_set.labels
    paired = compare_paired(
        holdout.truth,
        holdout.champion_words,
        holdout.candidate_words,
        holdout.pi,
        classes=holdout.classes,
        guarded_classes=[label for label in _guarded(run.registered_model) if label in holdout.classes],
        good_classes=list(labels.filter(is_defect=False).values_list("slug", flat=True)),
        escape_margin=_policy(run.registered_model).class_margin,
    )
    return replace(paired, calibration=_calibration(holdout, holdout.champion_words))


def _calibration(holdout: HoldOut, champion_words: Words) -> Gain | None:
    """How much worse the candidate's confidence is; None where a model's scores are no probabilities."""
    sure = np.asarray(holdout.scores.max(axis=1), dtype=np.float64)
    before = holdout.champion_sure
    if before is None or max(sure.max(), before.max()) > 1 or min(sure.min(), before.min()) < 0:
        return None
    truth = holdout.truth
    return calibration_loss(champion_words == truth, before, holdout.candidate_words == truth, sure, holdout.pi)


def _guarded(registered_model: RegisteredModel) -> list[str]:
    """The classes that may not get worse, by policy."""
    if not _policy(registered_model).guard_defects:
        return []
    return list(registered_model.label_set.labels.filter(is_defect=True).values_list("slug", flat=True))


def _policy(registered_model: RegisteredModel) -> PromotionPolicy:
    return PromotionPolicy.objects.get_or_create(registered_model=registered_model)[0]


def _rules(registered_model: RegisteredModel) -> PromotionRules:
    policy = _policy(registered_model)
    return PromotionRules(
        automatic=policy.automatic,
        margin=policy.margin,
        require_superiority=policy.require_superiority,
        class_margin=policy.class_margin,
        min_items=policy.min_items,
        min_first_accuracy=policy.min_first_accuracy,
    )


def _record(
    run: TrainingRun,
    version: ModelVersion,
    holdout: HoldOut,
    paired: PairedComparison | None,
    decision: PromotionDecision,
    now: datetime,
) -> Comparison:
    return Comparison.objects.create(
        training_run=run,
        candidate=version,
        champion=holdout.champion,
        dataset=run.dataset,
        compared_at=now,
        verdict=decision.outcome,
        reason=decision.reason,
        guards=[asdict(guard) for guard in decision.guards],
        examples=_examples(holdout),
        candidate_accuracy=_share_right(holdout.truth, holdout.candidate_words),
        champion_accuracy=_share_right(holdout.truth, holdout.champion_words),
        **_counts(holdout, paired),
    )


def _counts(holdout: HoldOut, paired: PairedComparison | None) -> dict[str, Any]:
    """The named counts. Without a comparison only the candidate's own right and wrong."""
    if paired is None:
        right = int((holdout.truth == holdout.candidate_words).sum())
        wrong = len(holdout.rows) - right
        return {
            "method": "alone",
            "n": right + wrong,
            "n_fixed": 0,
            "n_broken": 0,
            "n_both_wrong": wrong,
            "n_both_right": right,
        }
    return {
        "method": paired.method,
        "n": paired.n,
        "n_fixed": paired.n_fixed,
        "n_broken": paired.n_broken,
        "n_both_wrong": paired.n_both_wrong,
        "n_both_right": paired.n_both_right,
        "gain": paired.gain,
        "ci_low": paired.ci_low,
        "ci_high": paired.ci_high,
        "classes": [asdict(one) for one in paired.classes],
    }


def _share_right(truth: Words, words: Words | None) -> float | None:
    return float((truth == words).mean()) if words is not None and len(truth) else None


def _examples(holdout: HoldOut) -> list[dict[str, Any]]:
    """Held-out inspections on which the two differ, the candidate's most certain first."""
    if holdout.champion_words is None:
        return []
    truth, old, new = holdout.truth, holdout.champion_words, holdout.candidate_words
    confidence = holdout.scores.max(axis=1)
    kinds: Sequence[tuple[str, NDArray[np.bool_]]] = (
        ("broken", (old == truth) & (new != truth)),
        ("fixed", (old != truth) & (new == truth)),
    )
    examples = []
    for kind, mask in kinds:
        positions = np.flatnonzero(mask)
        for i in positions[np.argsort(-confidence[positions], kind="stable")][:N_EXAMPLES]:
            row = holdout.rows[int(i)]
            examples.append(
                {
                    "inspection": row.inspection, "part": row.part, "truth": str(truth[i]), "champion": str(old[i]),
                    "candidate": str(new[i]), "confidence": round(float(confidence[i]), 4), "kind": kind,
                    "item": row.images[0].item or None,
                }
            )  # fmt: skip
    return examples


def _act(version: ModelVersion, comparison: Comparison, decision: PromotionDecision, now: datetime) -> str:
    if decision.outcome == "promote":
        promote(version=version, by=None, reason=decision.reason, now=now, comparison=comparison)
        return f"{version.short_name} became champion. {decision.reason}"
    if decision.outcome == "refuse" and _policy(version.registered_model).automatic:
        refuse(version=version, by=None, reason=decision.reason, now=now, comparison=comparison)
        return f"{version.short_name} was refused. {decision.reason}"
    advice = "The comparison speaks against it. " if decision.outcome == "refuse" else ""
    return f"{version.short_name} waits for a decision. {advice}{decision.reason}"
