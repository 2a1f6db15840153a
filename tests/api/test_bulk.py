"""`POST /predictions/bulk/`: very many rows, whole chunks, each row answered, nothing twice."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.ingest import bulk
from labeling.models import (
    Deployment,
    DispositionRecord,
    IngestBatch,
    Inspection,
    Item,
    Prediction,
    Review,
    SamplingDesign,
    Selection,
)
from models_registry.models import ModelVersion
from tests.api.line import Line
from tests.together import all_done

pytestmark = pytest.mark.django_db(transaction=True)
BULK = "/api/v1/predictions/bulk/"
TABLES = (Inspection, Item, Prediction, Selection, Review, DispositionRecord)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "ROWS_IN_A_CHUNK", 40)


def counts() -> list[int]:
    return [table.objects.count() for table in TABLES]


def part(line: Line, number: int, **fields: Any) -> dict[str, Any]:
    return line.row(inspection_id=f"part-{number}", **fields)


def lines(rows: Sequence[Any]) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)


def post(line: Line, body: bytes, **headers: str) -> Any:
    return Client().post(BULK, body, content_type="application/x-ndjson", headers={**line.headers, **headers})


def read(answer: Any) -> dict[str, Any]:
    content = answer.getvalue() if answer.streaming else answer.content
    said: dict[str, Any] = json.loads(content)
    return said


def test_every_row_is_stored_drawn_and_answered_in_the_order_of_its_place(line: Line) -> None:
    answer = post(line, lines([part(line, number) for number in range(130)]))

    assert answer.status_code == 201
    said = read(answer)
    assert said["counts"] == {"created": 130, "duplicate": 0, "rejected": 0}
    assert sorted(one["row"] for one in said["results"]) == list(range(130))
    assert {one["disposition"] for one in said["results"]} == {"reject"}
    n_drawn = Selection.objects.filter(drawn=True).count()
    assert counts() == [130, 130, 130, 130, n_drawn, 130]
    assert sum(one.get("review", "none") == "measuring" for one in said["results"]) == n_drawn
    assert sum(one.get("image") == "wanted" for one in said["results"]) == n_drawn
    assert Deployment.objects.get().model_version == line.champion


def test_a_single_prediction_and_a_bulk_row_become_the_same_rows(line: Line) -> None:
    """Two ways in, one meaning: every column that does not name the part is the same."""
    SamplingDesign.objects.update(budget=1, audit_share=1, rules={"blocking_labels": ["scratch"]})
    fields = {"lot": "L1", "recipe": "R", "metadata": {"a": [1]}, "captured_at": "2026-11-24T05:59:59+01:00"}
    line.send(part(line, 1, **fields))
    post(line, lines([part(line, number, **fields) for number in range(2, 40)]))

    for table in TABLES:
        first, *others = [values(row) for row in table.objects.order_by("pk")]
        assert len(others) == 38
        assert all(other == first for other in others)


def values(row: Any) -> dict[str, Any]:
    """What a row says, but for what names the part and when it came."""
    own = {"id", "inspection", "inspection_id", "prediction", "public_id", "group_id", "partition", "u", "digest",
           "received_at", "created_at", "predicted_at", "deadline"}  # fmt: skip
    said = {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields if field.name not in own}
    if "findings" in said:
        said["findings"] = [{**one, "digest": ""} for one in said["findings"]]
    return said


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_lines_or_an_array_packed_or_not(line: Line, as_array: bool, packed: bool) -> None:
    rows = [part(line, number) for number in range(50)]
    body = json.dumps(rows).encode() if as_array else lines(rows)

    answer = post(line, gzip.compress(body), **{"Content-Encoding": "gzip"}) if packed else post(line, body)

    assert (answer.status_code, read(answer)["counts"]["created"]) == (201, 50)


def test_a_resend_changes_nothing_and_gets_the_same_dispositions(line: Line) -> None:
    body = lines([part(line, number, label="ok", scores={"ok": 1}) for number in range(90)])
    first, before = read(post(line, body)), counts()

    answer = post(line, body)

    assert (answer.status_code, counts()) == (200, before)
    again = read(answer)
    assert again["counts"] == {"created": 0, "duplicate": 90, "rejected": 0}
    same = ("row", "disposition", "review", "review_id")
    assert [[one.get(name) for name in same] for one in sorted(again["results"], key=lambda one: one["row"])] == [
        [one.get(name) for name in same] for one in sorted(first["results"], key=lambda one: one["row"])
    ]


def test_bad_rows_are_named_with_code_and_field_and_harm_no_other(line: Line) -> None:
    bad = [b"{", b'"text"', b'{"inspection_id": "x"}', b"[" * 5000, b'{"model": "\xff"}']
    rows = [part(line, 1), *bad, part(line, 2, label="rust"), part(line, 3, colour=1), part(line, 4)]

    answer = post(line, lines(rows))

    assert answer.status_code == 207
    said = read(answer)
    assert said["counts"] == {"created": 2, "duplicate": 0, "rejected": 7}
    refused = {one["row"]: (one["code"], *one["fields"]) for one in said["results"] if one["status"] == "rejected"}
    assert refused[1] == ("not_json", "row")
    assert refused[3][1] == "source"
    assert refused[6] == ("unknown_label", "label")
    assert refused[7][1] == "colour"
    assert Inspection.objects.count() == 2


def test_when_nothing_could_be_stored_the_first_refusal_is_the_answers(line: Line) -> None:
    answer = post(line, lines([part(line, number, label="rust") for number in range(3)]))

    assert answer.status_code == 400
    error = read(answer)["error"]
    assert (error["code"], error["row"]) == ("unknown_label", 0)


def test_other_content_for_a_taken_key_is_a_conflict_and_changes_nothing(line: Line) -> None:
    post(line, lines([part(line, number) for number in range(5)]))
    before = list(Prediction.objects.order_by("pk").values())

    answer = post(line, lines([part(line, 3, label="ok", scores={"ok": 1}), part(line, 9)]))

    assert answer.status_code == 207
    (refused,) = [one for one in read(answer)["results"] if one["status"] == "rejected"]
    assert (refused["row"], refused["code"], list(refused["fields"])) == (0, "conflict", ["prediction"])
    assert list(Prediction.objects.order_by("pk").values())[:5] == before


def test_a_key_twice_in_one_body_is_stored_once_also_across_chunks(line: Line) -> None:
    rows = [part(line, number % 60) for number in range(120)]

    answer = post(line, lines(rows))

    assert read(answer)["counts"] == {"created": 60, "duplicate": 60, "rejected": 0}
    assert counts()[:4] == [60, 60, 60, 60]


def test_two_contents_for_one_key_in_one_body_refuse_that_part_only(line: Line) -> None:
    rows = [part(line, 1), part(line, 1, label="ok", scores={"ok": 1}), part(line, 2)]

    answer = post(line, lines(rows))

    assert read(answer)["counts"] == {"created": 1, "duplicate": 0, "rejected": 2}
    assert [one.inspection_id for one in Inspection.objects.all()] == ["part-2"]


def test_serials_seen_again_are_attempts_within_and_across_chunks(line: Line) -> None:
    post(line, lines([part(line, number, serial=f"S{number % 3}") for number in range(100)]))

    for serial in range(3):
        attempts = Inspection.objects.filter(serial=f"S{serial}").order_by("pk").values_list("attempt", flat=True)
        assert list(attempts) == list(range(1, len(attempts) + 1))


def test_views_of_a_part_and_two_versions_of_a_part_in_one_body(line: Line) -> None:
    rows = [part(line, number, view=view) for number in range(20) for view in ("top", "left")]
    rows += [part(line, number, version="other") for number in range(20)]

    answer = post(line, lines(rows))

    assert read(answer)["counts"] == {"created": 60, "duplicate": 0, "rejected": 0}
    assert (Inspection.objects.count(), Item.objects.count(), Prediction.objects.count()) == (20, 60, 40)
    assert Selection.objects.count() == 20
    assert ModelVersion.objects.get(external_name="other").origin == "observed"


def test_twin_bodies_in_the_same_moment_store_every_part_once(line: Line) -> None:
    body = lines([part(line, number, serial=f"S{number}") for number in range(100)])

    answers = all_done([partial(post, line, body)] * 4)

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert sum(read(answer)["counts"]["created"] for answer in answers) == 100
    assert counts()[:4] == [100, 100, 100, 100]


def test_a_cut_in_the_middle_keeps_whole_chunks_and_the_resend_completes(line: Line) -> None:
    rows = [part(line, number) for number in range(100)]
    body = json.dumps(rows).encode()

    answer = post(line, body[: body.index(b'"part-95"')])

    assert answer.status_code == 400
    said = read(answer)
    assert said["error"]["code"] == "body_cut"
    assert Inspection.objects.count() == said["counts"]["created"] == 95
    assert read(post(line, body))["counts"] == {"created": 5, "duplicate": 95, "rejected": 0}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"not gzip", {"Content-Encoding": "gzip"}, 400, "broken_gzip"),
        (gzip.compress(b"[]", mtime=0)[:-4], {"Content-Encoding": "gzip"}, 400, "broken_gzip"),
        (gzip.compress(b" " * 3_000_000, mtime=0), {"Content-Encoding": "gzip"}, 413, "body_too_large"),
        (b" " * 3_000_000, {}, 413, "body_too_large"),
        (b"[", {"Content-Encoding": "br"}, 415, "unknown_encoding"),
        (b"[" + b'"' + b"x" * 600_000, {}, 413, "row_too_large"),
        (b"[1] 2", {}, 400, "bad_body"),
    ],
)
def test_a_body_that_is_none_is_named(
    line: Line, settings: LazySettings, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    settings.MAX_BULK_BYTES = 2_000_000

    answer = post(line, body, **headers)

    assert (answer.status_code, read(answer)["error"]["code"]) == (status, code)
    assert not Inspection.objects.exists()


def test_more_rows_than_are_taken_end_the_request_and_say_from_where(line: Line, settings: LazySettings) -> None:
    settings.MAX_BULK_ROWS = 50

    answer = post(line, lines([part(line, number) for number in range(60)]))

    assert (answer.status_code, read(answer)["error"]["row"]) == (413, 50)
    assert Inspection.objects.count() == 50


@pytest.mark.parametrize("name", ["captured_at", "predicted_at"])
def test_a_clock_may_run_hours_ahead_but_not_days(line: Line, name: str) -> None:
    now = timezone.now()
    ahead = [part(line, n, **{name: (now + timedelta(hours=hours)).isoformat()}) for n, hours in enumerate((2, 23, 30))]

    answer = post(line, lines(ahead))

    (refused,) = [one for one in read(answer)["results"] if one["status"] == "rejected"]
    assert (refused["row"], refused["code"], list(refused["fields"])) == (2, "in_the_future", [name])
    assert line.send(ahead[2]).json()["error"]["code"] == "in_the_future"


def test_nothing_is_an_answer_without_rows(line: Line) -> None:
    assert read(post(line, b"")) == {"counts": {"created": 0, "duplicate": 0, "rejected": 0}, "results": []}


def test_a_stranger_stores_nothing(line: Line) -> None:
    answer = Client().post(BULK, lines([part(line, 1)]), content_type="application/x-ndjson")

    assert answer.status_code == 401
    assert not Inspection.objects.exists()


def test_a_model_of_others_is_refused_row_by_row(line: Line) -> None:
    answer = post(line, lines([part(line, 1), {**part(line, 2), "model": "theirs"}]))

    (refused,) = [one for one in read(answer)["results"] if one["status"] == "rejected"]
    assert (refused["row"], refused["code"]) == (1, "not_found")


class TestIdempotencyKey:
    def test_a_resend_gets_the_first_answer_to_the_letter(self, line: Line) -> None:
        body, key = lines([part(line, number) for number in range(60)]), str(uuid.uuid4())
        first = post(line, body, **{"Idempotency-Key": key})

        again = post(line, body, **{"Idempotency-Key": key})

        assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert Inspection.objects.count() == 60

    def test_another_body_under_the_key_is_a_conflict(self, line: Line) -> None:
        post(line, lines([part(line, 1)]), **{"Idempotency-Key": "k"})

        answer = post(line, lines([part(line, 2)]), **{"Idempotency-Key": "k"})

        assert (answer.status_code, read(answer)["error"]["code"]) == (409, "idempotency_key_taken")
        assert Inspection.objects.count() == 1

    def test_what_runs_is_not_started_twice_but_what_died_is_taken_over(self, line: Line) -> None:
        post(line, lines([part(line, 1)]), **{"Idempotency-Key": "k"})
        IngestBatch.objects.update(finished_at=None, answer=None, http_status=None, body_sha256="")
        answer = post(line, lines([part(line, 1)]), **{"Idempotency-Key": "k"})
        assert (answer.status_code, read(answer)["error"]["code"]) == (409, "batch_running")

        batch = IngestBatch.objects.get()
        IngestBatch.objects.update(started_at=batch.started_at - timedelta(hours=1))
        answer = post(line, lines([part(line, 1)]), **{"Idempotency-Key": "k"})

        assert (answer.status_code, read(answer)["counts"]["duplicate"]) == (200, 1)

    def test_a_request_that_failed_may_be_sent_again_at_once(self, line: Line) -> None:
        whole = json.dumps([part(line, 1), part(line, 2)]).encode()
        assert post(line, whole[:-3], **{"Idempotency-Key": "k"}).status_code == 400

        assert post(line, whole, **{"Idempotency-Key": "k"}).status_code == 201

    def test_a_list_and_a_form_keep_their_first_answer_too(self, line: Line) -> None:
        line.headers["Idempotency-Key"] = "list"
        first = line.send([part(line, 1), part(line, 2, label="rust")])
        again = line.send([part(line, 1), part(line, 2, label="rust")])
        other = line.send([part(line, 1)])
        assert (first.status_code, again.status_code, again.content) == (207, 207, first.content)
        assert (other.status_code, again.headers["Idempotency-Replayed"]) == (409, "true")

        def form(shade: int) -> Any:
            fields = part(line, 3) | {"scores": '{"ok": 0, "scratch": 1}'}
            return line.send_form({**fields, "image": SimpleUploadedFile("a.png", make.png(shade=shade))})

        line.headers["Idempotency-Key"] = "form"
        assert [form(1).status_code, form(1).status_code, form(2).status_code] == [201, 201, 409]

    def test_a_refusal_is_not_kept_so_what_was_mended_may_use_the_key(self, line: Line) -> None:
        line.headers["Idempotency-Key"] = "k"

        assert line.send(part(line, 1, label="rust")).status_code == 400
        assert line.send(part(line, 1)).status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
    def test_a_key_that_cannot_be_kept_is_refused(self, line: Line, key: str) -> None:
        answer = post(line, lines([part(line, 1)]), **{"Idempotency-Key": key})

        assert (answer.status_code, list(read(answer)["error"]["fields"])) == (400, ["Idempotency-Key"])


def test_a_fuzz_of_rows_never_breaks_it(line: Line) -> None:
    def odd() -> Iterator[bytes]:
        good = part(line, 0)
        values: tuple[Any, ...] = (None, 1e300, -1, "", "\0", "\ud800", [], {}, "x" * 300, True)
        for number, name in enumerate(good):
            for value in values:
                yield json.dumps({**good, "inspection_id": f"odd-{number}", name: value}).encode()

    answer = post(line, lines(list(odd())))

    assert answer.status_code in {207, 400}
    assert read(answer)["counts"]["rejected"] > 50
