"""The registry's side of the admin panel. What is history can be looked at and nothing else."""

from models_registry.admin.alerts import AlertAdmin
from models_registry.admin.aliases import ModelAliasAdmin, VersionTagAdmin
from models_registry.admin.cards import CardTextAdmin
from models_registry.admin.costs import CostMatrixAdmin
from models_registry.admin.evaluations import EvaluationAdmin
from models_registry.admin.features import ImageFeaturesAdmin
from models_registry.admin.labels import LabelAdmin, LabelMappingAdmin, LabelSetAdmin
from models_registry.admin.mlflow import MlflowPushAdmin
from models_registry.admin.models import RegisteredModelAdmin
from models_registry.admin.monitors import EscapeLimitAdmin, MonitorAdmin, MonitorTransitionAdmin
from models_registry.admin.policies import (
    PolicyChangeAdmin,
    PromotionPolicyAdmin,
    RetrainingDecisionAdmin,
    RetrainingPolicyAdmin,
    RetrainingRequestAdmin,
    RetrainingStandingAdmin,
)
from models_registry.admin.promotions import ComparisonAdmin, PromotionAdmin
from models_registry.admin.reports import ReportAddendumAdmin, ReportAdmin
from models_registry.admin.runs import DatasetAdmin, RemoteTrainingAdmin, TrainingRunAdmin, TrainingStepAdmin
from models_registry.admin.versions import ModelVersionAdmin
from models_registry.admin.webhooks import DeliveryAdmin, DeliveryAttemptAdmin, EventAdmin, WebhookAdmin

__all__ = [
    "AlertAdmin",
    "CardTextAdmin",
    "ComparisonAdmin",
    "CostMatrixAdmin",
    "DatasetAdmin",
    "DeliveryAdmin",
    "DeliveryAttemptAdmin",
    "EscapeLimitAdmin",
    "EvaluationAdmin",
    "EventAdmin",
    "ImageFeaturesAdmin",
    "LabelAdmin",
    "LabelMappingAdmin",
    "LabelSetAdmin",
    "MlflowPushAdmin",
    "ModelAliasAdmin",
    "ModelVersionAdmin",
    "MonitorAdmin",
    "MonitorTransitionAdmin",
    "PolicyChangeAdmin",
    "PromotionAdmin",
    "PromotionPolicyAdmin",
    "RegisteredModelAdmin",
    "RemoteTrainingAdmin",
    "ReportAddendumAdmin",
    "ReportAdmin",
    "RetrainingDecisionAdmin",
    "RetrainingPolicyAdmin",
    "RetrainingRequestAdmin",
    "RetrainingStandingAdmin",
    "TrainingRunAdmin",
    "TrainingStepAdmin",
    "VersionTagAdmin",
    "WebhookAdmin",
]
