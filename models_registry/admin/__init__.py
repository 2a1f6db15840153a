"""The registry's side of the admin panel. What is history can be looked at and nothing else."""

from models_registry.admin.alerts import AlertAdmin
from models_registry.admin.costs import CostMatrixAdmin
from models_registry.admin.evaluations import EvaluationAdmin
from models_registry.admin.labels import LabelAdmin, LabelMappingAdmin, LabelSetAdmin
from models_registry.admin.models import RegisteredModelAdmin
from models_registry.admin.monitors import EscapeLimitAdmin, MonitorAdmin, MonitorTransitionAdmin
from models_registry.admin.policies import PromotionPolicyAdmin, RetrainingPolicyAdmin
from models_registry.admin.promotions import ComparisonAdmin, PromotionAdmin
from models_registry.admin.reports import ReportAddendumAdmin, ReportAdmin
from models_registry.admin.runs import DatasetAdmin, TrainingRunAdmin, TrainingStepAdmin
from models_registry.admin.versions import ModelVersionAdmin
from models_registry.admin.webhooks import DeliveryAdmin, DeliveryAttemptAdmin, EventAdmin, WebhookAdmin

__all__ = [
    "AlertAdmin",
    "ComparisonAdmin",
    "CostMatrixAdmin",
    "DatasetAdmin",
    "DeliveryAdmin",
    "DeliveryAttemptAdmin",
    "EscapeLimitAdmin",
    "EvaluationAdmin",
    "EventAdmin",
    "LabelAdmin",
    "LabelMappingAdmin",
    "LabelSetAdmin",
    "ModelVersionAdmin",
    "MonitorAdmin",
    "MonitorTransitionAdmin",
    "PromotionAdmin",
    "PromotionPolicyAdmin",
    "RegisteredModelAdmin",
    "ReportAddendumAdmin",
    "ReportAdmin",
    "RetrainingPolicyAdmin",
    "TrainingRunAdmin",
    "TrainingStepAdmin",
    "WebhookAdmin",
]
