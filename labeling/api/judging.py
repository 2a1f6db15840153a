"""Rows that the version in charge judges: images in, submissions with its labels out. Views of a part are one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.conf import settings

from labeling.api.rows import RequestRows
from labeling.errors import ImageRefused, RowRefused
from labeling.ingest import Answer, Submission, known_prediction, refusal
from models_registry import serving
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.training.errors import TrainingDataError
from reviewapp.errors import ReviewAppError

Scores = dict[str, float]
Views = Sequence[Submission]  # of one part
InCharge = Callable[[Submission], ModelVersion]


def judge_rows(
    session: RequestRows, raw_rows: Sequence[Any], registered_model: RegisteredModel, in_charge: InCharge
) -> tuple[list[Submission], list[Answer]]:
    """Submissions of what could be judged, and refusals, each by its row. ``session`` takes rows without labels.

    Parts of one version are judged together. Where a view of a part is refused the others are too: a part that was half
    seen could get another label.
    """
    bare, refused = session.prepare(list(raw_rows))
    whys = {one.position: _why_not(one, registered_model) for one in bare}
    refused += [refusal(position, why) for position, why in whys.items() if why is not None]
    fit = [one for one in bare if whys[one.position] is None]
    half_seen = {_named(raw_rows[one.row]) for one in refused} - {None}
    refused += [refusal(one.position, HALF_SEEN) for one in fit if one.row.inspection_id in half_seen]
    parts = _parts(one for one in fit if one.row.inspection_id not in half_seen)
    submissions: list[Submission] = []
    for version, several in _by_version(parts, in_charge).items():
        for views, said in zip(several, _said(version, several), strict=True):
            if isinstance(said, ReviewAppError):
                refused += [refusal(one.position, said) for one in views]
            else:
                submissions += [_with(session, one, version, said) for one in views]
    return submissions, refused


def refuse_too_many(raw_rows: Sequence[Any]) -> None:
    """:raises RowRefused: more than one request may bring."""
    if len(raw_rows) > settings.MAX_JUDGED:
        raise RowRefused(
            f"{len(raw_rows)} images in one request; predict takes at most {settings.MAX_JUDGED}.",
            code="too_many_rows", http_status=413, fields={"rows": "Too many."},
        )  # fmt: skip


HALF_SEEN = RowRefused("Another view of this part was refused, so the part was not judged.", code="part_refused")


def _why_not(one: Submission, registered_model: RegisteredModel) -> ReviewAppError | None:
    if one.image is None:
        return RowRefused(
            "image is missing: predict judges an image.", code="image_missing", fields={"image": "Required."}
        )
    for name in ("scores", "confidence"):
        if getattr(one.row, name) is not None:
            return RowRefused(f"predict says {name} itself; send yours to /predictions/.", fields={name: "Not here."})
    if one.catalog.registered_model != registered_model:
        return RowRefused("The row names another model than the address.", fields={"model": "Differs."})
    return None


def _named(raw: Any) -> str | None:
    name = raw.get("inspection_id") if isinstance(raw, Mapping) else None
    return name if isinstance(name, str) else None


def _parts(rows: Iterable[Submission]) -> list[list[Submission]]:
    """Rows of one inspection at one station, in the order sent."""
    parts: dict[tuple[int, str], list[Submission]] = {}
    for one in rows:
        parts.setdefault((one.source.station_id, one.row.inspection_id), []).append(one)
    return list(parts.values())


def _by_version(parts: Iterable[list[Submission]], in_charge: InCharge) -> dict[ModelVersion, list[list[Submission]]]:
    """Each part has one version; parts of one lot at one station have the same, whatever is promoted meanwhile."""
    asked: dict[tuple[int, str], ModelVersion] = {}
    found: dict[ModelVersion, list[list[Submission]]] = {}
    for views in parts:
        lot = next((one.row.lot for one in views if one.row.lot), "")
        place = (views[0].source.station_id, lot)
        if place not in asked:
            first = views[0]
            asked[place] = in_charge(msgspec.structs.replace(first, row=msgspec.structs.replace(first.row, lot=lot)))
        found.setdefault(asked[place], []).append(views)
    return found


def _said(version: ModelVersion, parts: Sequence[Views]) -> list[Scores | ReviewAppError]:
    """What was said before of the very same images, and what the version says of the others; or why it could not."""
    known = [next((said for one in views if (said := _known(one, version))), None) for views in parts]
    asked = iter(_judged(version, [views for views, said in zip(parts, known, strict=True) if said is None]))
    return [next(asked) if said is None else said for said in known]


def _known(one: Submission, version: ModelVersion) -> Scores | None:
    known = known_prediction(one, version)
    return known.scores if known and known.scores else None


def _judged(version: ModelVersion, parts: Sequence[Views]) -> list[Scores | ReviewAppError]:
    """A batch; where it cannot be judged as a whole, one by one, so that one part's trouble is its own."""
    if not parts:
        return []
    try:
        return list(serving.predict_parts(version, [_images(views) for views in parts]))
    except (OSError, TrainingDataError) as error:
        if len(parts) > 1:
            return [said for views in parts for said in _judged(version, [views])]
        if isinstance(error, TrainingDataError):
            return [error]
        return [ImageRefused(f"The image cannot be read: {error}.", fields={"image": "Not readable."})]
    except ReviewAppError as error:  # no artifact here, or one that was refused: nothing of this version is judged
        return [error] * len(parts)


def _images(views: Views) -> list[bytes]:
    """Each view once; the same row twice in one list is a resend."""
    return [one.image.data for one in {one.row.view: one for one in views}.values() if one.image is not None]


def _with(session: RequestRows, one: Submission, version: ModelVersion, scores: Scores) -> Submission:
    label = max(scores, key=lambda name: scores[name])
    row = msgspec.structs.replace(one.row, label=label, scores=scores)
    return session.ingest.prepare(
        row, position=one.position, catalog=one.catalog, image=one.image, predicted=True, version=version
    )
