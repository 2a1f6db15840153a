"""What makes a station one's own: a person's keys, and the golden samples beside the image."""

from __future__ import annotations

from typing import Annotated

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import require
from labeling.api import shown_shapes
from labeling.api.authentication import person
from labeling.api.payloads import item_payload
from labeling.api.reviews import ReviewView
from labeling.keymap import resolve
from labeling.models import GoldenSample
from labeling.own_keys import MOST_KEYS, change_keys, label_keys, own_keys
from models_registry.models import RegisteredModel

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=12)]


class KeysBody(msgspec.Struct, forbid_unknown_fields=True):
    """All keys that are not as usual, by action; a label's action is `label:SLUG`."""

    keys: Annotated[dict[str, Key], msgspec.Meta(max_length=MOST_KEYS)]


class StationKeys(msgspec.Struct):
    """`own`: what you changed; `actions` and `labels`: what each answers to, in small letters."""

    own: dict[str, str]
    actions: dict[str, list[str]]
    labels: dict[str, str]


class GoldenImage(msgspec.Struct):
    label: str
    name: str
    caption: str
    item: shown_shapes.ShownItem


class GoldenSamples(msgspec.Struct):
    samples: list[GoldenImage]


class OwnKeys(ReviewView):
    @extend_schema(summary="Your keys at this model's station", responses=StationKeys)
    def get(self, request: Request, slug: str) -> Response:
        return Response(_keys(request, require(person(request), "review", slug)))

    @extend_schema(summary="Change your keys", request=KeysBody, responses=StationKeys)
    def put(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "review", slug)
        body: KeysBody = self.body(request, KeysBody)
        change_keys(user=person(request), registered_model=registered_model, keys=body.keys, now=timezone.now())
        return Response(_keys(request, registered_model))


def _keys(request: Request, registered_model: RegisteredModel) -> dict[str, object]:
    own = own_keys(person(request))
    keys = resolve(label_keys(registered_model.label_set.labels.all()), own)
    return {"own": own, "actions": keys.actions, "labels": keys.labels}


class Golden(ReviewView):
    @extend_schema(summary="The golden samples of a model, one a label", responses=GoldenSamples)
    def get(self, request: Request, slug: str) -> Response:
        user, now = person(request), timezone.now()
        samples = GoldenSample.objects.filter(registered_model=require(user, "view", slug)).select_related(
            "label", "item__inspection__station"
        )
        rows = [
            {
                "label": one.label.slug,
                "name": one.label.display_name,
                "caption": one.caption,
                "item": item_payload(one.item, one.item.inspection.station, user=user, now=now),
            }
            for one in samples
        ]
        return Response({"samples": rows})
