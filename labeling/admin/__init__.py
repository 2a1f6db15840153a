"""The labeling side of the admin panel. What is history can be looked at and nothing else."""

from labeling.admin.audits import AuditAdmin
from labeling.admin.declared import DeclaredPartAdmin, DeclaredSampleAdmin
from labeling.admin.imports import ImportAdmin
from labeling.admin.inspections import DispositionRecordAdmin, InspectionAdmin, ItemAdmin, PredictionAdmin
from labeling.admin.keys import ApiKeyAdmin
from labeling.admin.models import ReviewedModelAdmin, ReviewPolicyAdmin
from labeling.admin.outcomes import OutcomeAdmin
from labeling.admin.people import GroupAdmin, MembershipAdmin, UserAdmin
from labeling.admin.places import DeploymentAdmin, SiteAdmin, SourceAdmin, StationAdmin
from labeling.admin.quality import ItemQualityAdmin, QualityReferenceAdmin
from labeling.admin.sampling import DesignStateAdmin, RoutingStateAdmin, SamplingDesignAdmin, SelectionAdmin
from labeling.admin.tallies import ArrivalAdmin, PendingDrawAdmin, TallyAdmin
from labeling.admin.verdicts import GroundTruthAdmin, ReviewAdmin, VerdictAdmin

__all__ = [
    "ApiKeyAdmin",
    "ArrivalAdmin",
    "AuditAdmin",
    "DeclaredPartAdmin",
    "DeclaredSampleAdmin",
    "DeploymentAdmin",
    "DesignStateAdmin",
    "DispositionRecordAdmin",
    "GroundTruthAdmin",
    "GroupAdmin",
    "ImportAdmin",
    "InspectionAdmin",
    "ItemAdmin",
    "ItemQualityAdmin",
    "MembershipAdmin",
    "OutcomeAdmin",
    "PendingDrawAdmin",
    "PredictionAdmin",
    "QualityReferenceAdmin",
    "ReviewAdmin",
    "ReviewPolicyAdmin",
    "ReviewedModelAdmin",
    "RoutingStateAdmin",
    "SamplingDesignAdmin",
    "SelectionAdmin",
    "SiteAdmin",
    "SourceAdmin",
    "StationAdmin",
    "TallyAdmin",
    "UserAdmin",
    "VerdictAdmin",
]
