"""Seeds parts with real images for the station's benchmark: reviews that show a 1600 by 1200 image each."""

from __future__ import annotations

import io
import sys
import uuid
from datetime import UTC, datetime

import django
import numpy as np
from PIL import Image

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - Django has to be set up first

from labeling.images import check_image  # noqa: E402
from labeling.images.arrival import measured  # noqa: E402
from labeling.images.shown import prepare  # noqa: E402
from labeling.models import Deployment, Inspection, Item, Prediction, Review, ReviewPolicy, Source  # noqa: E402
from labeling.people.devices import register  # noqa: E402
from labeling.people.passes import give_badge  # noqa: E402
from models_registry import files  # noqa: E402
from models_registry.models import ModelVersion, RegisteredModel  # noqa: E402

WIDTH, HEIGHT = 1600, 1200
BADGE = "8821300042"
DIFFERENT = 4  # so many different images are cycled through; each part has an address of its own


def main(n: int, min_view_ms: int) -> None:
    model = RegisteredModel.objects.get(slug="bench")
    version = ModelVersion.objects.get(registered_model=model)
    ReviewPolicy.objects.update_or_create(registered_model=model, defaults={"min_view_ms": min_view_ms})
    source = Source.objects.select_related("station").get(slug="cam-1")
    label, now = model.label_set.labels.get(slug="scratch"), datetime.now(UTC)
    pictures = [check_image(surface(k), max_bytes=30_000_000, max_pixels=10_000_000) for k in range(min(n, DIFFERENT))]
    for picture in pictures:
        files.put(picture.key, picture.data)
    inspections = Inspection.objects.bulk_create(
        Inspection(
            station=source.station, inspection_id=f"shown-{k}", captured_at=now, received_at=now, day=now.date(),
            group_id=f"shown-{k}", partition="train",
        )
        for k in range(n)
    )  # fmt: skip
    items = Item.objects.bulk_create(
        Item(
            inspection=one, source=source, public_id=uuid.uuid4(), created_at=now, image_status="stored",
            **measured(pictures[k % len(pictures)]),
        )
        for k, one in enumerate(inspections)
    )  # fmt: skip
    prepare(items[: len(pictures)])
    predictions = Prediction.objects.bulk_create(
        Prediction(inspection=one, model_version=version, label=label, confidence=0.87, predicted_at=now)
        for one in inspections
    )
    Review.objects.bulk_create(
        Review(
            inspection=one, registered_model=model, reason="drawn", created_at=now, priority=1, blind=k % 2 == 0,
            prediction=predictions[k],
        )
        for k, one in enumerate(inspections)
    )  # fmt: skip


def screen() -> str:
    """Registers the station's screen and gives inspector-1 a badge; returns the cookie's secret."""
    version, now = ModelVersion.objects.get(registered_model__slug="bench"), datetime.now(UTC)
    station = Source.objects.select_related("station").get(slug="cam-1").station
    Deployment.objects.get_or_create(
        station=station, model_version=version,
        defaults={"registered_model": version.registered_model, "first_seen_at": now, "last_seen_at": now},
    )  # fmt: skip
    first, second = User.objects.filter(username__startswith="inspector-").order_by("pk")[:2]
    give_badge(user=second, typed=BADGE, name="Bench", by=first, now=now)
    return register(station=station, name="Bench", by=first, now=now)[1]


def surface(number: int) -> bytes:
    """Brushed metal with grain and a scratch: neither as easy to decode as a flat plate nor as hard as noise."""
    rng = np.random.default_rng(number)
    brushed = rng.normal(0, 14, (HEIGHT, 1)) + rng.normal(0, 5, (HEIGHT, WIDTH)) + 120 + 3 * number
    x = np.arange(200, 1200)
    brushed[(300 + x // 3 + 7 * number) % HEIGHT, x] = 230
    stream = io.BytesIO()
    Image.fromarray(brushed.clip(0, 255).astype(np.uint8)).convert("RGB").save(stream, "JPEG", quality=92)
    return stream.getvalue()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
    print(screen())
