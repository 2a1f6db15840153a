"""Models, versions, datasets, runs, comparisons, promotions. Knows nothing of people or queues."""

from models_registry.models.alerts import Alert
from models_registry.models.costs import CostMatrix
from models_registry.models.datasets import Dataset
from models_registry.models.evaluations import Evaluation
from models_registry.models.labels import Label, LabelMapping, LabelSet
from models_registry.models.monitors import EscapeLimit, Monitor, MonitorTransition
from models_registry.models.policies import PromotionPolicy, RetrainingPolicy
from models_registry.models.promotions import Comparison, Promotion
from models_registry.models.reports import Report, ReportAddendum
from models_registry.models.runs import TrainingRun, TrainingStep
from models_registry.models.versions import ModelVersion, RegisteredModel
from models_registry.models.webhooks import Delivery, DeliveryAttempt, Event, EventName, Webhook

__all__ = [
    "Alert",
    "Comparison",
    "CostMatrix",
    "Dataset",
    "Delivery",
    "DeliveryAttempt",
    "EscapeLimit",
    "Evaluation",
    "Event",
    "EventName",
    "Label",
    "LabelMapping",
    "LabelSet",
    "ModelVersion",
    "Monitor",
    "MonitorTransition",
    "Promotion",
    "PromotionPolicy",
    "RegisteredModel",
    "Report",
    "ReportAddendum",
    "RetrainingPolicy",
    "TrainingRun",
    "TrainingStep",
    "Webhook",
]
