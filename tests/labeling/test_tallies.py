"""What the database adds up by itself, against what is added up anew from the facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

import tests.factories as make
from labeling.models import Arrival, GroundTruth, Inspection, PendingDraw, Prediction, SamplingDesign, Selection, Tally
from labeling.models.tallies import CELL, SUMS
from labeling.rebuilding import rebuild
from labeling.tallies import fold
from models_registry.models import ModelVersion
from tests.labeling.sums import added_up_anew, numbers, told

NOW = make.NOW


def of(dimension: str = "", **cell: Any) -> list[dict[str, Any]]:
    rows = [dict(zip((*CELL, *SUMS), (*key, *row), strict=True)) for key, row in told().items()]
    return [row for row in rows if row["dimension"] == dimension and all(row[k] == v for k, v in cell.items())]


@pytest.fixture
def version(db: None) -> ModelVersion:
    return make.make_version()


def part(version: ModelVersion, *, said: str = "ok", confidence: float | None = 0.8, **fields: Any) -> Inspection:
    names = ("purpose", "lot", "shift", "recipe", "attempt", "day")
    inspection = make.make_inspection(**{name: fields.pop(name) for name in names if name in fields})
    make.make_prediction(version=version, inspection=inspection, label=said, confidence=confidence)
    make.make_selection(inspection=inspection, registered_model=version.registered_model, **fields)
    return inspection


def judge(version: ModelVersion, inspection: Inspection, label: str | None) -> GroundTruth:
    return make.make_ground_truth(registered_model=version.registered_model, inspection=inspection, label=label)


def test_what_arrives_is_counted_drawn_or_not(version: ModelVersion) -> None:
    part(version, pi=0.5, floor_pi=0.25, u=0.1)
    part(version, pi=0.5, floor_pi=0.25, u=0.9)

    (cell,) = of(outcome="arrived")

    assert (cell["n_arrived"], cell["n_drawn"], cell["w_drawn"]) == (2, 1, 2.0)
    assert cell["g"] == pytest.approx(0.4)
    assert (cell["edge"], cell["floor_pi"], cell["is_certainty"]) == (1.5, 0.25, False)


def test_a_settled_truth_is_counted_with_the_powers_of_its_weight(version: ModelVersion) -> None:
    judge(version, part(version, pi=0.25), "dent")

    (cell,) = of(outcome="label")

    assert (cell["n"], cell["pi"], cell["w"], cell["w2"]) == (1, 0.25, 4, 16)
    assert [cell[name] for name in ("wg", "w2g", "wg2", "w2g2")] == pytest.approx([0.8, 3.2, 0.16, 0.64])


def test_what_was_not_drawn_is_counted_by_no_truth(version: ModelVersion) -> None:
    judge(version, part(version, pi=0.25, u=0.9), "dent")

    assert of(outcome="label") == []


def test_a_truth_that_changes_or_goes_leaves_nothing_behind(version: ModelVersion) -> None:
    truth = judge(version, part(version), "dent")
    truth.label = version.registered_model.label_set.labels.get(slug="ok")
    truth.save()

    (cell,) = of(outcome="label")
    assert cell["true_label"] == truth.label_id

    truth.delete()
    assert of(outcome="label") == []


def test_a_truth_that_only_moves_into_a_dataset_writes_nothing(version: ModelVersion) -> None:
    truth = judge(version, part(version), "dent")
    n_rows = Tally.objects.count()

    GroundTruth.objects.filter(pk=truth.pk).update(frozen_in=make.make_dataset(registered_model=truth.registered_model))

    assert Tally.objects.count() == n_rows


def test_a_withdrawn_part_is_counted_nowhere_and_comes_back_whole(version: ModelVersion) -> None:
    inspection = part(version)
    judge(version, inspection, "dent")
    before = told()

    Inspection.objects.filter(pk=inspection.pk).update(withdrawn_at=NOW)
    assert told() == {}

    Inspection.objects.filter(pk=inspection.pk).update(withdrawn_at=None)
    assert numbers(told()) == pytest.approx(numbers(before))


def test_imports_and_challenges_are_not_measured(version: ModelVersion) -> None:
    for purpose in ("import", "challenge"):
        judge(version, part(version, purpose=purpose), "dent")

    assert told() == {}
    assert not Arrival.objects.exists()


def test_two_designs_count_a_part_once_with_the_probability_of_either(version: ModelVersion) -> None:
    inspection = part(version, pi=0.5, u=0.9)
    judge(version, inspection, "dent")
    campaign = SamplingDesign.objects.create(registered_model=version.registered_model, number=9, is_active=False)

    make.make_selection(
        inspection=inspection, registered_model=version.registered_model, design=campaign, pi=0.2, u=0.1
    )

    (arrived,) = of(outcome="arrived")
    assert (arrived["n_arrived"], arrived["n_drawn"]) == (1, 1)
    assert arrived["w_drawn"] == pytest.approx(1 / 0.6)
    (settled,) = of(outcome="label")
    assert settled["pi"] == pytest.approx(0.6)
    assert Arrival.objects.count() == 1


def test_a_version_that_speaks_later_is_counted_with_what_is_known(version: ModelVersion) -> None:
    inspection = part(version)
    judge(version, inspection, "dent")
    challenger = make.make_version(registered_model=version.registered_model)

    make.make_prediction(version=challenger, inspection=inspection, label="dent")

    assert len(of(model_version=challenger.pk, outcome="arrived")) == 1
    assert len(of(model_version=challenger.pk, outcome="label")) == 1


def test_slices_hold_what_is_settled(version: ModelVersion) -> None:
    inspection = part(version, lot="L1", shift="night", recipe="R", confidence=1.0)
    make.make_review(inspection=inspection, registered_model=version.registered_model, blind=False)
    judge(version, inspection, "dent")

    keys = {row["dimension"]: row["key"] for row in told_rows() if row["dimension"]}

    assert keys == {
        "lot": "L1", "shift": "night", "recipe": "R", "attempt": "1", "shown": "shown", "confidence": "9",
    }  # fmt: skip


def told_rows() -> list[dict[str, Any]]:
    return [dict(zip(CELL, key, strict=True)) for key in told()]


def test_flags_count_whether_they_come_before_the_truth_or_after_it(version: ModelVersion) -> None:
    items = [make.make_item(), make.make_item()]
    for item in items:
        make.make_prediction(version=version, inspection=item.inspection)
        make.make_selection(inspection=item.inspection, registered_model=version.registered_model)
    make.make_quality(item=items[0], flags=["blurred"])
    for item in items:
        judge(version, item.inspection, "dent")
    quality = make.make_quality(item=items[1], flags=None)
    assert [(row["key"], row["n"]) for row in of("flag")] == [("blurred", 1)]

    quality.flags = ["blurred", "dark"]
    quality.save()

    assert sorted((row["key"], row["n"]) for row in of("flag")) == [("blurred", 1), ("blurred", 1), ("dark", 1)]
    assert numbers(told()) == pytest.approx(numbers(added_up_anew()))


def test_a_flag_of_two_views_is_one_of_the_part(version: ModelVersion) -> None:
    inspection = part(version)
    judge(version, inspection, "dent")
    views = [make.make_quality(item=make.make_item(inspection=inspection, view=view), flags=None) for view in "ab"]

    type(views[0]).objects.filter(pk__in=[one.pk for one in views]).update(flags=["dark"])
    assert [(row["key"], row["n"]) for row in of("flag")] == [("dark", 1)]

    type(views[0]).objects.filter(pk=views[0].pk).update(flags=[])
    assert [(row["key"], row["n"]) for row in of("flag")] == [("dark", 1)]
    type(views[0]).objects.filter(pk=views[1].pk).update(flags=[])
    assert of("flag") == []


def test_folding_changes_no_sum_and_leaves_one_row_a_cell(version: ModelVersion) -> None:
    for number in range(4):
        judge(version, part(version, pi=0.5, u=0.1), "dent" if number % 2 else "ok")
    before = told()

    fold()
    judge(version, part(version, pi=0.5, u=0.1), "ok").delete()
    fold()

    assert Tally.objects.filter(is_folded=False).count() == 0
    assert Tally.objects.count() == len(told())
    settled = {cell: row for cell, row in told().items() if cell[CELL.index("outcome")] == "label"}
    assert numbers(settled) == pytest.approx(
        numbers({cell: row for cell, row in before.items() if cell[CELL.index("outcome")] == "label"})
    )


def test_drawn_parts_wait_for_the_monitors_in_the_order_of_arrival(version: ModelVersion) -> None:
    parts = [part(version, pi=0.5, floor_pi=0.25, u=u) for u in (0.9, 0.9, 0.1, 0.1, 0.9)]

    assert fold() == 2

    drawn = [Prediction.objects.get(inspection=parts[place]).pk for place in (2, 3)]
    waiting = PendingDraw.objects.values_list("prediction", "n_before", "pi", "floor_pi")
    assert list(waiting) == [(drawn[0], 2, 0.5, 0.25), (drawn[1], 0, 0.5, 0.25), (None, 1, None, None)]
    assert not Arrival.objects.exists()


def test_parts_of_one_statement_arrive_in_their_order(version: ModelVersion) -> None:
    draws = [
        make.make_selection(inspection=make.make_inspection(), registered_model=version.registered_model, u=u)
        for u in (0.9, 0.1, 0.9, 0.1)
    ]
    Selection.objects.all().delete()
    for one in draws:
        make.make_prediction(version=version, inspection=one.inspection)

    Selection.objects.bulk_create(draws)
    fold()

    assert list(PendingDraw.objects.values_list("n_before", flat=True)) == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_finds_the_same_sums() -> None:
    version = make.make_version()
    for day in range(3):
        inspection = part(version, pi=0.3, u=0.1, day=(NOW - timedelta(days=day)).date(), lot="L")
        judge(version, inspection, "dent")
    part(version, pi=0.3, u=0.9)
    before = told()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM labeling_tally")

    assert rebuild() == 4

    assert numbers(told()) == pytest.approx(numbers(before))
