"""Models, versions, datasets, runs, comparisons, promotions. Knows nothing of people or queues."""

from models_registry.models.alerts import Alert
from models_registry.models.aliases import ModelAlias, NameChange, VersionTag
from models_registry.models.cards import CardText
from models_registry.models.costs import CostMatrix
from models_registry.models.datasets import Dataset
from models_registry.models.evaluations import Evaluation
from models_registry.models.features import ImageFeatures
from models_registry.models.labels import Label, LabelMapping, LabelSet
from models_registry.models.ledger import (
    PolicyChange,
    RetrainingDecision,
    RetrainingRequest,
    RetrainingStanding,
)
from models_registry.models.mlflow import MlflowPush
from models_registry.models.monitors import EscapeLimit, Monitor, MonitorTransition
from models_registry.models.policies import PromotionPolicy, RetrainingPolicy
from models_registry.models.promotions import Comparison, Promotion
from models_registry.models.remote import RemoteTraining
from models_registry.models.reports import Report, ReportAddendum
from models_registry.models.runs import TrainingRun, TrainingStep
from models_registry.models.versions import ModelVersion, RegisteredModel
from models_registry.models.webhooks import Delivery, DeliveryAttempt, Event, EventName, Webhook

__all__ = [
    "Alert",
    "CardText",
    "Comparison",
    "CostMatrix",
    "Dataset",
    "Delivery",
    "DeliveryAttempt",
    "EscapeLimit",
    "Evaluation",
    "Event",
    "EventName",
    "ImageFeatures",
    "Label",
    "LabelMapping",
    "LabelSet",
    "MlflowPush",
    "ModelAlias",
    "ModelVersion",
    "Monitor",
    "MonitorTransition",
    "NameChange",
    "PolicyChange",
    "Promotion",
    "PromotionPolicy",
    "RegisteredModel",
    "RemoteTraining",
    "Report",
    "ReportAddendum",
    "RetrainingDecision",
    "RetrainingPolicy",
    "RetrainingRequest",
    "RetrainingStanding",
    "TrainingRun",
    "TrainingStep",
    "VersionTag",
    "Webhook",
]
