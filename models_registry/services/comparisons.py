"""Candidate against champion on the same held-out inspections, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry import files, serving
from models_registry.comparison import PairedComparison
from models_registry.estimation.intervals import wilson
from models_registry.manifest import ManifestRow
from models_registry.models import Comparison, ModelVersion, PromotionPolicy, RegisteredModel, TrainingRun
from models_registry.policy import PromotionDecision, decide_promotion
from models_registry.services.burden import burden_of
from models_registry.services.comparison_pairs import keep_pairs
from models_registry.services.promotion import promote, refuse
from models_registry.services.promotion_policies import policy_of, rules_of
from models_registry.services.sides import Sides, Words, compare_sides, sources_of, stored_fields
from models_registry.training.errors import ArtifactError

N_EXAMPLES = 12


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

    def parts(self) -> Iterable[serving.Views]:
        """All views of each inspection, verified, for models that look themselves."""
        return ([files.read(one.key, sha256=one.sha256) for one in row.images] for row in self.rows)

    def score_champion(self, champion: ModelVersion | None) -> str:
        """Let the champion judge the same inspections. Returns what was found, in words."""
        self.champion, self.champion_words, self.champion_sure = champion, None, None
        if champion is None:
            return "There is no champion yet"
        if not champion.artifact:
            return f"{champion.short_name} was trained elsewhere: it cannot judge these inspections here"
        try:
            model = serving.model_of(champion)
        except (ArtifactError, files.FileMissing) as error:
            return f"{champion.short_name} cannot judge these inspections: {error}"
        if self.rows:
            scores = serving.judge(model, described=self.features, parts=self.parts)
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
    policy = policy_of(run.registered_model)
    paired = _paired(policy, holdout)
    decision = decide_promotion(
        paired,
        rules_of(policy),
        has_champion=champion is not None,
        first_accuracy=_share_right(holdout.truth, holdout.candidate_words),
        burden=burden_of(version, holdout.rows, policy),
        same_model=version.keeps_model_of(champion),
    )
    comparison = Comparison.objects.create(
        training_run=run,
        candidate=version,
        champion=holdout.champion,
        dataset=run.dataset,
        compared_at=now,
        verdict=decision.outcome,
        reason=decision.reason,
        guards=[asdict(guard) for guard in decision.guards],
        examples=_examples(holdout),
        pairs=keep_pairs(holdout.rows, _sides(holdout)),
        candidate_accuracy=_share_right(holdout.truth, holdout.candidate_words),
        champion_accuracy=_share_right(holdout.truth, holdout.champion_words),
        **(stored_fields(paired) if paired else _alone(holdout)),
    )
    return act(version, comparison, decision, now=now)


def _paired(policy: PromotionPolicy, holdout: HoldOut) -> PairedComparison | None:
    sides = _sides(holdout)
    return compare_sides(sides, policy, classes=list(holdout.classes)) if sides else None


def _sides(holdout: HoldOut) -> Sides | None:
    if holdout.champion_words is None or not holdout.rows:
        return None
    return Sides(
        holdout.truth, holdout.champion_words, holdout.candidate_words, holdout.pi, holdout.champion_sure,
        np.asarray(holdout.scores.max(axis=1), dtype=np.float64), sources_of(holdout.rows),
    )  # fmt: skip


def _alone(holdout: HoldOut) -> dict[str, Any]:
    """Without a comparison only the candidate's own right and wrong."""
    right = int((holdout.truth == holdout.candidate_words).sum())
    wrong = len(holdout.rows) - right
    counts = {"n": right + wrong, "n_fixed": 0, "n_broken": 0, "n_both_wrong": wrong, "n_both_right": right}
    return {"method": "alone", **counts}


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


def act(version: ModelVersion, comparison: Comparison, decision: PromotionDecision, *, now: datetime) -> str:
    """Do what was decided, where the policy may. Returns what became of the version, in one sentence."""
    if decision.outcome == "promote":
        promote(version=version, by=None, reason=decision.reason, now=now, comparison=comparison)
        return f"{version.short_name} became champion. {decision.reason}"
    if decision.outcome == "refuse" and policy_of(version.registered_model).automatic:
        refuse(version=version, by=None, reason=decision.reason, now=now, comparison=comparison)
        return f"{version.short_name} was refused. {decision.reason}"
    advice = "The comparison speaks against it. " if decision.outcome == "refuse" else ""
    return f"{version.short_name} waits for a decision. {advice}{decision.reason}"
