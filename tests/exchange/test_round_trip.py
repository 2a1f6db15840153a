"""Out of one model, into an empty one, out again: the same labels, boxes and splits, as far as a format has them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from labeling.exchange.rows import TruthRow
from labeling.exchange.truth import TruthFilter, TruthReader
from labeling.models import GroundTruth
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.exchange import foreign

pytestmark = pytest.mark.django_db(transaction=True)

LABELS = [("ok", "OK", "1"), ("scratch", "Scratch", "2"), ("red iron", "Red iron", "3"), ("Hot-Spot.Multi", "H", "4")]
STEEL = Path(__file__).resolve().parents[3] / "shared" / "data" / "images" / "xsdd_steel"
NO_STEEL = "THE ROUND TRIP WAS NOT TRIED ON REAL IMAGES: no X-SDD photographs at ../shared/data/images/xsdd_steel"


def model(slug: str) -> RegisteredModel:
    made = make.make_model(slug=slug, label_set=make.make_label_set(labels=LABELS))
    made.label_set.labels.filter(is_defect=True).update(severity=1)
    return made


def settled(made: RegisteredModel) -> None:
    """Good parts, boxed defects, a defect that nobody boxed, a bad image; both sides of the split; one prediction."""
    camera, version = make.make_source(), make.make_version(registered_model=made, external_name="cam-net 7.1")
    boxes = [{"label": "scratch", "box": [1.25, 2.5, 10.13, 20]}, {"label": "red iron", "box": [0, 0, 24, 3.33]}]
    found = [{"view": "main", "regions": boxes}]
    rows: list[tuple[str | None, list[Any]]] = [
        ("ok", []), ("scratch", found), ("Hot-Spot.Multi", []), (None, []), ("red iron", []), ("ok", []),
    ]  # fmt: skip
    for number, (label, findings) in enumerate(rows):
        inspection = make.make_inspection(
            station=camera.station, inspection_id=f"part {number}/ä=", serial=f"=SN-{number}", lot="L 7", recipe="-R",
            group_id=f"group {number}", partition="holdout" if number % 2 else "train",
        )  # fmt: skip
        make.make_item(inspection=inspection, source=camera, content=foreign.picture(number, kind="PNG"))
        make.make_prediction(version=version, inspection=inspection, label="scratch", confidence=0.75)
        make.make_ground_truth(registered_model=made, inspection=inspection, label=label, findings=findings)


def rows(made: RegisteredModel) -> list[TruthRow]:
    with TruthReader(made, TruthFilter()) as reader:
        return list(reader.rows())


def image_by_name(row: TruthRow) -> str:
    return row.images[0].sha256


def carried(row: TruthRow) -> tuple[Any, ...]:
    """What every format carries: which pixels, which label, which boxes, which side."""
    regions = [region for finding in row.findings for region in finding["regions"]]
    boxes = tuple((region["label"], tuple(map(float, region["box"]))) for region in regions)
    return image_by_name(row), row.label or "", row.outcome, boxes, row.partition


def of_the_part(row: TruthRow) -> tuple[Any, ...]:
    return row.inspection_id, row.serial, row.lot, row.recipe, row.group, row.n_verdicts


def there_and_back(how: str, folder: Path) -> tuple[list[TruthRow], list[TruthRow]]:
    before, after = model("before"), model("after")
    settled(before)
    call_command("export_truth", "before", str(folder / "truth.zip"), "--format", how, "--images")
    call_command("import_data", "after", str(folder / "truth.zip"), "--format", how)
    return sorted(rows(before), key=image_by_name), sorted(rows(after), key=image_by_name)


@pytest.mark.parametrize("how", ["jsonl", "csv", "coco", "label-studio"])
def test_what_these_formats_carry_comes_back(how: str, tmp_path: Path) -> None:
    before, after = there_and_back(how, tmp_path)
    assert [carried(row) for row in after] == [carried(row) for row in before]
    assert [of_the_part(row) for row in after] == [of_the_part(row) for row in before]
    assert {(row.method, row.purpose, row.pi, row.stratum) for row in after} == {("imported", "import", None, None)}
    if how != "coco":  # has no place for predictions beside the truth
        said = [(one.version, one.label, one.confidence) for row in after for one in row.predictions]
        assert said == [("cam-net 7.1", "scratch", 0.75)] * 6


def test_yolo_brings_back_labels_boxes_and_splits_but_neither_the_part_nor_a_bad_image(tmp_path: Path) -> None:
    before, after = there_and_back("yolo", tmp_path)
    assert [carried(row) for row in after] == [carried(row) for row in before if row.outcome == "label"]


@pytest.mark.parametrize("how", ["jsonl", "csv", "coco", "label-studio", "yolo"])
def test_a_second_trip_says_the_same_again(how: str, tmp_path: Path) -> None:
    there_and_back(how, tmp_path)
    first = sorted(map(carried, rows(RegisteredModel.objects.get(slug="after"))))
    call_command("export_truth", "after", str(tmp_path / "folder"), "--format", how, "--images")
    model("third")
    call_command("import_data", "third", str(tmp_path / "folder"), "--format", how)
    call_command("import_data", "third", str(tmp_path / "folder"), "--format", how)
    assert sorted(map(carried, rows(RegisteredModel.objects.get(slug="third")))) == first


@pytest.mark.slow
@pytest.mark.skipif(not STEEL.is_dir(), reason=NO_STEEL)
def test_photographs_of_steel_make_the_trip(tmp_path: Path) -> None:
    """Class names with spaces, JPEG and PNG mixed: 6 of each class, as folders in, as YOLO out and in again."""
    for folder in STEEL.iterdir():
        for path in sorted(folder.glob("*"))[::5][:6]:
            target = tmp_path / "steel" / folder.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    new = ("--create-labels", "--create-model")
    call_command("import_data", "one", str(tmp_path / "steel"), "--format", "folders", *new, "One")
    call_command("export_truth", "one", str(tmp_path / "yolo"), "--format", "yolo", "--images")
    call_command("import_data", "two", str(tmp_path / "yolo"), "--format", "yolo", "--ok-label", "fine", *new, "Two")
    assert sorted(map(carried, rows(RegisteredModel.objects.get(slug="two")))) == sorted(
        map(carried, rows(RegisteredModel.objects.get(slug="one")))
    )
    assert GroundTruth.objects.filter(registered_model__slug="two").count() == 42
    stored = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "steel").glob("*/*")}
    assert {row.images[0].sha256 for row in rows(RegisteredModel.objects.get(slug="two"))} == stored
