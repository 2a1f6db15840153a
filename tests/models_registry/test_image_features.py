"""Features are made once for each image, whoever asks, and are the same from the cache as from the image."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from typing import IO

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from labeling.feedback import request_retraining
from models_registry.models import ImageFeatures
from models_registry.services import pipeline
from models_registry.services.image_features import (
    STORED_AT_ONCE,
    UnreadableImage,
    features_of,
    features_of_parts,
    forget_features,
)
from models_registry.training import features
from tests import factories as make
from tests.factories.labelled import label_images, make_labelled_model
from tests.together import all_done

pytestmark = pytest.mark.django_db(transaction=True)
Source = tuple[str, Callable[[], IO[bytes]]]


class Store:
    """Small noisy images, and what was read of them."""

    def __init__(self, n: int) -> None:
        self.images = [self._image(seed) for seed in range(n)]
        self.read: list[str] = []

    @staticmethod
    def _image(seed: int) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 24), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        return stream.getvalue()

    def sources(self) -> list[Source]:
        return [self._source(content) for content in self.images]

    def _source(self, content: bytes) -> Source:
        sha256 = hashlib.sha256(content).hexdigest()

        def opened() -> IO[bytes]:
            self.read.append(sha256)
            return io.BytesIO(content)

        return sha256, opened


def from_scratch(store: Store) -> np.ndarray:
    return features.extract_many(Image.open(io.BytesIO(content)) for content in store.images)


def test_what_was_made_once_is_not_read_again_and_stays_the_same_to_the_last_bit() -> None:
    store, heard = Store(7), []
    first = features_of(store.sources(), now=make.NOW, report=lambda done, of: heard.append((done, of)))
    assert first.dtype == np.float32
    assert first.tobytes() == from_scratch(store).tobytes()
    assert len(store.read) == 7
    assert (heard[0], heard[-1]) == ((0, 7), (7, 7))
    again = features_of([*reversed(store.sources()), store.sources()[0]], now=make.NOW)
    assert again.tobytes() == np.concatenate([first[::-1], first[:1]]).tobytes()
    assert len(store.read) == 7


def test_no_image_makes_no_row() -> None:
    assert features_of([], now=make.NOW).shape == (0, features.N_FEATURES)


def test_what_another_version_of_the_code_made_is_not_taken() -> None:
    store = Store(1)
    wrong = np.ones(features.N_FEATURES, dtype="<f4").tobytes()
    make.make_image_features(sha256=store.sources()[0][0], vector=wrong)
    assert features_of(store.sources(), now=make.NOW).tobytes() == from_scratch(store).tobytes()


def test_workers_that_meet_store_each_image_once() -> None:
    store = Store(12)
    found = all_done(
        [
            lambda: features_of(store.sources(), now=make.NOW).tobytes(),
            lambda: features_of(store.sources()[::-1], now=make.NOW)[::-1].tobytes(),
        ]
        * 2
    )
    assert len(set(found)) == 1
    assert ImageFeatures.objects.count() == 12


def test_what_was_made_before_a_worker_ended_is_kept() -> None:
    store = Store(STORED_AT_ONCE + 3)

    def ends(done: int, of: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features_of(store.sources(), now=make.NOW, report=ends)
    assert ImageFeatures.objects.count() == STORED_AT_ONCE
    store.read.clear()
    features_of(store.sources(), now=make.NOW)
    assert len(store.read) == 3


@pytest.mark.parametrize("broken", [b"no image", Store(1).images[0][:-60]])
def test_an_image_that_cannot_be_read_is_named(broken: bytes) -> None:
    store = Store(2)
    store.images.append(broken)
    with pytest.raises(UnreadableImage) as refused:
        features_of(store.sources(), now=make.NOW)
    assert refused.value.sha256 == store.sources()[-1][0]


def test_a_part_of_several_views_is_one_row_of_all_of_them() -> None:
    store = Store(3)
    first, second, third = store.sources()
    rows = features_of_parts([[first, second], [third]], now=make.NOW)
    each = from_scratch(store).astype(np.float64)
    np.testing.assert_allclose(rows[0], each[:2].mean(axis=0), rtol=1e-6)
    assert rows[1].tobytes() == from_scratch(store)[2].tobytes()


def test_the_cache_is_bounded_and_other_versions_go_after_a_week() -> None:
    make.make_image_features()
    fresh = make.make_image_features(made_at=make.NOW + timedelta(days=7))
    features_of(Store(5).sources(), now=make.NOW)
    kept = list(ImageFeatures.objects.values_list("pk", flat=True)[:3])
    assert forget_features(most=3, now=make.NOW + timedelta(days=8)) == 4
    assert list(ImageFeatures.objects.values_list("pk", flat=True)) == kept
    assert fresh.pk not in kept


def test_a_run_reads_only_images_that_no_run_has_read() -> None:
    model = make_labelled_model(n=40)
    run = request_retraining(registered_model=model, by=make.make_user("lena"), reason="First.", now=timezone.now())
    assert pipeline.execute(run.pk)
    known = [item.image for truth in model.ground_truths.all() for item in truth.inspection.items.all()]
    label_images(model, start=40, n=10)
    for key in known:
        default_storage.delete(key)
    again = request_retraining(registered_model=model, by=make.make_user("lena"), reason="More.", now=timezone.now())
    assert pipeline.execute(again.pk)
