"""Labels in from elsewhere: read as the tools write them, stored once, told apart from what people said here."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from labeling.exchange import jobs
from labeling.exchange.places import import_camera
from labeling.models import GroundTruth, Import, Inspection, Item, Prediction, Review, Selection
from models_registry.models import LabelSet, ModelVersion, RegisteredModel
from tests import factories as make
from tests.exchange import foreign

pytestmark = pytest.mark.django_db

LABELS = [("ok", "OK", "1"), ("scratch", "Scratch", "2"), ("dent", "Dent", "3"), ("red iron", "Red iron", "4"),
          ("Hot-Spot.Multi", "Hot spots", "5")]  # fmt: skip


@pytest.fixture
def model() -> RegisteredModel:
    """Its defects are equally grave, so the order of the set says which one speaks for a part with several."""
    model = make.make_model(slug="steel", label_set=make.make_label_set(labels=LABELS))
    model.label_set.labels.filter(is_defect=True).update(severity=1)
    return model


def run(model: RegisteredModel, path: Path, how: str, *, camera: str = "", **options: Any) -> Import:
    """An import from start to end, as a worker does it."""
    wanted = jobs.Wanted(format=how, file_name=path.name, path=str(path), **options)
    job = jobs.request_import(
        registered_model=model, camera=import_camera(model, camera), wanted=wanted, requested_by=None, now=make.NOW
    )
    mine = jobs.claim(job.pk, now=make.NOW, lost_after=timedelta(0))
    assert mine is not None
    assert jobs.work(mine, clock=timezone.now)
    job.refresh_from_db()
    return job


def counts(job: Import) -> tuple[int, int, int, int]:
    assert job.status == "done", job.outcome
    return job.n_new, job.n_known, job.n_conflicts, job.n_refused


def told(job: Import) -> set[tuple[str, str, str]]:
    return {(one["kind"], one["code"], one["field"]) for one in jobs.listed(job)}


def truths() -> dict[str, str]:
    rows = GroundTruth.objects.values_list("inspection__inspection_id", "label__slug")
    return {part: label or "(bad image)" for part, label in rows}


def boxes(part: str) -> list[tuple[str, list[float]]]:
    (truth,) = GroundTruth.objects.filter(inspection__inspection_id=part)
    return [(region["label"], region["box"]) for finding in truth.findings for region in finding["regions"]]


def test_folders_become_parts_with_labels_that_train_and_do_not_measure(model: RegisteredModel, tmp_path: Path) -> None:
    job = run(model, foreign.write(tmp_path / "set", foreign.FOLDERS), "folders")
    assert counts(job) == (4, 0, 0, 1)
    assert truths() == {
        "ok/1.jpg": "ok", "red iron/2.png": "red iron", "Hot-Spot.Multi/3.jpg": "Hot-Spot.Multi",
        "Hot-Spot.Multi/4.jpg": "Hot-Spot.Multi",
    }  # fmt: skip
    assert ("note", "same_image_other_label", "label") in told(job)
    assert ("refused", "image_not_readable", "image") in told(job)
    assert set(Inspection.objects.values_list("purpose", flat=True)) == {"import"}
    assert set(GroundTruth.objects.values_list("method", flat=True)) == {"imported"}
    assert not Selection.objects.exists()
    assert not Review.objects.exists()
    assert {(item.width, item.height) for item in Item.objects.all()} == {(24, 40), (2800, 20)}
    assert GroundTruth.objects.trainable(model).count() == 4


def test_twins_lie_on_the_same_side_of_the_split(model: RegisteredModel, tmp_path: Path) -> None:
    same = foreign.picture(77)
    run(model, foreign.write(tmp_path, {"val/ok/1.jpg": same, "train/ok/2.jpg": same}), "folders")
    assert len(set(Inspection.objects.values_list("partition", flat=True))) == 1


def test_coco_with_all_that_is_odd_in_it(model: RegisteredModel, tmp_path: Path) -> None:
    job = run(model, foreign.archive(tmp_path / "coco.zip", foreign.COCO), "coco")
    assert truths() == {"line 3/a.jpg": "scratch", "b.jpg": "ok"}
    assert boxes("line 3/a.jpg") == [("dent", [2.5, 3, 10.25, 6]), ("scratch", [0, 0, 4, 4])]
    assert set(Inspection.objects.values_list("partition", flat=True)) == {"holdout"}
    assert told(job) == {
        ("note", "crowd", "iscrowd"), ("refused", "refused", "image_id"), ("refused", "image_missing", "image"),
        ("refused", "nothing_said", "label"),
    }  # fmt: skip


def test_yolo_with_all_that_is_odd_in_it(model: RegisteredModel, tmp_path: Path) -> None:
    job = run(model, foreign.write(tmp_path / "yolo", foreign.YOLO), "yolo")
    assert truths() == {"train/a": "scratch", "train/empty": "ok", "val/polygon": "Hot-Spot.Multi"}
    assert boxes("train/a") == [("scratch", [9, 16, 6, 8]), ("red iron", [3, 5, 6, 10])]
    assert boxes("val/polygon") == [("Hot-Spot.Multi", [6, 10, 12, 10])]
    sides = dict(Inspection.objects.values_list("inspection_id", "partition"))
    assert (sides["train/a"], sides["val/polygon"]) == ("train", "holdout")
    assert told(job) == {
        ("refused", "no_labels", "labels"), ("refused", "refused", "class"), ("refused", "refused", "line"),
        ("refused", "nothing_said", "label"),
    }  # fmt: skip


def test_label_studio_with_all_that_is_odd_in_it(model: RegisteredModel, tmp_path: Path) -> None:
    job = run(model, foreign.archive(tmp_path / "ls.zip", foreign.LABEL_STUDIO), "label-studio")
    assert truths() == {"line3/a.jpg": "scratch", "upload/1/0a1b2c3d-b.jpg": "dent", "d.jpg": "ok"}
    assert boxes("line3/a.jpg") == [("scratch", [6, 20, 12, 10])]
    assert GroundTruth.objects.get(label__slug="dent").n_verdicts == 2
    said = {one.model_version.external_name: (one.label.slug, one.confidence) for one in Prediction.objects.all()}
    assert said == {"yolo-v8": ("dent", 0.87), "resnet": ("scratch", None)}
    assert set(ModelVersion.objects.values_list("origin", "stage")) == {("external", "observed")}
    assert told(job) == {
        ("note", "score_left_out", "score"), ("refused", "annotations_differ", "annotations"),
        ("refused", "image_is_an_address", "image"), ("refused", "nothing_said", "label"),
    }  # fmt: skip


def test_cvat_with_boxes_tags_polygons_and_what_is_not_taken(model: RegisteredModel, tmp_path: Path) -> None:
    job = run(model, foreign.archive(tmp_path / "cvat.zip", foreign.CVAT), "cvat")
    assert truths() == {"a.jpg": "scratch", "b.jpg": "dent", "c.jpg": "ok"}
    assert boxes("a.jpg") == [("scratch", [2, 3.5, 10, 10]), ("dent", [1, 1, 4, 3])]
    sides = dict(Inspection.objects.values_list("inspection_id", "partition"))
    assert (sides["a.jpg"], sides["b.jpg"]) == ("train", "holdout")
    assert ("note", "kind_not_taken", "points") in told(job)


@pytest.mark.parametrize("text", [foreign.BOMB, foreign.ELSEWHERE], ids=["bomb", "elsewhere"])
def test_an_xml_bomb_is_refused_before_it_unfolds(text: str, model: RegisteredModel, tmp_path: Path) -> None:
    job = run(model, foreign.archive(tmp_path / "cvat.zip", {"annotations.xml": text}), "cvat")
    assert job.status == "failed"
    assert "xml_refused" in job.outcome
    assert not Inspection.objects.exists()


def test_a_table_with_part_time_score_and_metadata(model: RegisteredModel, tmp_path: Path) -> None:
    table = (
        "part,time,image,label,predicted,score,model_version,metadata,colour,split\r\n"
        'SN-1,2026-11-20T06:00:00+01:00,a.jpg,scratch,ok,0.75,net-7,"{""oven"": 3}",red,test\r\n'
        "'=SN-2,2026-11-20 06:00,b.jpg,ok,,,,,,\r\n"
        "SN-3,,b.jpg,ok,,,,,,\r\n"
        "SN-1,,c.jpg,ok,,,,[],,\r\n"
        "SN-1,,c.jpg,ok,ok,1.5,,,,\r\n"
        "SN-1,,c.jpg,ok\r\n"
    )
    pictures = {f"{name}.jpg": foreign.picture(shade) for name, shade in (("a", 1), ("b", 2), ("c", 3))}
    foreign.write(tmp_path, {"labels.csv": table, **pictures})
    job = run(model, tmp_path / "labels.csv", "csv")
    assert counts(job) == (2, 0, 0, 4)
    part = Inspection.objects.get(inspection_id="a.jpg")
    assert (part.serial, part.captured_at.hour, part.metadata, part.partition) == ("SN-1", 5, {"oven": 3}, "holdout")
    prediction = Prediction.objects.get()
    assert (prediction.label.slug, prediction.confidence) == ("ok", 0.75)
    assert {(one["row"], one["field"]) for one in jobs.listed(job) if one["kind"] == "refused"} == {
        (1, "captured_at"), (3, "metadata"), (4, "prediction_confidence"), (5, "row"),
    }  # fmt: skip
    assert ("note", "not_read", "header") in told(job)


SETS: dict[str, dict[str, bytes | str]] = {
    "folders": foreign.FOLDERS, "coco": foreign.COCO, "yolo": foreign.YOLO, "label-studio": foreign.LABEL_STUDIO,
    "cvat": foreign.CVAT,
}  # fmt: skip


@pytest.mark.parametrize("how", SETS)
def test_a_second_run_finds_everything_known(how: str, model: RegisteredModel, tmp_path: Path) -> None:
    path = foreign.archive(tmp_path / "set.zip", SETS[how])
    first = run(model, path, how)
    rows = Inspection.objects.count(), Item.objects.count(), Prediction.objects.count(), GroundTruth.objects.count()
    second = run(model, path, how)
    assert (second.n_new, second.n_known, second.n_conflicts) == (0, first.n_new, 0)
    assert second.n_refused == first.n_refused
    again = Inspection.objects.count(), Item.objects.count(), Prediction.objects.count(), GroundTruth.objects.count()
    assert again == rows


@pytest.mark.parametrize("how", SETS)
def test_a_dry_run_tells_the_same_and_writes_nothing(how: str, model: RegisteredModel, tmp_path: Path) -> None:
    path = foreign.archive(tmp_path / "set.zip", SETS[how])
    dry = run(model, path, how, dry_run=True)
    assert not Inspection.objects.exists()
    assert not ModelVersion.objects.exists()
    wet = run(model, path, how)
    assert counts(dry) == counts(wet)
    assert told(dry) == told(wet)


def test_other_content_under_a_known_name_is_a_conflict_and_changes_nothing(
    model: RegisteredModel, tmp_path: Path
) -> None:
    head = "inspection_id,image,label,serial,findings\n"
    box = '"[{""view"": ""main"", ""regions"": [{""label"": ""dent"", ""box"": [1, 1, 5, %d]}]}]"'
    pictures = {f"{n}.jpg": foreign.picture(n) for n in range(5)}
    foreign.write(tmp_path, pictures)
    rows = [f"p{n},{n}.jpg,dent,SN-{n},{box % 5}\n" for n in range(4)]
    (tmp_path / "labels.csv").write_text(head + "".join(rows))
    assert counts(run(model, tmp_path / "labels.csv", "csv")) == (4, 0, 0, 0)
    changed = [
        f"p0,0.jpg,ok,SN-0,{box % 5}\n", f"p1,4.jpg,dent,SN-1,{box % 5}\n", f"p2,2.jpg,dent,SN-9,{box % 5}\n",
        f"p3,3.jpg,dent,SN-3,{box % 9}\n",
    ]  # fmt: skip
    (tmp_path / "labels.csv").write_text(head + "".join(changed))
    before = truths()
    job = run(model, tmp_path / "labels.csv", "csv")
    assert counts(job) == (0, 0, 4, 0)
    found = [(one["row"], one["field"]) for one in jobs.listed(job)]
    assert found == [(0, "label"), (1, "image"), (2, "serial"), (3, "box")]
    assert truths() == before


def test_what_was_inspected_here_gets_no_truth_from_a_file(model: RegisteredModel, tmp_path: Path) -> None:
    """A drawn inspection whose label came from elsewhere would be counted in the estimate."""
    camera = make.make_source(slug="cam-1")
    make.make_inspection(station=camera.station, inspection_id="p1")
    (tmp_path / "labels.csv").write_text("inspection_id,label\np1,ok\n")
    job = run(model, tmp_path / "labels.csv", "csv", camera="cam-1")
    assert counts(job) == (0, 0, 1, 0)
    assert not GroundTruth.objects.exists()


def test_all_unknown_labels_are_told_at_once_and_nothing_is_stored(tmp_path: Path) -> None:
    model = make.make_model()
    job = run(model, foreign.write(tmp_path / "set", foreign.FOLDERS), "folders")
    assert job.status == "failed"
    assert "“Hot-Spot.Multi” (3 times), “red iron” (1 times)" in job.outcome
    assert "unknown_labels" in job.outcome
    assert not Inspection.objects.exists()


def test_a_new_model_gets_the_labels_of_the_file(tmp_path: Path) -> None:
    path = foreign.write(tmp_path / "set", foreign.FOLDERS)
    call_command("import_data", "steel", str(path), "--format", "folders", "--create-model", "Steel", "--create-labels")
    labels = LabelSet.objects.get(slug="steel").labels.values_list("slug", "is_defect", "disposition", "hotkey")
    assert list(labels) == [
        ("ok", False, "pass", "1"), ("Hot-Spot.Multi", True, "reject", "2"), ("red iron", True, "reject", "3"),
    ]  # fmt: skip
    (path / "stain").mkdir()
    (path / "stain" / "9.jpg").write_bytes(foreign.picture(99))
    with pytest.raises(CommandError, match="has data already"):
        call_command("import_data", "steel", str(path), "--format", "folders", "--create-labels")


def test_a_part_without_a_mark_needs_a_label_that_says_good(tmp_path: Path) -> None:
    labels = [("fine", "Fine", "1"), ("good", "Good", "2"), ("scratch", "Scratch", "3"), ("red iron", "", "4"),
              ("Hot-Spot.Multi", "", "5")]  # fmt: skip
    model = make.make_model(label_set=make.make_label_set(labels=labels))
    model.label_set.labels.filter(slug__in=["fine", "good"]).update(is_defect=False)
    path = foreign.write(tmp_path / "yolo", foreign.YOLO)
    assert "ok_label_missing" in run(model, path, "yolo").outcome
    run(model, path, "yolo", ok_label="fine")
    assert truths()["train/empty"] == "fine"


def zip_of(name: str, content: bytes = b"x") -> Callable[[Path], Path]:
    return lambda folder: foreign.archive(folder / "set.zip", {"ok/1.jpg": foreign.picture(5), name: content})


def linked(folder: Path) -> Path:
    info = zipfile.ZipInfo("ok/link.jpg")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return folder / "set.zip"


@pytest.mark.parametrize(
    "bad",
    [
        zip_of("../../etc/cron.d/x"),
        zip_of("/etc/x"),
        zip_of("a\\..\\b"),
        zip_of("ok/bomb.png", bytes(64 << 20)),
        linked,
    ],
    ids=["up", "absolute", "backslash", "bomb", "link"],
)
def test_an_archive_in_bad_faith_is_refused_whole(bad: Any, model: RegisteredModel, tmp_path: Path) -> None:
    job = run(model, bad(tmp_path), "folders")
    assert job.status == "failed"
    assert "archive_refused" in job.outcome
    assert not Inspection.objects.exists()


@pytest.mark.parametrize("how", SETS)
def test_an_archive_whose_bytes_are_spoilt_fails_or_refuses_rows_and_never_breaks(
    how: str, model: RegisteredModel, tmp_path: Path
) -> None:
    path = foreign.archive(tmp_path / "set.zip", SETS[how])
    content = bytearray(path.read_bytes())
    for at in range(60, len(content) // 2, 31):
        content[at] ^= 0x55
    path.write_bytes(bytes(content))
    job = run(model, path, how)
    assert job.status in {"done", "failed"}
    assert "Something broke" not in job.outcome


def test_a_document_names_no_file_outside_of_its_folder(model: RegisteredModel, tmp_path: Path) -> None:
    foreign.write(tmp_path, {"secret.jpg": foreign.picture(9), "set/labels.csv": "image,label\n../secret.jpg,ok\n"})
    (tmp_path / "set" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with (tmp_path / "set" / "labels.csv").open("a") as table:
        table.write(f"link.jpg,ok\n{tmp_path}/secret.jpg,ok\n")
    job = run(model, tmp_path / "set" / "labels.csv", "csv")
    assert counts(job) == (0, 0, 0, 3)
    assert told(job) == {("refused", "image_missing", "image")}


def test_a_worker_that_lost_its_import_writes_no_batch_more(model: RegisteredModel, tmp_path: Path) -> None:
    path = foreign.write(tmp_path / "set", foreign.FOLDERS)
    wanted = jobs.Wanted(format="folders", file_name="set", path=str(path))
    job = jobs.request_import(
        registered_model=model, camera=import_camera(model), wanted=wanted, requested_by=None, now=make.NOW
    )
    slow = jobs.claim(job.pk, now=make.NOW, lost_after=timedelta(seconds=60))
    assert slow is not None
    assert jobs.claim(job.pk, now=make.NOW + timedelta(seconds=59), lost_after=timedelta(seconds=60)) is None
    later = make.NOW + timedelta(seconds=61)
    assert jobs.lost(now=later, lost_after=timedelta(seconds=60)) == [job.pk]
    quick = jobs.claim(job.pk, now=later, lost_after=timedelta(seconds=60))
    assert quick is not None
    assert jobs.work(slow, clock=timezone.now)
    assert not Inspection.objects.exists()
    assert jobs.work(quick, clock=timezone.now)
    assert Inspection.objects.count() == 4


def test_an_import_goes_on_slice_by_slice_where_it_stopped(
    model: RegisteredModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    path = foreign.write(tmp_path / "set", foreign.FOLDERS)
    wanted = jobs.Wanted(format="folders", file_name="set", path=str(path))
    job = jobs.request_import(
        registered_model=model, camera=import_camera(model), wanted=wanted, requested_by=None, now=make.NOW
    )
    seen = []
    for _ in range(10):
        mine = jobs.claim(job.pk, now=timezone.now(), lost_after=timedelta(seconds=60))
        if mine is None:
            break
        is_over = jobs.work(mine, clock=timezone.now, seconds=0)
        job.refresh_from_db()
        seen.append((job.status, job.n_done))
        assert is_over == (job.status == "done")
    assert seen == [("queued", 2), ("queued", 4), ("queued", 5), ("done", 5)]
    assert counts(job) == (4, 0, 0, 1)
    assert [one["code"] for one in jobs.listed(job) if one["kind"] == "refused"] == ["image_not_readable"]
