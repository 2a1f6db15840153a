"""What promotion rules would have done with comparisons that were really made. Pure.

Each comparison is decided anew by itself, against the champion of its time: a candidate that the rules would have
promoted changes no later comparison, since nobody compared with it. What the comparison has of margins (how sure harm
to a class or a camera is) was reckoned with the margins of its time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models_registry.comparison import PairedComparison
from models_registry.policy.findings import Burden
from models_registry.policy.promotion import UNMEASURED, PromotionDecision, PromotionRules, decide_promotion


@dataclass(frozen=True, slots=True)
class Compared:
    """A stored comparison: `paired` on the hold-out, `live` on the line, and what was decided then. `key` is its row's.

    `first_accuracy`: of a first version, which had no champion to be compared with.
    """

    key: int
    at: datetime
    candidate: str
    champion: str
    paired: PairedComparison | None
    live: PairedComparison | None
    was: str
    first_accuracy: float | None = None
    burden: Burden = UNMEASURED
    same_model: bool = False


@dataclass(frozen=True, slots=True)
class Redecided:
    compared: Compared
    decision: PromotionDecision

    @property
    def is_other(self) -> bool:
        return self.decision.outcome != self.compared.was


@dataclass(frozen=True, slots=True)
class PromotionReplay:
    """In order of time."""

    decisions: tuple[Redecided, ...]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(one.decision.outcome for one in self.decisions)
        return {outcome: found[outcome] for outcome in ("promote", "wait", "refuse")}

    @property
    def n_other(self) -> int:
        return sum(one.is_other for one in self.decisions)


def replay_promotions(past: Sequence[Compared], rules: PromotionRules) -> PromotionReplay:
    """Decide about each comparison anew under ``rules``."""
    return PromotionReplay(
        tuple(
            Redecided(
                one,
                decide_promotion(
                    one.paired,
                    rules,
                    has_champion=bool(one.champion),
                    first_accuracy=one.first_accuracy,
                    live=one.live,
                    burden=one.burden,
                    same_model=one.same_model,
                ),
            )
            for one in sorted(past, key=lambda one: (one.at, one.key))
        )
    )
