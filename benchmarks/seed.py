"""Seeds a benchmark's database: a model with its policies, a line's key, inspectors, open reviews."""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import django
from django.core.management import call_command

django.setup()

from django.contrib.auth.hashers import make_password  # noqa: E402 - Django has to be set up first
from django.contrib.auth.models import User  # noqa: E402

from benchmarks.stack import PASSWORD  # noqa: E402
from labeling.demo.setup import create_demo  # noqa: E402
from labeling.models import Inspection, Item, Membership, Review, SamplingDesign, Source  # noqa: E402
from models_registry.models import ModelVersion, RegisteredModel  # noqa: E402

BATCH = 5000


def main(inspectors: int, reviews: int, budget: float) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    now = datetime.now(UTC)
    model, access = create_demo(
        name="Bench", labels=["ok", "scratch", "dent"], folder=Path(), access_file=Path("/dev/null"), now=now
    )
    SamplingDesign.objects.update(budget=budget)
    ModelVersion.objects.create(registered_model=model, number=1, origin="external", stage="champion")
    password = make_password(PASSWORD)
    people = User.objects.bulk_create(User(username=f"inspector-{n}", password=password) for n in range(inspectors))
    Membership.objects.bulk_create(Membership(user=one, registered_model=model, role="inspector") for one in people)
    for start in range(0, reviews, BATCH):
        _reviews(model, range(start, min(start + BATCH, reviews)), now)
    print(access.api_key)


def _reviews(model: RegisteredModel, numbers: range, now: datetime) -> None:
    source = Source.objects.select_related("station").get(slug="cam-1")
    inspections = Inspection.objects.bulk_create(
        Inspection(
            station=source.station, inspection_id=f"bench-{n}", captured_at=now, received_at=now, day=now.date(),
            group_id=str(n), partition="train",
        )
        for n in numbers
    )  # fmt: skip
    Item.objects.bulk_create(
        Item(inspection=one, source=source, public_id=uuid.uuid4(), created_at=now) for one in inspections
    )
    Review.objects.bulk_create(
        Review(inspection=one, registered_model=model, reason="drawn", created_at=now) for one in inspections
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
