"""A verdict's regions on their way in, and the ground truth's that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labeling.models import Item, Review, Verdict
from labeling.regions.measuring import sizes_of
from labeling.regions.predicted import predicted_regions
from labeling.regions.said import Shown, checked
from labeling.regions.settling import bad_views, settled_findings
from models_registry.models import Label, RegisteredModel
from reviewapp.errors import ReviewAppError

BLIND = Verdict.Phase.BLIND


def checked_findings(review: Review, raw: Sequence[Any], *, phase: str, kind: str) -> list[dict[str, Any]]:
    """What a person said of views and regions, as it is stored. Blind, nothing was shown: there only new ones can be.

    :raises ReviewAppError: names the region and what is wrong with it; a label where no view could be judged.
    """
    if not raw:
        return []
    said = None if phase == BLIND else review.prediction
    views = {
        view: Shown(size, predicted_regions(said.findings, view, size) if said else ())
        for view, size in sizes_of(review.inspection_id).items()
    }
    labels = set(review.registered_model.label_set.labels.values_list("slug", flat=True))
    found = checked(raw, views=views, labels=labels, version=said.model_version.short_name if said else "")
    bad = {one["view"] for one in found if "bad_image" in one}
    if kind == Verdict.Kind.LABEL and bad == set(views):
        words = "call every view a bad image: the part is one then, and has no label"
        raise ReviewAppError(f"The findings {words}.", code="invalid", fields={"findings": words})
    return found


def truth_findings(review: Review, verdicts: Sequence[Verdict], label: Label | None) -> list[dict[str, Any]]:
    """What is settled of views and regions, from the standing verdicts that agree with the label, an adjudicator's
    before others'.

    A good part has no defect anywhere, whether or not somebody said so of its regions.
    """
    if label is None:
        return []
    agreeing = [one for one in verdicts if one.label_id == label.pk]
    told = [one for one in agreeing if one.findings and one.review.reason == Review.Reason.ADJUDICATION]
    if told:
        last = max(one.review.round for one in told)
        agreeing = [one for one in told if one.review.round == last]
    words = [one.findings for one in agreeing]
    if label.is_defect or review.registered_model.kind != RegisteredModel.Kind.DETECTION:
        return settled_findings(words)
    bad = bad_views(words)
    views = Item.objects.filter(inspection=review.inspection_id).order_by("pk").values_list("view", flat=True)
    return [{"view": one, "bad_image": True} if one in bad else {"view": one, "regions": []} for one in views]
