"""The audit command: one file, one folder, a few hundred looks, one page. Twice is once, and nothing is half done."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from PIL import Image

import tests.factories as make
from labeling import queue, verdicts
from labeling.audit.opening import Wanted, open_audit
from labeling.audit.result import issue_audit
from labeling.audit.standing import standing_of
from labeling.measurement import measure
from labeling.models import Audit, Inspection, Item, Membership, Prediction, Review, Selection, Station
from labeling.windows import Window
from models_registry.models import Evaluation, LabelSet, RegisteredModel, Report
from models_registry.reporting.content import content_hash, read_content
from models_registry.services.reports import pdf_of
from reviewapp.errors import Conflict
from tests.labeling import xsdd

pytestmark = pytest.mark.django_db
NOW = make.NOW
Looks = Callable[[str], str | None]  # what an inspector says of a part; None: the image cannot be judged
TABLES = (RegisteredModel, LabelSet, Station, Inspection, Item, Prediction, Selection, Review, Audit)


class Shelf:
    """A folder of images and a file of predictions about them, as a customer hands them in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder / "images", folder / "said.csv"
        self.folder.mkdir()
        self.truth: dict[str, str] = {}

    def fill(self, n: int, *, wrong: int = 0, said: Callable[[int], str] = lambda number: "ok") -> Shelf:
        """``n`` parts, of which the first ``wrong`` are another thing than what was said of them."""
        lines = ["id,image,label,score"]
        for number in range(n):
            name = self.image(number, ("png", "jpg", "tif")[number % 3])
            label = said(number)
            self.truth[f"part-{number}"] = ("scratch" if label == "ok" else "ok") if number < wrong else label
            lines.append(f"part-{number},{name},{label},0.9")
        self.write(lines)
        return self

    def image(self, number: int, extension: str) -> str:
        name = f"{number}.{extension}"
        formats = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}
        Image.new("L", (16, 12), 40 + number % 180).save(self.folder / name, formats[extension])
        return name

    def write(self, lines: list[str]) -> None:
        self.file.write_text("\n".join(lines) + "\n")

    def wanted(self, **more: Any) -> Wanted:
        return Wanted(images=self.folder, predictions=self.file, **{"labels": ("scratch",), **more})

    def open(self, **more: Any) -> Audit:
        return open_audit(self.wanted(**more), now=NOW)[0]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def inspect(audit: Audit, looks: Looks, *, start: datetime = NOW, seconds: float = 6.0, least: int = 0) -> datetime:
    """One inspector judges the queue, as at the station: claims, looks for so long, says. Returns when that is done.

    ``least``: so many are left open.
    """
    inspector, clock = make.make_member(registered_model=audit.registered_model), start
    while reviews := queue.claim(user=inspector, registered_model=audit.registered_model, n=8, now=clock):
        for review in reviews:
            if standing_of(audit).n_open <= least:
                return clock
            clock += timedelta(seconds=seconds)
            label = looks(review.inspection.inspection_id)
            said = verdicts.Said(
                client_id=uuid.uuid4(), kind="label" if label else "bad_image", label=label, phase="blind",
                shown_at=clock - timedelta(seconds=seconds), said_at=clock,
            )  # fmt: skip
            verdicts.record_verdict(review_id=review.pk, reviewer=inspector, said=said, now=clock)
    return clock


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command("audit", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    return document[0].get_textpage().get_text_bounded()  # type: ignore[no-any-return]


def test_a_file_becomes_a_queue_of_exactly_so_many_parts_each_drawn_with_the_same_chance(shelf: Shelf) -> None:
    audit = shelf.fill(50).open(budget=20)
    draws = Selection.objects.filter(design=audit.design)
    assert (draws.count(), draws.filter(drawn=True).count()) == (50, 20)
    assert set(draws.values_list("pi", "floor_pi", "stratum")) == {(0.4, 0.4, "sampled")}
    assert sorted(draws.values_list("u", flat=True)) == [pytest.approx((rank + 0.5) / 50) for rank in range(50)]
    reviews = Review.objects.filter(registered_model=audit.registered_model)
    assert set(reviews.values_list("blind", "mode", "waits_for_image")) == {(True, "measuring", False)}
    assert reviews.count() == 20
    assert Item.objects.exclude(image="").count() == 20


def test_the_queue_is_in_the_order_of_the_draw_so_that_a_sorted_file_primes_nobody(shelf: Shelf) -> None:
    audit = shelf.fill(60, said=lambda number: "ok" if number < 30 else "dent").open(budget=60)
    reviews = Review.objects.filter(registered_model=audit.registered_model).order_by("pk")
    labels = list(reviews.values_list("prediction__label__slug", flat=True))
    assert labels.count("ok") == 30
    assert sum(one != other for one, other in pairwise(labels)) > 15


def test_the_same_file_is_the_same_audit_in_whatever_order_its_rows_stand(shelf: Shelf) -> None:
    audit = shelf.fill(30).open(budget=10)
    header, *rows = shelf.file.read_text().splitlines()
    shelf.write([header, *reversed(rows)])
    again, is_new = open_audit(shelf.wanted(), now=NOW + timedelta(days=1))
    assert (again, is_new, Audit.objects.count(), Inspection.objects.count()) == (audit, False, 1, 30)


def test_a_seed_draws_the_same_again_and_another_seed_another_sample(shelf: Shelf) -> None:
    shelf.fill(60)
    drawn = []
    for seed, model in ((7, "first"), (7, "second"), (8, "third")):
        audit = shelf.open(budget=20, seed=seed, model=model)
        parts = Selection.objects.filter(design=audit.design, drawn=True)
        drawn.append(set(parts.values_list("inspection__inspection_id", flat=True)))
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("wish", [{"budget": 12}, {"seed": 4}, {"version": "other"}])
def test_more_looks_after_a_look_at_the_number_are_refused(shelf: Shelf, wish: dict[str, Any]) -> None:
    shelf.fill(30).open(budget=10)
    with pytest.raises(Conflict, match="being audited as") as refusal:
        shelf.open(**wish)
    assert refusal.value.code == "audit_differs"


def test_the_page_says_the_number_its_interval_and_what_it_cannot_say(shelf: Shelf, tmp_path: Path) -> None:
    arguments = ("--predictions", shelf.file, "--images", shelf.folder, "--pdf", tmp_path / "page.pdf")
    shelf.fill(200, wrong=20)
    told = run(*arguments, "--budget", 100, "--label", "scratch", "--seed", 3)
    assert "0 of 100 judged" in told
    assert "/review/audit-said-" in told
    assert "password" in told
    audit = Audit.objects.get()
    inspect(audit, shelf.truth.__getitem__)
    told = run(*arguments)
    n_wrong = Report.objects.get().content["figures"][0]["n_found"]
    assert f"Labelled right: {100 - n_wrong}.0 %" in told
    page = text_of((tmp_path / "page.pdf").read_bytes())
    assert f"{100 - n_wrong}.0 %" in page
    assert "10 ppm cannot be shown by sampling: 100 reviews without an error show at most 3 %" in " ".join(page.split())
    assert Report.objects.get().sha256 in page


def test_the_number_is_that_of_the_sample_and_every_estimate_says_the_same(shelf: Shelf) -> None:
    audit = shelf.fill(120, wrong=30).open(budget=60)
    inspect(audit, shelf.truth.__getitem__)
    report = issue_audit(audit, by=None, close=False, now=NOW + timedelta(hours=1))
    evaluation, figure = Evaluation.objects.get(slice=f"audit/{audit.pk}"), read_content(report.content).figures[0]
    assert audit.model_version is not None
    weighted = measure(audit.model_version, Window.of_days(2, now=NOW)).estimate
    assert figure.value == pytest.approx(evaluation.value)
    assert figure.value == pytest.approx(weighted.value)
    assert (figure.n, figure.of, evaluation.method) == (60, 120, "srs_wilson_fpc")
    assert report.evaluations.get() == evaluation


def test_when_every_part_is_judged_the_number_is_exact(shelf: Shelf) -> None:
    audit = shelf.fill(40, wrong=4).open()
    inspect(audit, shelf.truth.__getitem__)
    content = read_content(issue_audit(audit, by=None, close=False, now=NOW).content)
    figure = content.figures[0]
    assert (figure.value, figure.low, figure.high) == (0.9, 0.9, 0.9)
    assert content.can[0].startswith("All 40 parts were judged, so the number is exact for them: 4 are")


@pytest.mark.slow
def test_no_error_found_is_told_as_a_bound(shelf: Shelf) -> None:
    audit = shelf.fill(400).open(budget=300)
    inspect(audit, shelf.truth.__getitem__)
    content = read_content(issue_audit(audit, by=None, close=False, now=NOW).content)
    assert content.figures[0].bound_only
    assert content.can[0].startswith("No error in 300 judged parts: at most 0.5 %")


def test_parts_that_cannot_be_judged_leave_the_number_and_are_counted(shelf: Shelf) -> None:
    audit = shelf.fill(100, wrong=10).open(budget=50)
    drawn = Selection.objects.filter(design=audit.design, drawn=True)
    blurred = set(drawn.values_list("inspection__inspection_id", flat=True)[:5])
    inspect(audit, lambda part: None if part in blurred else shelf.truth[part])
    content = read_content(issue_audit(audit, by=None, close=False, now=NOW).content)
    assert (content.figures[0].n, content.figures[0].of) == (45, 90)
    assert ("Not judgeable", "5") in content.facts


def test_escapes_are_given_for_passed_parts(shelf: Shelf) -> None:
    audit = shelf.fill(100, wrong=12, said=lambda number: "ok" if number % 2 else "scratch").open(budget=100)
    inspect(audit, shelf.truth.__getitem__)
    accuracy, escapes, overkill = read_content(issue_audit(audit, by=None, close=False, now=NOW).content).figures
    assert (accuracy.n_found, escapes.n_found, escapes.of, overkill.n_found, overkill.of) == (12, 6, 50, 6, 50)


def test_an_open_audit_has_no_number_unless_somebody_closes_it(shelf: Shelf) -> None:
    audit = shelf.fill(100, wrong=10).open(budget=60)
    inspect(audit, shelf.truth.__getitem__, least=10)
    with pytest.raises(Conflict, match="50 of 60 judged"):
        issue_audit(audit, by=None, close=False, now=NOW)
    content = read_content(issue_audit(audit, by=None, close=True, now=NOW).content)
    figure, (n_judged, n_wrong) = content.figures[0], (50, content.figures[0].n_found)
    assert figure.n == n_judged
    assert figure.low is not None
    assert figure.low < 1 - (n_wrong + 10) / 60 < 1 - n_wrong / 60 < figure.high  # type: ignore[operator]
    assert any("10 drawn parts are not settled" in one for one in content.cannot)


def test_a_report_is_issued_once_and_its_page_is_the_same_to_the_byte(shelf: Shelf) -> None:
    audit = shelf.fill(20).open()
    inspect(audit, shelf.truth.__getitem__)
    lena = make.make_user("lena")
    first = issue_audit(audit, by=lena, close=False, now=NOW)
    again = issue_audit(audit, by=None, close=False, now=NOW + timedelta(days=3))
    assert (first, Report.objects.count()) == (again, 1)
    assert pdf_of(first) == pdf_of(Report.objects.get())
    assert content_hash(Report.objects.get().content) == first.sha256
    assert "Signed by Lena" in text_of(pdf_of(first))


def test_without_predictions_the_images_are_labelled_before_a_model(shelf: Shelf) -> None:
    shelf.fill(30)
    wanted = Wanted(images=shelf.folder, labels=("ok", "scratch"), budget=20)
    audit, _ = open_audit(wanted, now=NOW)
    assert audit.model_version is None
    assert Review.objects.filter(reason="first_labels", blind=True).count() == 20
    inspect(audit, lambda part: "scratch" if part.startswith("1") else "ok")
    content = read_content(issue_audit(audit, by=None, close=False, now=NOW).content)
    assert [one.name for one in content.figures] == ["Parts that are ok", "Parts that are scratch"]
    assert content.version is None


def test_nothing_is_trained_on_an_audit_by_itself(shelf: Shelf) -> None:
    audit = shelf.fill(10).open()
    assert not audit.registered_model.retraining_policy.enabled


def test_a_known_model_keeps_its_own_design_for_what_lines_send(shelf: Shelf) -> None:
    model = make.make_model(slug="steel")
    audit = shelf.fill(30).open(model="steel", budget=10)
    assert audit.registered_model == model
    assert model.designs.get(is_active=True).pk != audit.design_id
    assert not audit.design.is_active


BAD = [
    (["id,image"], "file: the first line must name the columns id, image and label; label is not in: id, image"),
    (["id,image,label"], "file: has no row"),
    (["id,image,label", "a,0.png,"], "line 2, label: is empty"),
    (["id,image,label", "a,0.png,ok", "a,1.jpg,ok"], "line 3, id: “a” is the id of line 2 too"),
    (["id,image,label", "a,0.png,ok", "b,./0.png,ok"], "line 3, image: 0.png is the image of line 2 too"),
    (["id,image,label", "a,gone.png,ok"], "line 2, image: gone.png is not there"),
    (["id,image,label", "a,../said.csv,ok"], "line 2, image: ../said.csv is not there"),
    (["id,image,label", "a,broken.png,ok"], "line 2, image: broken.png: The file is not an image"),
    (["id,image,label,score", "a,0.png,ok,98 %"], "line 2, score: is a number from 0 to 1, not “98 %”"),
    (["id,image,label,score", "a,0.png,ok,nan"], "line 2, score: is a number from 0 to 1"),
    (["id,image,label,time", "a,0.png,ok,yesterday"], "line 2, time: is a moment like"),
    (["id,image,label,time", "a,0.png,ok,2126-01-01"], "line 2, time: lies in the future"),
    (["id,image,label", "a,0.png"], "file: line 2 has more or fewer cells"),
    (["id,image,label", f"{'a' * 121},0.png,ok"], "line 2, id: has more than 120 characters"),
]


@pytest.mark.parametrize(("lines", "told"), BAD, ids=[told for _, told in BAD])
def test_what_is_wrong_in_the_file_is_told_with_line_and_column_and_nothing_is_written(
    shelf: Shelf, lines: list[str], told: str
) -> None:
    shelf.fill(2)
    (shelf.folder / "broken.png").write_bytes(make.png()[:40])
    shelf.write(lines)
    with pytest.raises(CommandError, match="Nothing was written") as refusal:
        run("--predictions", shelf.file, "--images", shelf.folder, "--label", "scratch")
    assert told in str(refusal.value)
    assert {table.__name__: table._default_manager.count() for table in TABLES} == dict.fromkeys(
        (table.__name__ for table in TABLES), 0
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--images", "/nowhere"), "There is no folder /nowhere"),
        (("--predictions", "/nowhere/said.csv", "--images", "."), "There is no folder /nowhere"),
        (("--images", ".", "--time-zone", "Mars"), "Mars is no time zone"),
        (("--images", ".", "--budget", "0"), "is a number from 1"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run(*arguments)


def test_labels_that_a_known_model_does_not_have_are_all_named(shelf: Shelf) -> None:
    make.make_model(slug="steel")
    shelf.fill(9, said=lambda number: f"rust {number % 3}")
    with pytest.raises(CommandError, match="“rust 0”, “rust 1”, “rust 2”"):
        run("--predictions", shelf.file, "--images", shelf.folder, "--model", "steel")
    assert Inspection.objects.count() == 0


def test_one_label_is_nothing_to_choose_from(shelf: Shelf) -> None:
    shelf.fill(3)
    with pytest.raises(CommandError, match="at least two labels"):
        run("--predictions", shelf.file, "--images", shelf.folder)


def test_semicolons_other_names_of_columns_and_class_names_with_spaces_or_a_dot_are_read(shelf: Shelf) -> None:
    shelf.fill(2)
    shelf.file.write_bytes("\ufeffID;File;Predicted;Part;Time\r\n1;0.png;No. 1 rust;S-1;2026-11-20 06:00\r\n".encode())
    audit = shelf.open(zone="Europe/Berlin")
    part = Inspection.objects.get()
    assert (part.serial, part.captured_at.isoformat(), str(part.day)) == (
        "S-1",
        "2026-11-20T05:00:00+00:00",
        "2026-11-20",
    )
    assert Prediction.objects.get().label.slug == "No. 1 rust"
    assert audit.station.site.time_zone == "Europe/Berlin"


def test_an_inspector_who_is_there_already_gets_the_role_and_keeps_the_password(shelf: Shelf) -> None:
    alice = make.make_user("alice")
    told = run("--predictions", shelf.fill(4).file, "--images", shelf.folder, "--label", "dent", "--inspector", "alice")
    assert "password" not in told
    assert Membership.objects.get(user=alice).role == "inspector"
    assert User.objects.count() == 1


@xsdd.needs_xsdd
@pytest.mark.slow
@pytest.mark.slow
def test_an_inspector_who_takes_six_seconds_a_part_has_the_page_within_the_hour(tmp_path: Path) -> None:
    """Real photographs and real predictions, through the services that the station uses."""
    rows = xsdd.table("xsdd_steel_oof_extratrees")
    truth = {file.split(".")[0]: label for file, label, _, _ in rows}
    file = xsdd.predictions_file("xsdd_steel_oof_extratrees", tmp_path)
    wanted = Wanted(images=xsdd.IMAGES, predictions=file, seed=11, labels=tuple(sorted(set(truth.values()))))
    audit, _ = open_audit(wanted, now=NOW)
    end = inspect(audit, truth.__getitem__, seconds=6)
    report = issue_audit(audit, by=None, close=False, now=end)
    page = text_of(pdf_of(report))
    assert end - NOW < timedelta(minutes=60)
    figure = read_content(report.content).figures[0]
    accuracy = sum(true == said for _, true, said, _ in rows) / len(rows)
    assert (figure.n, figure.of) == (300, 816)
    assert figure.low <= accuracy <= figure.high  # type: ignore[operator]
    assert "816" in page
