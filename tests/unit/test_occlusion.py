"""The map is high where hiding the image takes the model's reason away, and nowhere else."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from models_registry.training.features import extract
from models_registry.training.occlusion import GRID, as_picture, occlusion_map, occlusion_map_of_pictures
from models_registry.training.trainer import fit


def plate(seed: int, *, spot: tuple[int, int] | None = None) -> Image.Image:
    """A noisy grey plate, 96 by 64; a checkered spot of 12 px when it is asked for."""
    pixels = np.random.default_rng(seed).normal(128, 6, (64, 96))
    if spot is not None:
        x, y = spot
        pixels[y : y + 12, x : x + 12] += 70 * ((np.indices((12, 12)).sum(axis=0) // 2 % 2) - 0.5)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def test_the_map_points_at_the_defect() -> None:
    rng = np.random.default_rng(0)
    images = [plate(seed) for seed in range(20)]
    images += [plate(seed, spot=(int(rng.integers(84)), int(rng.integers(52)))) for seed in range(20, 40)]
    model = fit(np.stack([extract(one) for one in images]), ["ok"] * 20 + ["dent"] * 20, classes=("ok", "dent"), seed=1)
    found = occlusion_map(plate(99, spot=(12, 36)), model.predict_scores, column=1)
    assert found.shape == (5, GRID)
    assert divmod(int(found.argmax()), GRID) in {(2, 1), (3, 1), (2, 2), (3, 2), (3, 0)}
    assert 0 <= found.min() <= found.max() < 1
    assert np.median(found) < found.max() / 2
    shown = as_picture(found, size=(96, 64))
    assert (shown.mode, shown.size) == ("L", (96, 64))
    brightest = np.unravel_index(np.asarray(shown).argmax(), (64, 96))
    assert brightest[1] < 40
    assert brightest[0] > 20


def test_a_model_that_looks_at_pictures_itself_is_asked_with_patches_hidden_in_colour() -> None:
    pixels = np.full((60, 120, 3), 120, dtype=np.uint8)
    pixels[40:50, 100:110] = (250, 20, 20)  # red, and as dark as its surroundings on the whole
    asked = []

    def redness(images: Iterable[Image.Image]) -> np.ndarray[Any, Any]:
        shares = []
        for one in images:
            asked.append((one.mode, one.size))
            seen = np.asarray(one, dtype=float)
            red = np.clip((seen[..., 0] - seen[..., 1]) / 255, 0, 1).max()
            shares.append([1 - red, red])
        return np.array(shares)

    found = occlusion_map_of_pictures(Image.fromarray(pixels), redness, column=1)

    assert found.shape == (4, GRID)
    assert set(asked) == {("RGB", (120, 60))}
    assert len(asked) == 1 + found.size
    assert divmod(int(found.argmax()), GRID) in {(2, 6), (3, 6), (2, 7), (3, 7)}
    assert np.median(found) == 0
