"""What a file may say. A field that is left out is left as it is. Pure."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType

Path = tuple[str | int, ...]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[-a-zA-Z0-9_]+$", max_length=80)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)]
Told = Literal["pass", "reject", "hold"]
Role = Literal["inspector", "adjudicator", "lead", "auditor", "integration", "admin"]


class Part(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table of fields."""

    def said(self, *without: str) -> dict[str, Any]:
        """The fields that are not left out."""
        values = {name: getattr(self, name) for name in self.__struct_fields__ if name not in without}
        return {name: value for name, value in values.items() if value is not UNSET}


class Shift(Part):
    name: Name
    start: Annotated[str, msgspec.Meta(pattern=r"^\d\d:\d\d$")]


class SourceOf(Part):
    slug: Slug
    name: Name | UnsetType = UNSET


class StationOf(Part):
    slug: Slug
    name: Name | UnsetType = UNSET
    image_address: str | UnsetType = UNSET
    sources: list[SourceOf] = []


class SiteDocument(Part):
    slug: Slug
    name: Name | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    shifts: list[Shift] | UnsetType = UNSET
    stations: list[StationOf] = []
    members: dict[str, list[Role]] = {}


class LabelOf(Part):
    slug: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    was: str = ""  # the slug that it had in the set before
    name: Name | UnsetType = UNSET
    parent: str | UnsetType | None = UNSET
    is_defect: bool | UnsetType = UNSET
    severity: Annotated[int, msgspec.Meta(ge=0, le=3)] | UnsetType = UNSET
    disposition: Told | UnsetType = UNSET
    hotkey: Annotated[str, msgspec.Meta(max_length=1)] | UnsetType = UNSET
    colour: Annotated[str, msgspec.Meta(pattern=r"^(#[0-9a-fA-F]{6})?$")] | UnsetType = UNSET
    translations: dict[str, str] | UnsetType = UNSET


class LabelSetDocument(Part):
    slug: Slug
    labels: Annotated[list[LabelOf], msgspec.Meta(min_length=1)]
    name: Name | UnsetType = UNSET


class ReviewOf(Part):
    votes_needed: Whole | UnsetType = UNSET
    lease_seconds: Whole | UnsetType = UNSET
    min_view_ms: Whole | UnsetType = UNSET
    undo_minutes: Whole | UnsetType = UNSET
    blind_share: Share | UnsetType = UNSET
    allow_suggestion: bool | UnsetType = UNSET
    reveal: bool | UnsetType = UNSET
    blocking_minutes: Whole | UnsetType = UNSET
    needs_image: bool | UnsetType = UNSET
    blocking_default: Told | UnsetType = UNSET
    release_seconds: Whole | UnsetType = UNSET
    measuring_days: Annotated[int, msgspec.Meta(ge=1, le=365)] | UnsetType = UNSET
    buffer: Annotated[int, msgspec.Meta(ge=1, le=16)] | UnsetType = UNSET
    max_open: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)] | UnsetType | None = UNSET
    needs_qualification: bool | UnsetType = UNSET
    metadata_shown: list[str] | UnsetType = UNSET


class RetrainingOf(Part):
    enabled: bool | UnsetType = UNSET
    min_new_labels: Whole | UnsetType = UNSET
    new_labels_share: Share | UnsetType = UNSET
    rare_class_labels: Whole | UnsetType | None = UNSET
    on_alarm: bool | UnsetType = UNSET
    on_drift: bool | UnsetType = UNSET
    drift_fall: Share | UnsetType = UNSET
    on_calibration: bool | UnsetType = UNSET
    schedule: str | UnsetType = UNSET
    schedule_zone: str | UnsetType = UNSET
    on_request: bool | UnsetType = UNSET
    min_between: Whole | UnsetType = UNSET
    min_agreement: Share | UnsetType | None = UNSET
    hold_on_bad_images: bool | UnsetType = UNSET
    min_total_labels: Whole | UnsetType = UNSET
    min_per_class: Whole | UnsetType = UNSET
    cooldown_minutes: Whole | UnsetType = UNSET
    balanced: bool | UnsetType = UNSET
    search_seconds: Annotated[float, msgspec.Meta(ge=0)] | UnsetType = UNSET
    hour_price: Annotated[float, msgspec.Meta(ge=0)] | UnsetType | None = UNSET
    monthly_budget: Whole | UnsetType | None = UNSET


class PromotionOf(Part):
    automatic: bool | UnsetType = UNSET
    margin: Share | UnsetType = UNSET
    require_superiority: bool | UnsetType = UNSET
    class_margin: Share | UnsetType = UNSET
    guard_defects: bool | UnsetType = UNSET
    min_items: Whole | UnsetType = UNSET
    min_first_accuracy: Share | UnsetType | None = UNSET
    guard_sources: bool | UnsetType = UNSET
    source_margin: Share | UnsetType = UNSET
    max_latency_ms: Annotated[float, msgspec.Meta(gt=0)] | UnsetType | None = UNSET
    max_size_mb: Annotated[float, msgspec.Meta(gt=0)] | UnsetType | None = UNSET
    min_live_items: Whole | UnsetType = UNSET
    comparison_budget: Share | UnsetType = UNSET
    rolls_back: bool | UnsetType = UNSET


ALL_DEFECTS = "*"  # in `escape_limits`: whatever the defect
OF_A_DESIGN = ("budget", "audit_share", "budget_feedback")  # the other fields of `sampling` are rules


class SamplingOf(Part):
    budget: Annotated[float, msgspec.Meta(gt=0, le=1)] | UnsetType = UNSET
    audit_share: Annotated[float, msgspec.Meta(ge=0.5, le=1)] | UnsetType = UNSET
    certainty_labels: list[str] | UnsetType = UNSET
    certainty_below: Share | UnsetType | None = UNSET
    blocking_labels: list[str] | UnsetType = UNSET
    certainty_sources: list[str] | UnsetType = UNSET
    certainty_where: list[dict[str, Any]] | UnsetType = UNSET
    budget_feedback: bool | UnsetType = UNSET


class VersionOf(Part):
    external_name: Name
    score_kind: Literal["probabilities", "independent", "anomaly", "decision_only"] | UnsetType = UNSET


class ModelDocument(Part):
    slug: Slug
    name: Name | UnsetType = UNSET
    type: Literal["classification", "detection"] | UnsetType = UNSET
    label_set: Slug | UnsetType = UNSET
    description: str | UnsetType = UNSET
    trainer: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | UnsetType = UNSET
    target_accuracy: Annotated[float, msgspec.Meta(gt=0, lt=1)] | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    review: ReviewOf = msgspec.field(default_factory=ReviewOf)
    retraining: RetrainingOf = msgspec.field(default_factory=RetrainingOf)
    promotion: PromotionOf = msgspec.field(default_factory=PromotionOf)
    sampling: SamplingOf = msgspec.field(default_factory=SamplingOf)
    versions: list[VersionOf] = []
    escape_limits: dict[str, Annotated[float, msgspec.Meta(gt=0, lt=1)]] = {}
    members: dict[str, list[Role]] = {}


class WebhookDocument(Part):
    name: Name
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://", max_length=500)] | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    model: Slug | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    secret_env: Annotated[str, msgspec.Meta(pattern=r"^[A-Z_][A-Z0-9_]*$")] | UnsetType = UNSET


KINDS: dict[str, type[Part]] = {
    "site": SiteDocument, "label_set": LabelSetDocument, "model": ModelDocument, "webhook": WebhookDocument,
}  # fmt: skip


def problems_of(value: Any, hint: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Everything that is wrong with a value, each with its place; msgspec itself stops at the first."""
    if get_origin(hint) is Annotated and get_origin(get_args(hint)[0]) is list and value:
        hint = get_args(hint)[0]
    choices = [one for one in get_args(hint) if one is not UnsetType]
    if isinstance(hint, types.UnionType) and len(choices) == 1:
        yield from problems_of(value, choices[0], path)
    elif isinstance(hint, type) and issubclass(hint, Part):
        yield from _problems_of_part(value, hint, path)
    elif get_origin(hint) is list and isinstance(value, list):
        for position, one in enumerate(value):
            yield from problems_of(one, choices[0], (*path, position))
    elif get_origin(hint) is dict and isinstance(value, dict):
        for name, one in value.items():
            yield from problems_of(one, choices[1], (*path, name))
    else:
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as error:
            yield path, f"{str(error).split(' - at ')[0]}."


def _problems_of_part(value: Any, part: type[Part], path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, Mapping):
        yield path, f"Expected fields ({', '.join(part.__struct_fields__)})."
        return
    hints = get_type_hints(part, include_extras=True)
    for name in value:
        if name not in hints:
            yield (*path, name), f"Not known here. Known: {', '.join(part.__struct_fields__)}."
    for field in msgspec.structs.fields(part):
        if field.name in value:
            yield from problems_of(value[field.name], hints[field.name], (*path, field.name))
        elif field.required:
            yield path, f"{field.name} is missing."
