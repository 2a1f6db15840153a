"""Reviews with everything that is shown of them, made from the rows of one statement instead of a query a relation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from django.db import connection
from django.db.models import JSONField, Model

from labeling import memory
from labeling.claiming import READ
from labeling.models import Inspection, Item, Review, Source, Station
from models_registry.models import Label, ModelVersion

Row = Sequence[Any]


class Columns:
    """Where the columns of one table lie in a row."""

    def __init__(self, model: type[Model], first: int) -> None:
        fields = model._meta.concrete_fields
        self.model, self.first, self.last = model, first, first + len(fields)
        self.names = [one.attname for one in fields]
        self.key = first + self.names.index("id")
        self.json = [place for place, one in enumerate(fields) if isinstance(one, JSONField)]

    def read(self, row: Row) -> Any:
        """The instance, or None where the join found nothing."""
        if row[self.key] is None:
            return None
        values = list(row[self.first : self.last])
        for place in self.json:
            if isinstance(values[place], str):
                values[place] = msgspec.json.decode(values[place])
        return self.model.from_db(connection.alias, self.names, values)


def _columns() -> list[Columns]:
    found: list[Columns] = []
    for model in READ.values():
        found.append(Columns(model, found[-1].last if found else 0))
    return found


REVIEW, INSPECTION, PREDICTION, ITEM = _columns()


def reviews_of(rows: Sequence[Row]) -> list[Review]:
    """The reviews of `claiming.lease`, in its order, with station and site, views and cameras, and the prediction."""
    reviews: dict[int, Review] = {}
    views: dict[int, list[Item]] = {}
    for row in rows:
        pk = row[REVIEW.key]
        if pk not in reviews:
            review: Review = REVIEW.read(row)
            _put(review, "inspection", INSPECTION.read(row))
            _put(review, "prediction", PREDICTION.read(row))
            reviews[pk], views[pk] = review, []
        if (item := ITEM.read(row)) is not None:
            views[pk].append(item)
    _add_names(list(reviews.values()), [item for items in views.values() for item in items])
    for pk, review in reviews.items():
        _put_views(review.inspection, views[pk])
    return list(reviews.values())


def _add_names(reviews: list[Review], items: list[Item]) -> None:
    """What many rows share and that hardly changes: places, cameras, labels, versions."""
    parts = [one.inspection for one in reviews]
    said = [one.prediction for one in reviews if one.prediction is not None]
    _join(parts, "station", memory.rows_of(Station.objects.select_related("site"), map(_of("station_id"), parts)))
    _join(items, "source", memory.rows_of(Source.objects.all(), map(_of("source_id"), items)))
    _join(said, "label", memory.rows_of(Label.objects.all(), map(_of("label_id"), said)))
    versions = ModelVersion.objects.select_related("registered_model")
    _join(said, "model_version", memory.rows_of(versions, map(_of("model_version_id"), said)))


def _of(name: str) -> Callable[[Model], int | None]:
    return lambda one: one.__dict__[name]


def _join(rows: Sequence[Model], name: str, others: dict[int, Any]) -> None:
    for row in rows:
        _put(row, name, others.get(row.__dict__[f"{name}_id"]))


def _put(row: Model, name: str, other: Model | None) -> None:
    """As `select_related` does: the other end is there already."""
    row._state.fields_cache[name] = other


def _put_views(inspection: Inspection, items: list[Item]) -> None:
    """As `prefetch_related` does."""
    found = Item.objects.all()
    found._result_cache, found._prefetch_done = items, True  # type: ignore[attr-defined]
    inspection._prefetched_objects_cache = {"items": found}  # type: ignore[attr-defined]
