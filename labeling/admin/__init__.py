"""The labeling side of the admin panel. What is history can be looked at and nothing else."""

from labeling.admin.audits import AuditAdmin
from labeling.admin.canaries import CanaryAdmin, CanaryLotAdmin
from labeling.admin.comparing import ShadowDesignAdmin, ShadowDrawAdmin
from labeling.admin.declared import DeclaredPartAdmin, DeclaredSampleAdmin
from labeling.admin.desks import GoldenSampleAdmin, KeyMapAdmin
from labeling.admin.devices import BadgeAdmin, PinAdmin, StationDeviceAdmin, SwitchAdmin
from labeling.admin.imports import ImportAdmin
from labeling.admin.inspections import DispositionRecordAdmin, InspectionAdmin, ItemAdmin, PredictionAdmin
from labeling.admin.keys import ApiKeyAdmin
from labeling.admin.learning_rounds import LearningPickAdmin, LearningRoundAdmin
from labeling.admin.models import ReviewedModelAdmin, ReviewPolicyAdmin
from labeling.admin.outcomes import OutcomeAdmin
from labeling.admin.people import GroupAdmin, MembershipAdmin, UserAdmin
from labeling.admin.places import DeploymentAdmin, SiteAdmin, SourceAdmin, StationAdmin
from labeling.admin.qualifications import QualificationAdmin
from labeling.admin.quality import ItemQualityAdmin, QualityReferenceAdmin
from labeling.admin.sampling import DesignStateAdmin, RoutingStateAdmin, SamplingDesignAdmin, SelectionAdmin
from labeling.admin.shifts import HandoverNoteAdmin, PauseAdmin, PersonFiguresAdmin
from labeling.admin.tallies import ArrivalAdmin, PendingDrawAdmin, TallyAdmin
from labeling.admin.verdicts import ChallengeAdmin, GroundTruthAdmin, RevealAdmin, ReviewAdmin, VerdictAdmin

__all__ = [
    "ApiKeyAdmin",
    "ArrivalAdmin",
    "AuditAdmin",
    "BadgeAdmin",
    "CanaryAdmin",
    "CanaryLotAdmin",
    "ChallengeAdmin",
    "DeclaredPartAdmin",
    "DeclaredSampleAdmin",
    "DeploymentAdmin",
    "DesignStateAdmin",
    "DispositionRecordAdmin",
    "GoldenSampleAdmin",
    "GroundTruthAdmin",
    "GroupAdmin",
    "HandoverNoteAdmin",
    "ImportAdmin",
    "InspectionAdmin",
    "ItemAdmin",
    "ItemQualityAdmin",
    "KeyMapAdmin",
    "LearningPickAdmin",
    "LearningRoundAdmin",
    "MembershipAdmin",
    "OutcomeAdmin",
    "PauseAdmin",
    "PendingDrawAdmin",
    "PersonFiguresAdmin",
    "PinAdmin",
    "PredictionAdmin",
    "QualificationAdmin",
    "QualityReferenceAdmin",
    "RevealAdmin",
    "ReviewAdmin",
    "ReviewPolicyAdmin",
    "ReviewedModelAdmin",
    "RoutingStateAdmin",
    "SamplingDesignAdmin",
    "SelectionAdmin",
    "ShadowDesignAdmin",
    "ShadowDrawAdmin",
    "SiteAdmin",
    "SourceAdmin",
    "StationAdmin",
    "StationDeviceAdmin",
    "SwitchAdmin",
    "TallyAdmin",
    "UserAdmin",
    "VerdictAdmin",
]
