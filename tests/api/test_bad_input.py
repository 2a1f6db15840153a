"""Whatever is sent: an answer below 500 in the one error shape, and nothing half-written."""

from __future__ import annotations

import io
import json
import random
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import tests.factories as make
from labeling.models import Inspection, Item, ReviewPolicy, Verdict
from models_registry.models import Alert, ModelVersion
from tests.api.line import PREDICTIONS, Line, error_of

VERDICTS = "/api/v1/verdicts/"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(["", "\0", "NaN", "x" * 300])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
row_fields = st.sampled_from(
    [
        "inspection_id",
        "source",
        "model",
        "version",
        "view",
        "label",
        "confidence",
        "scores",
        "score_kind",
        "findings",
        "image_path",
        "serial",
        "lot",
        "recipe",
        "group",
        "captured_at",
        "predicted_at",
        "metadata",
        "purpose",
    ]
)
verdict_fields = st.sampled_from(
    ["client_id", "review", "kind", "phase", "shown_at", "said_at", "label", "note", "severity", "findings", "shown"]
)
bounded = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def nothing_stored() -> bool:
    return not (
        Inspection.objects.exists()
        or Item.objects.exists()
        or ModelVersion.objects.filter(stage="observed").exists()
        or Alert.objects.exists()
    )


@bounded
@given(st.dictionaries(row_fields | texts, anything, max_size=5))
def test_no_row_makes_a_server_error(line: Line, change: dict[str, Any]) -> None:
    answer = line.send({**line.row(uuid.uuid4()), **change})

    if answer.status_code not in {200, 201}:
        assert error_of(answer, answer.status_code)["fields"]
    assert answer.status_code < 500


@bounded
@given(anything)
def test_no_json_makes_a_server_error(line: Line, body: Any) -> None:
    for url in (
        PREDICTIONS,
        "/api/v1/inspections/",
        "/api/v1/models/steel/predict/",
        VERDICTS,
        "/api/v1/reviews/release/",
    ):
        assert line.send(body, url=url).status_code < 500


@bounded
@given(st.dictionaries(verdict_fields | texts, anything, max_size=4))
def test_no_verdict_makes_a_server_error(line: Line, change: dict[str, Any]) -> None:
    line.client.force_login(make.make_member(registered_model=line.model))
    line.headers = {}
    review = make.make_review(registered_model=line.model)
    body = {
        "client_id": str(uuid.uuid4()), "review": review.pk, "kind": "label", "label": "ok", "phase": "blind",
        "shown_at": "2026-11-24T06:00:00Z", "said_at": "2026-11-24T06:00:05Z",
    }  # fmt: skip

    answer = line.send({**body, **change}, url=VERDICTS)

    assert answer.status_code < 500
    if answer.status_code >= 400:
        error_of(answer, answer.status_code)


def deep(n: int) -> bytes:
    return b"[" * n + b"]" * n


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"5", b'"x"', b"true", b"[null]", b"[[]]", b'{"confidence": NaN}', b"[Infinity]", b"1e999",
        b"9" * 5000,
        b'"\xff\xfe"', b"\xef\xbb\xbf{}", b'{"lot": "\\ud800"}', b'{"lot": "\xed\xa0\x80"}',
        deep(600), deep(900), deep(200_000), b"\0",
    ],
)  # fmt: skip
def test_a_body_that_is_no_row_is_a_bad_request(line: Line, body: bytes) -> None:
    answer = line.client.post(PREDICTIONS, body, content_type="application/json", headers=line.headers)

    error_of(answer, 400)
    assert nothing_stored()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "nonsense", "image/png"]
)
def test_another_content_type_is_refused(line: Line, kind: str) -> None:
    answer = line.client.post(PREDICTIONS, b"model=steel", content_type=kind, headers=line.headers)

    assert answer.status_code in {400, 415}
    error_of(answer, answer.status_code)


FIELD = b'--b\r\nContent-Disposition: form-data; name="lot"\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=b", b"garbage"),
        ("multipart/form-data; boundary=b", FIELD + b"\r\nL1"),
        ("multipart/form-data; boundary=\xff", b"x"),
        ("multipart/form-data; boundary=b; charset=base64", FIELD + b"\r\n\xff\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b; charset=utf-16", FIELD + b"\r\n\xff\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", FIELD + b"Content-Transfer-Encoding: base64\r\n\r\n!\r\n--b--\r\n"),
    ],
)
def test_a_broken_form_is_a_bad_request(line: Line, kind: str, body: bytes) -> None:
    error_of(line.client.generic("POST", PREDICTIONS, body, content_type=kind, headers=line.headers), 400)
    assert nothing_stored()


def test_too_many_files_are_refused_in_the_one_shape(line: Line) -> None:
    files = {f"image.{n}": SimpleUploadedFile(f"{n}.png", b"x") for n in range(101)}

    error_of(line.send_form({"rows": "[]", **files}), 400)


@pytest.mark.parametrize(
    "form",
    [
        {"rows": "{}"}, {"rows": "[1"}, {"rows": ""}, {"rows": "[" * 5000}, {"scores": "x"}, {"metadata": "{"},
        {"findings": "NaN"}, {"rows": SimpleUploadedFile("rows", b"[]")}, {"scores": SimpleUploadedFile("s", b"{}")},
        {"img": SimpleUploadedFile("i", b"x")},
        {"image": "not a file"}, {"image.0": SimpleUploadedFile("i", b"x")},
    ],
)  # fmt: skip
def test_a_form_that_does_not_fit_is_a_bad_request(line: Line, form: dict[str, Any]) -> None:
    error_of(line.send_form({**line.row(scores=None, confidence=0.9), **form}), 400)
    assert nothing_stored()


def test_too_many_rows_and_too_large_a_body_are_refused(line: Line, settings: LazySettings) -> None:
    assert error_of(line.send([1] * 100_001), 413)["code"] == "too_many_rows"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert error_of(line.send([line.row(lot="x" * 1000)]), 413)["code"] == "body_too_large"


def bomb() -> bytes:
    stream = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"hello", 400, "image_not_readable"),
        (make.surface()[:5000], 400, "image_not_readable"),
        (b"", 400, "image_not_readable"),
        (None, 413, "image_too_large"),
        (b"x" * 2_000_000, 413, "image_too_large"),
    ],
)
def test_a_bad_image_is_refused_with_code_row_and_field(
    line: Line, settings: LazySettings, data: bytes | None, status: int, code: str, store: Path
) -> None:
    settings.MAX_IMAGE_BYTES = 1_000_000
    upload = SimpleUploadedFile("a.png", bomb() if data is None else data)

    error = error_of(line.send_form({**line.row(scores=None, confidence=0.9), "image": upload}), status)

    assert (error["code"], list(error["fields"]), error["row"]) == (code, ["image"], 0)
    assert nothing_stored()
    assert not list(store.rglob("*.png"))


def test_a_path_outside_of_the_allowed_folders_is_refused_and_the_rest_is_stored(
    line: Line, tmp_path: Path, settings: LazySettings
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(make.png())
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    settings.IMAGE_ROOTS = [root]
    names = ["../secret.png", "link.png", str(tmp_path / "secret.png"), "x" * 900, "/dev/zero", ""]

    answer = line.send([line.row("good"), *(line.row(number, image_path=name) for number, name in enumerate(names))])

    results = answer.json()["results"]
    assert answer.status_code == 207
    assert results[0]["status"] == "created"
    assert {one["error"]["code"] for one in results[1:]} == {"image_path_refused"}
    assert Inspection.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"label": "crack"}, "unknown_label", "label"),
        ({"scores": {"ok": 0.5}}, "scores_do_not_fit", "scores"),
        ({"scores": {"ok": 0.1, "scratch": 0.9}, "confidence": 2}, "invalid", "confidence"),
        ({"source": "cam-9"}, "unknown_source", "source"),
        ({"source": "x" * 500}, "invalid", "source"),
        ({"model": "nobody"}, "not_found", "model"),
        ({"version": None}, "version_missing", "version"),
        ({"model": None}, "model_missing", "model"),
        ({"label": None}, "label_missing", "label"),
        ({"score_kind": "magic", "version": "new"}, "invalid", "score_kind"),
        ({"score_kind": "anomaly"}, "score_kind_differs", "score_kind"),
        ({"metadata": {"a\0": 1}}, "invalid", "metadata"),
        ({"colour": "red"}, "invalid", "colour"),
    ],
)
def test_each_refusal_has_code_row_and_field(line: Line, change: dict[str, Any], code: str, field: str) -> None:
    answer = line.send([line.row(0), line.row(1, **change)])

    error = answer.json()["results"][1]["error"]
    assert (error["code"], list(error["fields"]), error["row"]) == (code, [field], 1)
    assert Inspection.objects.count() == 1


def test_the_longest_names_that_are_taken_fit_the_tables(line: Line) -> None:
    make.make_source(slug="c" * 80, station=make.make_station(slug="s" * 80))
    long = dict.fromkeys(("inspection_id", "lot", "recipe"), "x" * 120)

    assert line.send(line.row(source="c" * 80, view="v" * 40, version="w" * 120, **long)).status_code == 201
    assert line.send(line.row(source="c" * 80, serial="y" * 120, group="z" * 120)).status_code == 201


def test_ids_beyond_the_tables_are_not_found(line: Line) -> None:
    line.client.force_login(make.make_member(registered_model=line.model))
    for pk in (0, 2**31, 2**63, 10**30):
        assert line.client.get(f"/api/v1/reviews/{pk}/").status_code == 404
        assert line.client.post(f"/api/v1/reviews/{pk}/heartbeat/").status_code in {404, 409}
    assert line.client.post(
        "/api/v1/reviews/release/", {"ids": [2**63, -1, 0]}, content_type="application/json"
    ).json() == {"released": 0}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"said_at": "0001-01-01T00:00:00+14:00", "shown_at": "0001-01-01T00:00:00+14:00"}, "said_at"),
        ({"said_at": "2026-11-24T06:00:05"}, "said_at"),
        ({"note": "a\0b"}, "note"),
        ({"shown": {"a": 2**70}}, "shown"),
        ({"shown": {"a": "x" * 40_000}}, "shown"),
        ({"findings": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}, "findings"),
        ({"review": 2**63}, "review"),
        ({"review": True}, "review"),
        ({"severity": 4}, "severity"),
        ({"severity": 1.5}, "severity"),
        ({"kind": "unsure"}, "label"),
        ({"kind": "withdrawn"}, "kind"),
        ({"phase": "later"}, "phase"),
        ({"label": "crack"}, "label"),
        ({"client_id": "x"}, "client_id"),
    ],
)
def test_what_is_wrong_with_a_verdict_is_named(line: Line, change: dict[str, Any], field: str) -> None:
    ReviewPolicy.objects.update(min_view_ms=0)
    line.client.force_login(make.make_member(registered_model=line.model))
    body = {
        "client_id": str(uuid.uuid4()), "review": make.make_review(registered_model=line.model).pk, "kind": "label",
        "label": "ok", "phase": "blind", "shown_at": "2026-11-24T06:00:00Z", "said_at": "2026-11-24T06:00:05Z",
    }  # fmt: skip
    answer = line.client.post(VERDICTS, json.dumps(body | change), content_type="application/json")

    assert field in error_of(answer)["fields"]
    assert not Verdict.objects.exists()


def test_random_bytes_as_a_form_never_break_the_server(line: Line) -> None:
    rng = random.Random(5)
    for _ in range(20):
        body = b"--b\r\n" + rng.randbytes(60) + b"\r\n\r\n" + rng.randbytes(20) + b"\r\n--b--\r\n"
        answer = line.client.post(
            PREDICTIONS, body, content_type="multipart/form-data; boundary=b", headers=line.headers
        )
        error_of(answer, 400)


def test_an_address_that_is_not_there_answers_in_the_one_error_shape(line: Line) -> None:
    answer = line.client.get("/api/v1/nothing/here/")
    assert error_of(answer, 404)["code"] == "not_found"
