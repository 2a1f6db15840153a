"""Rows that an edge agent held back while nobody heard: stored and drawn as ever, and nothing is answered late."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from labeling.models import DispositionRecord, Prediction, Review, SamplingDesign, Selection
from tests.api.line import Line, error_of
from tests.together import all_done

pytestmark = pytest.mark.django_db

CAPTURED = "2026-03-02T03:15:00+01:00"


@pytest.fixture
def blocking(line: Line) -> Line:
    """The part waits for a person when the model sees a scratch."""
    SamplingDesign.objects.update(budget=0.5, audit_share=1, rules={"blocking_labels": ["scratch"]})
    return line


def late(line: Line, number: object = 1, **fields: Any) -> dict[str, Any]:
    return line.row(number, **{"late": True, "answered": "reject", "captured_at": CAPTURED, **fields})


def test_a_late_row_is_stored_drawn_and_looked_at_but_holds_nothing(blocking: Line) -> None:
    answer = blocking.send(late(blocking))

    assert answer.status_code == 201
    said = answer.json()
    assert (said["disposition"], said["review"], said["deadline"], said["probability"]) == (
        "reject", "measuring", None, 1,
    )  # fmt: skip
    assert "had left" in said["reason"]
    record = DispositionRecord.objects.get()
    assert (record.origin, record.disposition, record.prediction_id) == ("edge", "reject", Prediction.objects.get().pk)
    assert record.created_at == Prediction.objects.get().predicted_at == record.inspection.captured_at


def test_a_late_row_is_drawn_as_it_would_have_been_in_time(line: Line) -> None:
    SamplingDesign.objects.update(budget=0.5)
    numbers = range(40)
    rows = [late(line, number, label="ok", scores={"ok": 0.8, "scratch": 0.2}) for number in numbers]
    line.send(rows)
    drawn = dict(Selection.objects.values_list("inspection__inspection_id", "drawn"))
    fates = dict(Selection.objects.values_list("inspection__inspection_id", "pi"))
    Review.objects.all().delete()
    for table in (DispositionRecord, Selection, Prediction):
        table.objects.all().delete()

    in_time = [{k: v for k, v in row.items() if k not in {"late", "answered"}} for row in rows]
    line.send(in_time)

    assert dict(Selection.objects.values_list("inspection__inspection_id", "drawn")) == drawn
    assert dict(Selection.objects.values_list("inspection__inspection_id", "pi")) == fates
    assert 0 < sum(drawn.values()) < 40


def test_sent_again_a_late_row_changes_nothing(blocking: Line) -> None:
    first = blocking.send(late(blocking)).json()

    again = blocking.send(late(blocking))

    assert (again.status_code, again.json()) == (200, first | {"status": "duplicate"})
    assert DispositionRecord.objects.count() == Review.objects.count() == 1


def test_an_answer_of_ours_that_came_too_late_is_revoked_and_its_review_holds_no_longer(blocking: Line) -> None:
    in_time = blocking.send(blocking.row(captured_at=CAPTURED)).json()
    assert (in_time["disposition"], in_time["review"]) == ("hold", "blocking")

    answer = blocking.send(late(blocking, answered="pass")).json()

    assert (answer["status"], answer["disposition"], answer["review"]) == ("duplicate", "pass", "measuring")
    records = dict(DispositionRecord.objects.values_list("origin", "revoked_at"))
    assert records["answered"] is not None
    assert records["edge"] is None
    review = Review.objects.get()
    assert (review.mode, review.deadline, review.default_disposition, review.status) == ("measuring", None, "", "open")


def test_a_resend_without_late_is_told_what_the_edge_answered(line: Line) -> None:
    line.send(late(line, answered="hold"))

    assert line.send(line.row(captured_at=CAPTURED)).json()["disposition"] == "hold"


def test_another_answer_for_the_same_prediction_is_a_conflict(line: Line) -> None:
    line.send(late(line))

    error = error_of(line.send(late(line, answered="pass")), 409)

    assert (error["code"], list(error["fields"])) == ("conflict", ["answered"])
    assert DispositionRecord.objects.get().disposition == "reject"


def test_views_of_one_part_were_answered_together(line: Line) -> None:
    line_up = [late(line, view="top"), late(line, view="side", answered="pass")]

    refused = line.send(line_up)

    assert {row["error"]["code"] for row in refused.json()["results"]} == {"conflict"}
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"answered": None}, "answered"),
        ({"captured_at": None}, "captured_at"),
        ({"late": None}, "answered"),
        ({"late": False}, "answered"),
        ({"answered": "scrap"}, "answered"),
        ({"late": "perhaps"}, "late"),
    ],
)
def test_half_a_late_row_is_refused_with_the_field(line: Line, fields: dict[str, Any], field: str) -> None:
    error = error_of(line.send(late(line, **fields)))

    assert list(error["fields"]) == [field]
    assert not Prediction.objects.exists()


def test_images_without_a_prediction_are_never_late(line: Line) -> None:
    row = late(line, label=None, version=None, scores=None)

    assert list(error_of(line.send(row, url="/api/v1/inspections/"))["fields"]) == ["late"]


@pytest.mark.django_db(transaction=True)
def test_twins_in_the_same_moment_record_the_edges_answer_once(line: Line) -> None:
    answers = all_done([partial(line.send, late(line))] * 6)

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert DispositionRecord.objects.count() == 1
