"""What several people's findings come to. Pure.

A view is a bad image when more than half say so; who says nothing of it could judge it. Regions of different people
belong together where label and place agree (IoU of at least one half). One stands when more than half of those who
spoke of the view drew it or left it, with the outline of whoever spoke first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from labeling.regions.said import STANDING
from models_registry.estimation.matching import MIN_IOU, Box, ious

Findings = Sequence[Mapping[str, Any]]


def settled_findings(words: Sequence[Findings]) -> list[dict[str, Any]]:
    """The findings of the ground truth, from those of the verdicts that it rests on, in the order said.

    Views of which nobody spoke are left out, and of a bad image nothing else is settled; empty where nobody spoke.
    """
    bad = bad_views(words)
    settled: list[dict[str, Any]] = []
    for view in dict.fromkeys(view["view"] for findings in words for view in findings):
        regions = [_regions(one, view) for one in words]
        if view in bad:
            settled.append({"view": view, "bad_image": True})
        elif any(word is not None for word in regions):
            settled.append({"view": view, "regions": _of_view(regions)})
    return settled


def bad_views(words: Sequence[Findings]) -> set[str]:
    """The views that more than half call a bad image. Who said nothing of views is an empty one of ``words``."""
    said = Counter(view["view"] for findings in words for view in findings if view.get("bad_image"))
    return {view for view, n in said.items() if n * 2 > len(words)}


def plainly(findings: Findings) -> list[dict[str, Any]]:
    """What one person says is there, and nothing that would tell what was predicted."""
    bad = [{"view": one["view"], "bad_image": True} for one in findings if one.get("bad_image")]
    seen = [view for view in findings if "regions" in view]
    return bad + [{"view": one["view"], "regions": [_bare(region) for region in _standing(one)]} for one in seen]


def _regions(findings: Findings, view: str) -> list[Mapping[str, Any]] | None:
    """What one person says is there; None where nothing was said of the view, or that it cannot be judged."""
    said = next((one for one in findings if one["view"] == view), None)
    return None if said is None or "regions" not in said else _standing(said)


def _standing(view: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in view["regions"] if one["origin"] in STANDING]


def _of_view(words: Sequence[list[Mapping[str, Any]] | None]) -> list[dict[str, Any]]:
    voices = [word for word in words if word is not None]
    clusters: list[tuple[Mapping[str, Any], set[int]]] = []  # the first one's region, and who has it
    for person, regions in enumerate(voices):
        for region in regions:
            alike = [one for one in clusters if person not in one[1] and one[0]["label"] == region["label"]]
            overlap = ious([as_box(one[0]) for one in alike], [as_box(region)])[:, 0]
            best = max(range(len(alike)), key=lambda at: overlap[at], default=None)
            if best is not None and overlap[best] >= MIN_IOU:
                alike[best][1].add(person)
            else:
                clusters.append((region, {person}))
    return [_bare(region) for region, people in clusters if len(people) * 2 > len(voices)]


def as_box(region: Mapping[str, Any], *, confidence: float | None = None) -> Box:
    """A stored region, as it is matched."""
    x, y, width, height = region["box"]
    return Box(region["label"], x, y, width, height, confidence)


def _bare(region: Mapping[str, Any]) -> dict[str, Any]:
    return {name: region[name] for name in ("label", "box", "polygon") if name in region}
