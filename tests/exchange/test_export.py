"""Settled labels out: everything that the tables know of them, streamed, in one moment, to members only."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from labeling.exchange import query
from labeling.exchange.truth import TruthFilter, TruthReader, in_blocks
from labeling.models import GroundTruth, Inspection, Membership, Selection
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.story import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def judged(model: RegisteredModel, *, label: str = "scratch", **fields: Any) -> GroundTruth:
    """A part with an image, a prediction, a draw, a review, a verdict by alice, and what was settled."""
    source = make.make_source()
    version = model.versions.first() or make.make_version(registered_model=model, external_name="cam-net-7")
    inspection = make.make_inspection(station=source.station, **{"serial": "SN-1", "lot": "L7", **fields})
    make.make_item(inspection=inspection, source=source, content=make.png())
    prediction = make.make_prediction(version=version, inspection=inspection, label="dent", confidence=0.75)
    make.make_selection(inspection=inspection, registered_model=model, pi=0.25)
    review = make.make_review(prediction=prediction, status="settled")
    regions = [{"view": "main", "regions": [{"label": label, "box": [1.5, 2, 3, 2.25]}]}]
    make.make_verdict(review=review, label=label, findings=regions)
    return make.make_ground_truth(registered_model=model, inspection=inspection, label=label, method="single")


def get(user: User, model: RegisteredModel, **parameters: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/api/v1/models/{model.slug}/ground-truth/export/", parameters)


def body(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def test_a_label_comes_with_all_that_led_to_it() -> None:
    model = make.make_model()
    truth = judged(model)
    dataset = make.make_dataset(registered_model=model)
    GroundTruth.objects.update(frozen_in=dataset)
    answer = get(make.make_member("lead", registered_model=model), model)
    row = json.loads(body(answer))
    inspection, draw = truth.inspection, Selection.objects.get()
    assert (answer["Reviewapp-Rows"], answer["Content-Type"]) == ("1", "application/x-ndjson")
    item, verdict = inspection.items.get(), model.reviews.get().verdicts.get()
    assert row == {
        "inspection_id": inspection.inspection_id, "station": inspection.station.slug, "source": item.source.slug,
        "serial": "SN-1", "attempt": 1, "lot": "L7", "recipe": "", "captured_at": "2026-11-23T14:00:00+00:00",
        "day": "2026-11-23", "shift": "", "purpose": "production", "group": inspection.group_id, "partition": "train",
        "label": "scratch", "outcome": "label", "findings": verdict.findings, "n_verdicts": 1, "n_reviewers": 1,
        "method": "single", "decided_at": "2026-11-23T14:00:00+00:00", "verdicts": [verdict.pk],
        "reviews": [verdict.review_id], "pi": 0.25, "stratum": "sampled", "design": draw.design.number,
        "predictions": [
            {"version": "cam-net-7", "number": 1, "label": "dent", "confidence": 0.75, "findings": []}
        ],
        "images": [
            {"view": "main", "source": item.source.slug, "key": item.image, "content_type": "image/png",
             "sha256": item.sha256, "width": 8, "height": 6}
        ],
        "dataset": dataset.pk, "dataset_sha256": dataset.sha256,
    }  # fmt: skip


def test_a_label_that_two_designs_drew_comes_once_with_the_chance_of_both() -> None:
    model = make.make_model()
    inspection = judged(model).inspection
    lena = make.make_member("lead", registered_model=model)
    for number, pi, union in ((2, 0.5, 0.625), (3, 1.0, 1.0)):
        campaign = make.make_campaign(registered_model=model, number=number)
        make.make_selection(inspection=inspection, registered_model=model, design=campaign, pi=pi)
        row = json.loads(body(get(lena, model)))
        assert (row["pi"], row["stratum"], row["design"]) == (pytest.approx(union), "sampled", 1)


def test_nobody_is_named() -> None:
    model = make.make_model()
    judged(model)
    for name in ("jsonl", "csv"):
        assert b"alice" not in body(get(make.make_member("lead", registered_model=model), model, format=name)).lower()


def test_the_table_holds_the_same_and_runs_no_formula() -> None:
    model = make.make_model()
    judged(model, serial="=cmd|' /C calc'!A0", lot="-L7", recipe="'quoted")
    table = body(get(make.make_member("lead", registered_model=model), model, format="csv")).decode()
    (row,) = csv.DictReader(io.StringIO(table))
    assert tuple(row) == query.CSV_HEADER
    assert (row["serial"], row["lot"], row["recipe"]) == ("'=cmd|' /C calc'!A0", "'-L7", "''quoted")
    assert (row["label"], row["prediction_label"], row["prediction_version"]) == ("scratch", "dent", "cam-net-7")
    assert json.loads(row["findings"])[0]["regions"][0]["box"] == [1.5, 2, 3, 2.25]


def test_text_that_json_must_escape_arrives_as_it_was() -> None:
    model = make.make_model()
    lot = 'a"b\\c\td\nü\u2028,;'
    judged(model, lot=lot)
    with TruthReader(model, TruthFilter()) as reader:
        assert [row.lot for row in reader.rows()] == [lot]


def test_what_was_taken_back_or_withdrawn_is_not_a_verdict() -> None:
    model = make.make_model()
    judged(model)
    review = model.reviews.get()
    first = review.verdicts.get()
    last = make.make_verdict(review=review, label="scratch", supersedes=first)
    with TruthReader(model, TruthFilter()) as reader:
        assert [(row.verdicts, row.n_reviewers) for row in reader.rows()] == [([last.pk], 1)]


@pytest.mark.parametrize(
    ("parameters", "n"),
    [
        ({}, 3),
        ({"label": "ok"}, 1),
        ({"label": "no such"}, 0),
        ({"since": "2026-11-23T14:30:00Z"}, 1),
        ({"until": "2026-11-23T15:30:00+01:00"}, 2),
        ({"method": "adjudication"}, 1),
    ],
)
def test_the_choice_is_kept_to(parameters: dict[str, str], n: int) -> None:
    model = make.make_model()
    make.make_ground_truth(registered_model=model, label="ok")
    make.make_ground_truth(registered_model=model, method="adjudication")
    make.make_ground_truth(registered_model=model, decided_at=make.NOW + timedelta(hours=1))
    make.make_ground_truth()  # of another model
    answer = get(make.make_member("auditor", registered_model=model), model, **parameters)
    assert (body(answer).count(b"\n"), answer["Reviewapp-Rows"]) == (n, str(n))


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"format": "xls"}, "unknown_format"),
        ({"since": "yesterday"}, "invalid"),
        ({"since": "2026-11-23T14:00:00"}, "invalid"),
        ({"until": "2026-13-45"}, "invalid"),
        ({"label": "a\0b"}, "invalid"),
        ({"images": "perhaps"}, "invalid"),
        ({"until": "0001-01-01T00:00:00Z"}, "invalid"),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(parameters: dict[str, str], code: str) -> None:
    model = make.make_model()
    answer = get(make.make_member("lead", registered_model=model), model, **parameters)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert set(answer.json()["error"]["fields"]) == set(parameters)


def test_a_member_of_one_site_gets_only_that_sites_labels() -> None:
    model = make.make_model()
    here = judged(model)
    judged(model)
    make.make_deployment(station=here.inspection.station, version=model.versions.get())
    alice = make.make_user("alice")
    Membership.objects.create(user=alice, role="inspector", site=here.inspection.station.site)
    lines = body(get(alice, model)).splitlines()
    assert [json.loads(line)["station"] for line in lines] == [here.inspection.station.slug]


def test_a_label_that_is_settled_while_one_reads_is_not_among_those_counted() -> None:
    model = make.make_model()
    make.make_ground_truth(registered_model=model)
    with TruthReader(model, TruthFilter()) as reader:
        make.make_ground_truth(registered_model=model)
        assert (reader.n, len(list(reader.rows()))) == (1, 1)


def n_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_a_download_that_is_broken_off_leaves_no_session_behind() -> None:
    model = make.make_model()
    for _ in range(3):
        make.make_ground_truth(registered_model=model)
    lead, before = make.make_member("lead", registered_model=model), n_sessions()
    answer = get(lead, model)
    next(iter(answer.streaming_content))
    assert n_sessions() == before + 1
    answer.close()
    wait_for(lambda: n_sessions() == before, seconds=10)  # the server needs a moment to notice


def test_a_query_that_breaks_in_the_middle_breaks_the_download() -> None:
    model, station = make.make_model(), make.make_station()
    parts = Inspection.objects.bulk_create(
        Inspection(
            station=station, inspection_id=f"p{n}", captured_at=make.NOW, received_at=make.NOW, day=make.NOW.date(),
            group_id=str(n), partition="train", lot="x" * 120,
        )
        for n in range(20_000)
    )  # fmt: skip
    label = model.label_set.labels.get(slug="ok")
    GroundTruth.objects.bulk_create(
        GroundTruth(
            registered_model=model, inspection=one, outcome="label", label=label, n_verdicts=1, method="single",
            decided_at=make.NOW,
        )
        for one in parts
    )  # fmt: skip
    answer = get(make.make_member("lead", registered_model=model), model)
    blocks = iter(answer.streaming_content)
    next(blocks)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT row_to%'")
    with pytest.raises(psycopg.OperationalError):
        list(blocks)
    answer.close()


def test_lines_travel_in_blocks_and_none_is_lost() -> None:
    lines = [b"x" * 10 + b"\n"] * 25
    blocks = list(in_blocks(iter(lines), size=64))
    assert b"".join(blocks) == b"".join(lines)
    assert len(blocks) == 5


def test_the_command_writes_the_file_whole_and_says_how_it_goes(tmp_path: Path, capfd: Any) -> None:
    model = make.make_model()
    judged(model)
    path = tmp_path / "truth.jsonl"
    call_command("export_truth", model.slug, str(path))
    out, err = capfd.readouterr()
    assert json.loads(path.read_bytes())["label"] == "scratch"
    assert "1 labels" in out
    assert "Exporting 1 of 1 (100%)" in err


def test_the_command_leaves_an_earlier_file_alone_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text("earlier")
    with pytest.raises(CommandError, match="There is no model"):
        call_command("export_truth", "nothing", str(path))
    assert [one.name for one in tmp_path.iterdir()] == ["truth.jsonl"]
    assert path.read_text() == "earlier"


def test_the_command_names_a_moment_that_is_none(tmp_path: Path) -> None:
    model = make.make_model()
    with pytest.raises(CommandError, match="since"):
        call_command("export_truth", model.slug, str(tmp_path / "x"), "--since", "soon")


def test_no_writer_loads_django() -> None:
    """Pure modules stay usable without the product, and cost a command no start-up."""
    code = "import sys, labeling.exchange.rows, labeling.exchange.query; sys.exit('django.db' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
