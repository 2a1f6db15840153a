"""Inspections, reviews, verdicts, ground truth: everything that a person sees or says."""

from labeling.models.audits import Audit
from labeling.models.batches import IngestBatch
from labeling.models.declared import DeclaredPart, DeclaredSample
from labeling.models.images import ImageFetch
from labeling.models.imports import Import
from labeling.models.inspections import Inspection, Item
from labeling.models.outcomes import Outcome
from labeling.models.people import ApiKey, Membership
from labeling.models.places import Deployment, Site, Source, Station
from labeling.models.predictions import DispositionRecord, Prediction
from labeling.models.quality import ItemQuality, QualityReference
from labeling.models.reviews import Review, ReviewPolicy
from labeling.models.sampling import DesignState, RoutingState, SamplingDesign, Selection
from labeling.models.tallies import Arrival, PendingDraw, Tally
from labeling.models.verdicts import GroundTruth, Verdict

__all__ = [
    "ApiKey",
    "Arrival",
    "Audit",
    "DeclaredPart",
    "DeclaredSample",
    "Deployment",
    "DesignState",
    "DispositionRecord",
    "GroundTruth",
    "ImageFetch",
    "Import",
    "IngestBatch",
    "Inspection",
    "Item",
    "ItemQuality",
    "Membership",
    "Outcome",
    "PendingDraw",
    "Prediction",
    "QualityReference",
    "Review",
    "ReviewPolicy",
    "RoutingState",
    "SamplingDesign",
    "Selection",
    "Site",
    "Source",
    "Station",
    "Tally",
    "Verdict",
]
