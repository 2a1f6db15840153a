"""When to retrain and whom to promote: pure decisions that say why in one sentence (STATISTICS §3.2 and §3.3)."""

from models_registry.policy.facts import (
    Alarm,
    Decision,
    Drift,
    Recalibration,
    Request,
    RetrainingFacts,
    RetrainingRules,
)
from models_registry.policy.findings import Burden
from models_registry.policy.guards import Guard
from models_registry.policy.promotion import PromotionDecision, PromotionRules, decide_promotion
from models_registry.policy.retraining import decide_retraining

__all__ = [
    "Alarm",
    "Burden",
    "Decision",
    "Drift",
    "Guard",
    "PromotionDecision",
    "PromotionRules",
    "Recalibration",
    "Request",
    "RetrainingFacts",
    "RetrainingRules",
    "decide_promotion",
    "decide_retraining",
]
