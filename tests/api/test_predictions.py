"""`POST /predictions/`: stored once, drawn once, answered row by row."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime

import tests.factories as make
from labeling.models import (
    Deployment,
    Inspection,
    Prediction,
    Review,
    ReviewPolicy,
    SamplingDesign,
    Selection,
)
from models_registry import files
from models_registry.models import Alert, ModelVersion
from tests.api.line import Line, counts, draw_everything, error_of, image


def test_one_image_with_an_id_makes_its_inspection_and_item_in_one_go(line: Line) -> None:
    fields = line.row(serial="S1", lot="L1", captured_at="2026-11-24T06:00:00+01:00") | {
        "scores": '{"ok": 0.1, "scratch": 0.9}',
        "metadata": '{"tool": 7}',
    }
    answer = line.send_form({**fields, "image": image()})

    assert answer.status_code == 201
    inspection = Inspection.objects.get()
    assert (inspection.serial, inspection.lot, inspection.metadata, inspection.attempt) == ("S1", "L1", {"tool": 7}, 1)
    assert str(inspection.day) == "2026-11-24"
    item = inspection.items.get()
    assert files.read(item.image) == make.png()
    assert item.sha256 == hashlib.sha256(make.png()).hexdigest()
    assert Prediction.objects.get().confidence == 0.9


def test_the_answer_says_disposition_review_why_and_with_what_probability(line: Line) -> None:
    draw_everything(line)

    answer = line.send(line.row()).json()

    assert answer["disposition"] == "reject"
    assert (answer["review"], answer["deadline"], answer["probability"]) == ("measuring", None, 1)
    assert "chance of being checked" in answer["reason"]
    assert answer["review_id"] == Review.objects.get().pk


def test_a_part_that_is_not_drawn_is_answered_with_the_chance_it_had(line: Line) -> None:
    SamplingDesign.objects.filter(registered_model=line.model).update(budget=1e-9, audit_share=1)

    answer = line.send(line.row(label="ok", scores={"ok": 1})).json()

    assert (answer["disposition"], answer["review"], answer["review_id"]) == ("pass", "none", None)
    assert answer["probability"] == pytest.approx(1e-9)
    assert not Review.objects.exists()


def test_a_blocking_label_holds_the_part_with_a_deadline_and_what_happens_then(line: Line) -> None:
    draw_everything(line, blocking_labels=["scratch"])
    ReviewPolicy.objects.update(blocking_minutes=7, blocking_default="reject")
    before = timezone.now()

    answer = line.send(line.row()).json()

    assert (answer["disposition"], answer["review"], answer["default_disposition"]) == ("hold", "blocking", "reject")
    deadline = parse_datetime(answer["deadline"])
    assert deadline is not None
    assert timedelta(minutes=7) <= deadline - before < timedelta(minutes=8)
    assert Review.objects.get().priority == 0


def test_a_resend_gets_the_first_answer_and_makes_no_new_row(line: Line) -> None:
    draw_everything(line)
    row = line.row(serial="S1", metadata={"large": 1e30, "deep": [{"x": 0.1}], "n": 2**60})
    first = line.send(row)
    before = counts()

    second = line.send(row)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json() | {"status": "duplicate"}
    assert counts() == before


def test_a_resend_gets_the_first_disposition_though_another_version_spoke_since(line: Line) -> None:
    shadow = make.make_version(registered_model=line.model)
    first = line.send(line.row(label="ok", scores={"ok": 1}))
    line.send(line.row(version=shadow.number))

    again = line.send(line.row(label="ok", scores={"ok": 1}))

    assert (first.json()["disposition"], again.json()["disposition"]) == ("pass", "pass")


def test_a_second_version_gets_the_same_draw(line: Line) -> None:
    shadow = make.make_version(registered_model=line.model)
    draw_everything(line)

    first, second = (
        line.send(line.row()).json(),
        line.send(line.row(version=shadow.number, label="ok", scores=None, confidence=0.8)).json(),
    )

    assert second["status"] == "created"
    assert (second["review_id"], second["probability"]) == (first["review_id"], first["probability"])
    assert (Selection.objects.count(), Review.objects.count(), Prediction.objects.count()) == (1, 1, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": "ok"}, "prediction"),
        ({"scores": {"ok": 0.2, "scratch": 0.8}}, "prediction"),
        ({"serial": "S2"}, "serial"),
        ({"lot": "L2"}, "lot"),
        ({"metadata": {"a": 2}}, "metadata"),
        ({"captured_at": "2026-11-24T07:00:00Z"}, "captured_at"),
    ],
)
def test_other_content_under_a_taken_key_is_a_conflict_and_changes_nothing(
    line: Line, change: dict[str, Any], field: str
) -> None:
    row = line.row(serial="S1", lot="L1", metadata={"a": 1}, captured_at="2026-11-24T06:00:00Z")
    line.send(row)
    before = counts()

    error = error_of(line.send(row | change), 409)

    assert (error["code"], list(error["fields"]), error["row"]) == ("conflict", [field], 0)
    assert counts() == before


def test_a_serial_seen_again_is_the_next_attempt(line: Line) -> None:
    attempts = [line.send(line.row(number, serial="S1")).json()["attempt"] for number in (1, 2, 1, 3)]

    assert attempts == [1, 2, 1, 3]


def test_predictions_of_a_version_nobody_registered_are_stored_with_one_alert(line: Line) -> None:
    for number in range(3):
        assert line.send(line.row(number, version="line-build-77")).status_code == 201

    version = ModelVersion.objects.get(external_name="line-build-77")
    assert (version.origin, version.stage, version.score_kind) == ("observed", "observed", "probabilities")
    assert Alert.objects.get().kind == "unregistered_version"
    assert version.predictions.count() == 3
    assert Deployment.objects.get().model_version == version


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"scores": None}, "decision_only"),
        ({"scores": {"distance": 12.5}, "score_kind": "anomaly"}, "anomaly"),
        ({"scores": {"ok": 0.9, "scratch": 0.9}, "score_kind": "independent"}, "independent"),
    ],
)
def test_an_unknown_version_declares_its_kind_of_scores_with_its_first_row(
    line: Line, fields: dict[str, Any], kind: str
) -> None:
    assert line.send(line.row(version="new", **fields)).status_code == 201
    assert ModelVersion.objects.get(external_name="new").score_kind == kind

    other = next(one for one in ("anomaly", "independent") if one != kind)
    assert (
        error_of(line.send(line.row(2, version="new", **{**fields, "score_kind": other})))["code"]
        == "score_kind_differs"
    )


def test_a_refused_row_of_an_unknown_version_leaves_no_version_behind(line: Line) -> None:
    error_of(line.send(line.row(version="new", label="crack")))

    assert not ModelVersion.objects.filter(external_name="new").exists()
    assert not Alert.objects.exists()


def test_images_without_a_prediction_wait_for_their_first_label(line: Line) -> None:
    row = line.row(version=None, label=None, scores=None)

    answer = line.send(row, url="/api/v1/inspections/").json()

    assert (answer["disposition"], answer["review"], answer["probability"], answer["label"]) == (
        None,
        "measuring",
        1,
        None,
    )
    assert Review.objects.get().blind
    assert line.send(row, url="/api/v1/inspections/").json()["status"] == "duplicate"


def test_a_group_never_straddles_training_and_hold_out(line: Line) -> None:
    line.send([line.row(f"{group}-{n}", group=f"G{group}") for group in range(30) for n in range(2)])

    by_group: dict[str, set[str]] = {}
    for group, partition in Inspection.objects.values_list("group_id", "partition"):
        by_group.setdefault(group, set()).add(partition)
    assert len(by_group) == 30
    assert all(len(partitions) == 1 for partitions in by_group.values())
    assert set.union(*by_group.values()) == {"train", "holdout"}


def test_the_draws_come_as_often_as_their_stored_probabilities_say(line: Line) -> None:
    """With a fixed secret, so that this is one experiment and not a new one each time."""
    SamplingDesign.objects.update(budget=0.3, audit_share=0.5, secret="5a" * 32)
    line.send(
        [line.row(number, scores={"ok": 1 - s, "scratch": s}) for number in range(300) for s in [0.5 + number / 600]]
    )

    drawn = list(Selection.objects.values_list("drawn", "pi"))
    expected = sum(pi for _, pi in drawn)
    spread = sum(pi * (1 - pi) for _, pi in drawn) ** 0.5
    assert len({pi for _, pi in drawn}) > 100
    assert abs(sum(was for was, _ in drawn) - expected) < 3 * spread
    assert Review.objects.count() == sum(was for was, _ in drawn)


def test_a_new_part_costs_few_queries_and_a_list_no_more_per_part(line: Line) -> None:
    def queries(rows: list[dict[str, Any]]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert line.send(rows).status_code in {200, 201}
        return len([one for one in captured if "SAVEPOINT" not in one["sql"]])

    draw_everything(line)
    line.send(line.row("warm"))
    one, ten = queries([line.row("a")]), queries([line.row(f"b{n}") for n in range(10)])
    again = queries([line.row(f"b{n}") for n in range(10)])

    assert one <= 17
    assert (ten - one) / 9 <= 7
    assert (again - one) / 9 <= 6
