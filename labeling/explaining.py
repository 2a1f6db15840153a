"""Where a model that is served here looked, for reviews that show what it said: a map by occlusion, beside it.

Never for a blind review before its verdict: those are left out here, and the station shows a map with nothing blind.
A version that sent a map of its own keeps it.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Collection

from django.db.models import QuerySet
from PIL import Image

from labeling.images.heat import check_heatmap, receive_heatmap
from labeling.models import Item, Prediction, Review
from labeling.regions.shown import heatmap_of
from models_registry import files, serving
from models_registry.training import features, occlusion
from reviewapp.errors import ReviewAppError

logger = logging.getLogger(__name__)
SECONDS = 30.0
LONGEST_SIDE = 256
BAD_IMAGE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def to_explain(*, reviews: Collection[int], items: Collection[int]) -> list[int]:
    """Of these reviews, and those of these views, the ones that show the prediction of a version with an artifact.

    Two questions: with an OR the database would walk through all reviews.
    """
    parts = list(Item.objects.filter(pk__in=items).values_list("inspection_id", flat=True))
    asked = [_shown().filter(pk__in=reviews), _shown().filter(inspection__in=parts)]
    return sorted({pk for one in asked for pk in one.values_list("pk", flat=True)})


def _shown() -> QuerySet[Review]:
    shown = Review.objects.filter(blind=False, prediction__isnull=False).exclude(status=Review.Status.CANCELLED)
    return shown.exclude(prediction__model_version__artifact="")


def explain(reviews: Collection[int]) -> int:
    """Make the maps that are missing of these reviews' stored views. Returns how many; one's trouble stops no other.

    After half a minute no further one is begun: a map is a help, and the queue behind is not to wait for it.
    """
    until, n = time.monotonic() + SECONDS, 0
    for review in (
        _shown()
        .filter(pk__in=reviews)
        .select_related("prediction__label", "prediction__model_version__registered_model")
    ):
        prediction = review.prediction
        assert prediction is not None  # noqa: S101 - filtered
        for item in Item.objects.filter(inspection=review.inspection_id, image_status=Item.ImageStatus.STORED):
            if heatmap_of(prediction, item.view) is not None:
                continue
            if time.monotonic() > until:
                return n
            n += _explain(prediction, item)
    return n


def _explain(prediction: Prediction, item: Item) -> bool:
    """One map, if it can be made."""
    try:
        picture = picture_of(prediction, files.read(item.image, sha256=item.sha256))
        if picture is None:
            return False
        return receive_heatmap(prediction=prediction, view=item.view, image=check_heatmap(picture))
    except (ReviewAppError, *BAD_IMAGE) as error:
        logger.warning("no map of prediction %s, view %s: %s", prediction.pk, item.view, error)
        return False


def picture_of(prediction: Prediction, data: bytes) -> bytes | None:
    """The map as a grey PNG in the shape of the image. None where the version does not know the label (any more)."""
    model = serving.model_of(prediction.model_version)
    if prediction.label.slug not in model.classes:
        return None
    image, column = features.read(io.BytesIO(data)), model.classes.index(prediction.label.slug)
    if hasattr(model, "predict_pictures"):
        found = occlusion.occlusion_map_of_pictures(image, model.predict_pictures, column=column)
    else:
        found = occlusion.occlusion_map(image, model.predict_scores, column=column)
    scale = min(1.0, LONGEST_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    stream = io.BytesIO()
    occlusion.as_picture(found, size=size).save(stream, "PNG")
    return stream.getvalue()
