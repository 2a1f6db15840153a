"""Inspections, reviews, verdicts, ground truth: everything that a person sees or says."""

from labeling.models.audits import Audit
from labeling.models.batches import IngestBatch
from labeling.models.canaries import Canary, CanaryLot
from labeling.models.comparing import ShadowDesign, ShadowDraw
from labeling.models.declared import DeclaredPart, DeclaredSample
from labeling.models.desks import GoldenSample, KeyMap
from labeling.models.devices import Badge, Pin, StationDevice, Switch
from labeling.models.hourly import HourlyFacts
from labeling.models.images import FileToDelete, ImageFetch
from labeling.models.imports import Import
from labeling.models.inspections import Inspection, Item
from labeling.models.learning_rounds import LearningPick, LearningRound
from labeling.models.outcomes import Outcome
from labeling.models.people import ApiKey, Membership
from labeling.models.places import Deployment, Site, Source, Station
from labeling.models.predictions import DispositionRecord, Prediction
from labeling.models.qualifications import Qualification
from labeling.models.quality import ItemQuality, QualityReference
from labeling.models.regions import RegionMatch
from labeling.models.reviews import Review, ReviewPolicy
from labeling.models.sampling import DesignState, RoutingState, SamplingDesign, Selection
from labeling.models.second_looks import Challenge, Reveal
from labeling.models.shadows import ShadowPrediction
from labeling.models.shifts import HandoverNote, Pause, PersonFigures
from labeling.models.tallies import Arrival, PendingDraw, Tally
from labeling.models.verdicts import GroundTruth, Verdict

__all__ = [
    "ApiKey",
    "Arrival",
    "Audit",
    "Badge",
    "Canary",
    "CanaryLot",
    "Challenge",
    "DeclaredPart",
    "DeclaredSample",
    "Deployment",
    "DesignState",
    "DispositionRecord",
    "FileToDelete",
    "GoldenSample",
    "GroundTruth",
    "HandoverNote",
    "HourlyFacts",
    "ImageFetch",
    "Import",
    "IngestBatch",
    "Inspection",
    "Item",
    "ItemQuality",
    "KeyMap",
    "LearningPick",
    "LearningRound",
    "Membership",
    "Outcome",
    "Pause",
    "PendingDraw",
    "PersonFigures",
    "Pin",
    "Prediction",
    "Qualification",
    "QualityReference",
    "RegionMatch",
    "Reveal",
    "Review",
    "ReviewPolicy",
    "RoutingState",
    "SamplingDesign",
    "Selection",
    "ShadowDesign",
    "ShadowDraw",
    "ShadowPrediction",
    "Site",
    "Source",
    "Station",
    "StationDevice",
    "Switch",
    "Tally",
    "Verdict",
]
