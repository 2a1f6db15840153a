"""A line with a camera, a model with a champion, and the key of the system that sends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import tests.factories as make
from labeling.keys import issue_key
from labeling.models import DispositionRecord, Inspection, Item, Prediction, Review, SamplingDesign, Selection, Source
from models_registry.models import Alert, ModelVersion, RegisteredModel

PREDICTIONS = "/api/v1/predictions/"
TABLES = (Inspection, Item, Prediction, Selection, Review, DispositionRecord, ModelVersion, Alert)


@dataclass
class Line:
    """What a system on a line sends and gets."""

    client: Client
    model: RegisteredModel
    champion: ModelVersion
    source: Source
    headers: dict[str, str]

    def row(self, number: object = 1, **fields: Any) -> dict[str, Any]:
        """A part with a scratch, as the champion sees it."""
        row = {
            "model": self.model.slug, "version": self.champion.number, "source": self.source.slug,
            "inspection_id": f"part-{number}", "label": "scratch", "scores": {"ok": 0.1, "scratch": 0.9},
        }  # fmt: skip
        return {name: value for name, value in (row | fields).items() if value is not None}

    def send(self, rows: Any, *, query: str = "", url: str = PREDICTIONS) -> Any:
        return self.client.post(url + query, json.dumps(rows), content_type="application/json", headers=self.headers)

    def send_form(self, fields: dict[str, Any], *, url: str = PREDICTIONS) -> Any:
        return self.client.post(url, fields, headers=self.headers)


def make_line() -> Line:
    model = make.make_model(slug="steel")
    champion = make.make_version(registered_model=model, external_name="")
    user = make.make_member("integration", user=make.make_user("line-3"), registered_model=model)
    _, key = issue_key(user=user, name="line 3", now=make.NOW)
    client = Client(raise_request_exception=True)
    return Line(client, model, champion, make.make_source(slug="cam-1"), {"Authorization": f"Bearer {key}"})


def error_of(answer: Any, status: int = 400) -> dict[str, Any]:
    """The one error shape, or the test fails."""
    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    assert set(error) <= {"code", "message", "fields", "row"}
    assert error["code"]
    assert error["message"]
    assert isinstance(error["fields"], dict)
    return dict(error)


def counts() -> list[int]:
    return [table.objects.count() for table in TABLES]


def image(name: str = "a.png", *, shade: int = 128) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, make.png(shade=shade), content_type="image/png")


def draw_everything(line: Line, **rules: Any) -> None:
    SamplingDesign.objects.filter(registered_model=line.model).update(budget=1, audit_share=1, rules=rules)
