"""Places, inspections with their images, predictions, draws, reviews, verdicts, ground truth."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import timedelta
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from labeling.models import (
    Deployment,
    FileToDelete,
    GroundTruth,
    ImageFetch,
    Import,
    Inspection,
    Item,
    Prediction,
    Review,
    Selection,
    ShadowPrediction,
    Site,
    Source,
    Station,
    Verdict,
)
from models_registry.models import Label, ModelVersion, RegisteredModel
from tests.factories.base import NOW, next_number, sha256
from tests.factories.people import make_user
from tests.factories.registry import label_of, make_model, make_version


def make_site(*, slug: str | None = None, **fields: Any) -> Site:
    slug = slug or f"site-{next_number()}"
    return Site.objects.create(slug=slug, **{"name": slug.capitalize(), "time_zone": "Europe/Berlin", **fields})


def make_station(*, site: Site | None = None, slug: str | None = None, **fields: Any) -> Station:
    slug = slug or f"line-{next_number()}"
    fields.setdefault("name", slug.replace("-", " ").capitalize())
    return Station.objects.create(site=site or make_site(), slug=slug, **fields)


def make_source(*, station: Station | None = None, slug: str | None = None, **fields: Any) -> Source:
    slug = slug or f"cam-{next_number()}"
    fields.setdefault("name", slug.replace("-", " ").capitalize())
    return Source.objects.create(station=station or make_station(), slug=slug, **fields)


def make_deployment(*, station: Station, version: ModelVersion, **fields: Any) -> Deployment:
    fields = {"first_seen_at": NOW, "last_seen_at": NOW, **fields}
    return Deployment.objects.create(
        station=station, model_version=version, registered_model=version.registered_model, **fields
    )


def make_inspection(*, station: Station | None = None, **fields: Any) -> Inspection:
    number = next_number()
    fields.setdefault("inspection_id", f"part-{number}")
    fields.setdefault("captured_at", NOW)
    fields.setdefault("received_at", fields["captured_at"])
    fields.setdefault("day", fields["captured_at"].date())
    fields.setdefault("group_id", fields["inspection_id"])
    fields.setdefault("partition", "train")
    return Inspection.objects.create(station=station or make_station(), **fields)


def png(*, width: int = 8, height: int = 6, shade: int = 128) -> bytes:
    """A small grey picture."""
    stream = io.BytesIO()
    Image.new("L", (width, height), shade).save(stream, "PNG")
    return stream.getvalue()


def make_item(
    *, inspection: Inspection | None = None, source: Source | None = None, content: bytes | None = None, **fields: Any
) -> Item:
    """A view of an inspection. With ``content`` (bytes of a PNG) the image is put into the store."""
    inspection = inspection or make_inspection()
    source = source or inspection.station.sources.first() or make_source(station=inspection.station)
    if content is not None:
        key = default_storage.save(f"images/{uuid.uuid4().hex}.png", ContentFile(content))
        width, height = Image.open(io.BytesIO(content)).size
        digest = hashlib.sha256(content).hexdigest()
        image = {"image": key, "content_type": "image/png", "sha256": digest, "width": width, "height": height}
        fields = {**image, "image_status": "stored", **fields}
    return Item.objects.create(inspection=inspection, source=source, **{"created_at": inspection.received_at, **fields})


def make_fetch(*, item: Item | None = None, **fields: Any) -> ImageFetch:
    """A fetch of the image of a view, due now."""
    item = item or make_item(image_status="fetching", image_address="http://camera.test/1.png")
    return ImageFetch.objects.create(item=item, **{"next_attempt_at": NOW, "created_at": NOW, **fields})


def make_file_to_delete(**fields: Any) -> FileToDelete:
    """Of an image whose row says that it is gone."""
    n = next_number()
    return FileToDelete.objects.create(**{"key": f"images/{n}.png", "sha256": f"{n:064x}", "created_at": NOW, **fields})


def make_prediction(
    *,
    version: ModelVersion | None = None,
    inspection: Inspection | None = None,
    label: Label | str = "scratch",
    **fields: Any,
) -> Prediction:
    version = version or make_version()
    inspection = inspection or make_inspection()
    fields.setdefault("confidence", 0.9)
    fields.setdefault("predicted_at", inspection.captured_at)
    fields.setdefault("digest", sha256(f"{inspection.pk}-{version.pk}"))
    return Prediction.objects.create(
        inspection=inspection, model_version=version, label=label_of(version.registered_model, label), **fields
    )


def make_shadow(*, prediction: Prediction | None = None, label: str = "dent", **fields: Any) -> ShadowPrediction:
    """A candidate says something else than the champion."""
    prediction = prediction or make_prediction()
    model = prediction.model_version.registered_model
    if "model_version" not in fields:
        fields["model_version"] = make_version(registered_model=model, stage="candidate")
    fields = {"confidence": 0.7, "scores": {label: 0.7}, "disagrees": True, "scored_at": NOW, **fields}
    return ShadowPrediction.objects.create(
        inspection=prediction.inspection, prediction=prediction, label=label_of(model, label), **fields
    )


def make_selection(*, inspection: Inspection, registered_model: RegisteredModel, **fields: Any) -> Selection:
    """A draw with an even chance that came out as drawn, unless said otherwise."""
    fields = {
        "stratum": "sampled",
        "pi": 0.5,
        "floor_pi": 0.02,
        "u": 0.1,
        "uncertainty": 0.2,
        "error_guess": 0.1,
        "reason": "drawn: chance 50 %",
        "created_at": inspection.received_at,
        **fields,
    }
    fields.setdefault("drawn", fields["u"] < fields["pi"])
    fields.setdefault("design", registered_model.designs.get(is_active=True, kind="main"))
    return Selection.objects.create(inspection=inspection, registered_model=registered_model, **fields)


def make_review(
    *,
    registered_model: RegisteredModel | None = None,
    inspection: Inspection | None = None,
    prediction: Prediction | None = None,
    **fields: Any,
) -> Review:
    """An open, measuring, blind review; of the prediction's inspection when one is given."""
    if prediction is not None:
        inspection = inspection or prediction.inspection
        registered_model = registered_model or prediction.model_version.registered_model
    inspection = inspection or make_inspection()
    fields.setdefault("created_at", inspection.received_at)
    if fields.get("status") == "settled":
        fields.setdefault("settled_at", fields["created_at"] + timedelta(minutes=5))
    return Review.objects.create(
        registered_model=registered_model or make_model(),
        inspection=inspection,
        prediction=prediction,
        **{"reason": "drawn", **fields},
    )


def make_verdict(
    *, review: Review | None = None, reviewer: User | None = None, label: Label | str | None = "scratch", **fields: Any
) -> Verdict:
    """What a person said: a label, or another ``kind`` with ``label=None``."""
    review = review or make_review()
    said_at = fields.pop("said_at", review.created_at + timedelta(minutes=5))
    fields = {
        "phase": "blind",
        "kind": "label" if label is not None else "unsure",
        "shown_at": said_at - timedelta(seconds=3),
        "received_at": said_at,
        "client_id": uuid.uuid4(),
        **fields,
    }
    return Verdict.objects.create(
        review=review,
        reviewer=reviewer or make_user("alice"),
        label=label_of(review.registered_model, label) if label is not None else None,
        said_at=said_at,
        **fields,
    )


def make_ground_truth(
    *,
    registered_model: RegisteredModel | None = None,
    inspection: Inspection | None = None,
    label: Label | str | None = "scratch",
    **fields: Any,
) -> GroundTruth:
    """A settled label; with ``label=None`` a bad image."""
    model = registered_model or make_model()
    fields = {"n_verdicts": 1, "method": "votes", "decided_at": NOW, **fields}
    return GroundTruth.objects.create(
        registered_model=model,
        inspection=inspection or make_inspection(),
        outcome="bad_image" if label is None else "label",
        label=None if label is None else label_of(model, label),
        **fields,
    )


def make_import(
    *, registered_model: RegisteredModel | None = None, source: Source | None = None, **fields: Any
) -> Import:
    """An import that waits for a worker."""
    fields = {"format": "csv", "file_name": "labels.csv", "upload": "imports/labels.csv", "queued_at": NOW, **fields}
    return Import.objects.create(
        registered_model=registered_model or make_model(), source=source or make_source(), **fields
    )


def surface(*, seed: int = 0, width: int = 384, height: int = 288) -> bytes:
    """A picture of brushed metal with a dark scratch, for pages that show images."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(120 + 18 * rng.standard_normal((height, 1)), width, axis=1) + 6 * rng.standard_normal(
        (height, width)
    )
    y, x = rng.integers(60, height - 60), rng.integers(60, width - 120)
    rows[y : y + 3, x : x + 90] -= 70
    stream = io.BytesIO()
    Image.fromarray(rows.clip(0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()
