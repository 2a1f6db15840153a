"""The built-in trainer on real photographs of steel (X-SDD), which are not part of the repository."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.model_selection import train_test_split

from models_registry.training.features import extract
from models_registry.training.trainer import fit

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "images" / "xsdd_steel"
Described = tuple[NDArray[np.float32], NDArray[np.str_]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not FOLDER.is_dir(),
        reason="THE TRAINER WAS NOT TRIED ON REAL IMAGES: no X-SDD photographs at ../shared/data/images/xsdd_steel",
    ),
]


@pytest.fixture(scope="module")
def steel() -> Described:
    paths = sorted(FOLDER.glob("*/*"))
    features = []
    for path in paths:
        with Image.open(path) as image:
            features.append(extract(image))
    return np.stack(features), np.array([path.parent.name for path in paths])


@pytest.mark.parametrize(("n_labels", "least"), [(100, 0.80), (500, 0.93)])
def test_so_many_labels_reach_the_published_accuracy_on_images_not_seen(
    n_labels: int, least: float, steel: Described
) -> None:
    features, truth = steel
    for seed in (0, 1):
        rows = np.arange(len(truth))
        train, test = train_test_split(rows, train_size=n_labels, stratify=truth, random_state=seed)
        model = fit(features[train], truth[train], classes=sorted(set(truth.tolist())), seed=seed)
        said = np.array(model.classes)[model.predict_scores(features[test]).argmax(axis=1)]
        assert (truth[test] == said).mean() >= least
