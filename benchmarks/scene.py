"""Makes what the parts of `big_tables` refer to: a model with a version, a design, a label set, three cameras."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from labeling.models import ReviewPolicy, SamplingDesign, Site, Source, Station  # noqa: E402 - Django first
from models_registry.models import Label, LabelSet, ModelVersion, RegisteredModel  # noqa: E402


def main(slug: str) -> None:
    label_set = LabelSet.objects.create(slug=slug, name=slug)
    labels = [
        Label.objects.create(
            label_set=label_set, slug=name, name=name, is_defect=name != "ok", hotkey=str(number), position=number
        )
        for number, name in enumerate(("ok", "scratch", "dent"), start=1)
    ]
    model = RegisteredModel.objects.create(slug=slug, name=slug, label_set=label_set, target_accuracy=0.95)
    version = ModelVersion.objects.create(registered_model=model, number=1, origin="external", stage="champion")
    ReviewPolicy.objects.create(registered_model=model)
    design = SamplingDesign.objects.create(registered_model=model, number=1, budget=0.1, audit_share=0.8)
    site = Site.objects.create(slug=slug, name=slug)
    station = Station.objects.create(site=site, slug=slug, name=slug)
    sources = [Source.objects.create(station=station, slug=f"{slug}-{n}", name=f"Camera {n}") for n in range(3)]
    keys = {
        "slug": slug, "model": model.pk, "version": version.pk, "design": design.pk, "label": labels[0].pk,
        "station": station.pk, "source": sources[0].pk,
    }  # fmt: skip
    print(json.dumps(keys))


if __name__ == "__main__":
    main(sys.argv[1])
