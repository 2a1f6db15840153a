"""Heat maps: where a version looked, as a small grey picture of a view. They come after the prediction, as images do.

The finding of the view names its map by hash. The grey bytes are kept as they came; people see them in one hue whose
lightness and opacity grow with the value, so that it reads without colours.
"""

from __future__ import annotations

import io

import numpy as np
from django.db import transaction
from PIL import Image

from labeling.errors import ContentConflict, NoSuchView
from labeling.images.check import CheckedImage, check_image
from labeling.incoming import IncomingImage, Name
from labeling.models import Item, Prediction
from models_registry import files

MAX_BYTES, MAX_SIDE = 524_288, 1024
LOW, HIGH = np.array([255.0, 96, 0]), np.array([255.0, 240, 160])  # from faint orange to pale yellow
MOST_OPAQUE = 230


class IncomingHeatmap(IncomingImage, frozen=True):
    """Which version looked so at which view of which inspection."""

    model: Name
    version: Name | int


def check_heatmap(data: bytes) -> CheckedImage:
    """:raises ImageRefused: no image that can be read, more than 512 kB, or more than 1024 by 1024 pixels."""
    return check_image(data, max_bytes=MAX_BYTES, max_pixels=MAX_SIDE * MAX_SIDE)


def heat_key(sha256: str) -> str:
    """Where the map that people see lies in the file store."""
    return f"heatmaps/{sha256[:2]}/{sha256}.png"


def prediction_of(item: Item, row: IncomingHeatmap) -> Prediction:
    """:raises NoSuchView: the version has said nothing of this view."""
    mine = Prediction.objects.filter(
        inspection=item.inspection_id, model_version__registered_model__slug=row.model
    ).select_related("model_version__registered_model")
    name = str(row.version)
    for one in mine:
        version = one.model_version
        if name in {version.external_name, f"v{version.number}", str(version.number)}:
            return one
    raise NoSuchView(
        f"{row.model} {name} has said nothing of inspection {row.inspection_id}: send its prediction first.",
        fields={"version": "Unknown here."},
    )


@transaction.atomic
def receive_heatmap(*, prediction: Prediction, view: str, image: CheckedImage) -> bool:
    """Store a map and say so in the finding of its view. False when the very same one is there already.

    :raises ContentConflict: the view has another map. :raises NoSuchView: the version has no finding of this view.
    """
    findings = Prediction.objects.select_for_update().get(pk=prediction.pk).findings
    mine = next((one for one in findings if isinstance(one, dict) and one.get("view") == view), None)
    if mine is None:
        raise NoSuchView(f"This version has said nothing of the view {view}.", fields={"view": "Unknown here."})
    known = mine.get("heatmap")
    if known is not None:
        if known != image.sha256:
            raise ContentConflict(
                f"View {view} has another heat map. Nothing was changed.",
                fields={"image": "Differs from what is stored."},
            )
        return False
    files.put(image.key, image.data)  # before the row: a row never names a file that is not there
    files.put(heat_key(image.sha256), coloured(image.data))
    mine["heatmap"] = image.sha256
    Prediction.objects.filter(pk=prediction.pk).update(findings=findings)
    return True


def coloured(data: bytes) -> bytes:
    """A PNG with transparency: nothing where the map is black, opaque where it is white."""
    grey = np.asarray(_eight_bits(Image.open(io.BytesIO(data))), dtype=np.float64)[..., None] / 255
    pixels = np.concatenate([LOW + (HIGH - LOW) * grey, MOST_OPAQUE * grey], axis=-1)
    stream = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8), "RGBA").save(stream, "PNG")
    return stream.getvalue()


def _eight_bits(image: Image.Image) -> Image.Image:
    """By the format's own range: a map is not stretched, so that two of them can be compared."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image, dtype=np.float64) / 257).clip(0, 255).astype(np.uint8))
    return image.convert("L")
