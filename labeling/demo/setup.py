"""The demo plant: a site with three cameras, a label set, a model with its policies, and the people."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from labeling.exchange.labels import is_good
from labeling.keys import issue_key
from labeling.models import Membership, ReviewPolicy, SamplingDesign, Site, Source, Station
from models_registry.models import Label, LabelSet, PromotionPolicy, RegisteredModel, RetrainingPolicy

PEOPLE = {
    "alice": Membership.Role.INSPECTOR,
    "bob": Membership.Role.ADJUDICATOR,
    "lena": Membership.Role.LEAD,
    "audrey": Membership.Role.AUDITOR,
}
CAMERA_NAMES = {"cam-1": "Camera 1", "cam-2": "Camera 2", "cam-3": "Camera 3"}
SIMULATED_INSPECTORS = 3


@dataclass(frozen=True, slots=True)
class DemoAccess:
    """How the simulators get in. Written to ``var/demo/access.json``, readable by the owner only."""

    model: str
    api_key: str
    password: str
    people: tuple[str, ...]
    inspectors: tuple[str, ...]
    folder: str

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, path: Path) -> DemoAccess:
        facts = json.loads(path.read_text())
        return cls(**facts | {"people": tuple(facts["people"]), "inspectors": tuple(facts["inspectors"])})


@transaction.atomic
def create_demo(
    *, name: str, labels: list[str], folder: Path, access_file: Path, now: datetime
) -> tuple[RegisteredModel, DemoAccess]:
    """Everything the demo needs before the first image, made together with the file that lets the simulators in."""
    known = RegisteredModel.objects.filter(slug=slugify(name)).first()
    if known is not None:
        return known, DemoAccess.read(access_file)
    station = _places()
    model = _model(name, _label_set(name, labels))
    password = secrets.token_urlsafe(6)
    people = tuple(_person(username, password, model, role) for username, role in PEOPLE.items())
    _administrator(password)
    inspectors = tuple(
        _person(f"simulated-{number}", password, model, Membership.Role.INSPECTOR)
        for number in range(1, SIMULATED_INSPECTORS + 1)
    )
    line = User.objects.create_user(f"line-{station.slug}")
    Membership.objects.create(user=line, registered_model=model, role=Membership.Role.INTEGRATION)
    _, key = issue_key(user=line, name="Demo line", now=now)
    access = DemoAccess(model.slug, key, password, ("admin", *people), inspectors, str(folder))
    access.write(access_file)
    return model, access


def _places() -> Station:
    site, _ = Site.objects.get_or_create(
        slug="demo-plant",
        defaults={
            "name": "Demo plant",
            "time_zone": "Europe/Berlin",
            "shifts": [
                {"name": "early", "start": "06:00"},
                {"name": "late", "start": "14:00"},
                {"name": "night", "start": "22:00"},
            ],
        },
    )
    station, _ = Station.objects.get_or_create(slug="line-1", defaults={"site": site, "name": "Line 1"})
    for slug, name in CAMERA_NAMES.items():
        Source.objects.get_or_create(slug=slug, defaults={"station": station, "name": name})
    return station


def _label_set(name: str, labels: list[str]) -> LabelSet:
    label_set = LabelSet.objects.create(slug=slugify(name), name=name)
    for position, label in enumerate(labels):
        good = is_good(label)
        Label.objects.create(
            label_set=label_set,
            slug=label,
            name="OK" if good else label[:1].upper() + label[1:].replace("-", " "),
            is_defect=not good,
            severity=0 if good else 1,
            disposition="pass" if good else "reject",
            hotkey=str(position + 1) if position < 9 else "",
            position=position,
        )
    return label_set


def _model(name: str, label_set: LabelSet) -> RegisteredModel:
    model = RegisteredModel.objects.create(
        slug=slugify(name), name=name, label_set=label_set, target_accuracy=0.9,
        description="The demo's model. It starts from the first labels and learns from every verdict.",
    )  # fmt: skip
    RetrainingPolicy.objects.create(
        registered_model=model, min_new_labels=150, min_total_labels=60, min_per_class=3, cooldown_minutes=1
    )
    PromotionPolicy.objects.create(
        registered_model=model, automatic=True, margin=0.08, guard_defects=False, min_items=20
    )
    ReviewPolicy.objects.create(registered_model=model, lease_seconds=120)
    SamplingDesign.objects.create(registered_model=model, number=1, budget=0.5, audit_share=0.8)
    return model


def _person(username: str, password: str, model: RegisteredModel, role: str) -> str:
    user = User.objects.create_user(username, password=password, first_name=username.capitalize())
    Membership.objects.create(user=user, registered_model=model, role=role)
    return username


def _administrator(password: str) -> None:
    User.objects.create_superuser("admin", password=password, first_name="Ada")
