"""Pixels after the predictions: many files in a request, each answered for itself."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

import tests.factories as make
from labeling import queue
from labeling.images import check_image
from labeling.images.arrival import receive
from labeling.keys import issue_key
from labeling.models import Item, Review
from models_registry import files
from tests.api.line import Line, error_of

IMAGES = "/api/v1/images/"


def upload(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", data, content_type="image/png")


def draw(line: Line, *, share: float) -> None:
    line.model.designs.filter(is_active=True).update(budget=share, audit_share=1)


def predicted(line: Line, number: object, *, share: float = 1, **fields: Any) -> None:
    draw(line, share=share)
    assert line.send(line.row(number, **fields)).status_code == 201


def send(line: Line, rows: list[dict[str, Any]], images: list[bytes], client: Client | None = None) -> Any:
    files = {f"image.{n}": upload(data) for n, data in enumerate(images)}
    return (client or line.client).post(IMAGES, {"rows": json.dumps(rows), **files}, headers=line.headers)


def row(number: object, **fields: Any) -> dict[str, Any]:
    return {"inspection_id": f"part-{number}", "source": "cam-1", **fields}


def test_many_files_in_one_request_are_each_stored_ignored_or_refused(line: Line) -> None:
    predicted(line, "drawn")
    predicted(line, "not", share=1e-9)

    rows = [row("drawn"), row("not"), row("unknown"), row("drawn", view="top"), row("drawn")]
    answer = send(line, rows, [make.png(), make.png(), make.png(), make.png(), b"no image"])

    results = answer.json()["results"]
    assert answer.status_code == 207
    assert [one["status"] for one in results] == ["created", "ignored", "error", "error", "error"]
    assert [one.get("image") for one in results] == ["stored", "not_wanted", None, None, None]
    assert [one["error"]["code"] for one in results[2:]] == ["view_not_found", "view_not_found", "image_not_readable"]
    assert [one["error"]["row"] for one in results[2:]] == [2, 3, 4]
    item = Item.objects.get(inspection__inspection_id="part-drawn")
    assert (item.image_status, item.width, files.read(item.image)) == ("stored", 8, make.png())
    assert Item.objects.get(inspection__inspection_id="part-not").image == ""


def test_the_same_file_again_changes_nothing_and_another_is_a_conflict(line: Line) -> None:
    predicted(line, 1)
    send(line, [row(1)], [make.png()])

    assert send(line, [row(1)], [make.png()]).json()["results"][0]["status"] == "duplicate"
    refusal = send(line, [row(1)], [make.png(shade=7)])
    assert (refusal.status_code, refusal.json()["results"][0]["error"]["code"]) == (409, "conflict")
    assert files.read(Item.objects.get().image) == make.png()


def test_one_file_with_its_fields_named_by_the_station(line: Line) -> None:
    predicted(line, 1)
    fields = {"inspection_id": "part-1", "station": line.source.station.slug, "image": upload(make.png())}

    answer = line.send_form(fields, url=IMAGES)

    assert (answer.status_code, answer.json()["image"]) == (200, "stored")


def test_a_part_is_handed_out_when_its_last_view_is_there(line: Line) -> None:
    draw(line, share=1)
    line.send([line.row(1, view="top"), line.row(1, view="side")])
    user = make.make_member(registered_model=line.model)

    send(line, [row(1, view="top")], [make.png()])
    assert queue.claim(user=user, registered_model=line.model, n=1, now=make.NOW) == []
    send(line, [row(1, view="side")], [make.png(shade=9)])
    assert len(queue.claim(user=user, registered_model=line.model, n=1, now=make.NOW)) == 1


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"source": None}, "invalid", "source"),
        ({"station": "line-1"}, "invalid", "source"),
        ({"inspection_id": None}, "invalid", "inspection_id"),
        ({"inspection_id": "a\0b"}, "invalid", "inspection_id"),
        ({"colour": "red"}, "invalid", "colour"),
        ({"source": "cam-9"}, "view_not_found", "inspection_id"),
    ],
)
def test_a_bad_row_is_refused_with_its_field(line: Line, fields: dict[str, Any], code: str, field: str) -> None:
    predicted(line, 1)
    said = {name: value for name, value in row(1, **fields).items() if value is not None}

    error = send(line, [said], [make.png()]).json()["results"][0]["error"]

    assert (error["code"], list(error["fields"])) == (code, [field])


def test_a_row_without_its_file_and_a_file_without_a_row_are_refused(line: Line) -> None:
    predicted(line, 1)

    assert send(line, [row(1)], []).json()["results"][0]["error"]["code"] == "image_missing"
    error_of(send(line, [row(1)], [make.png(), make.png()]))


def test_a_system_of_another_site_finds_no_such_part(line: Line) -> None:
    predicted(line, 1)
    other = make.make_member("integration", user=make.make_user("line-9"), site=make.make_site())
    _, key = issue_key(user=other, name="line 9", now=make.NOW)
    inspector = make.make_member(registered_model=line.model)
    _, eyes = issue_key(user=inspector, name="eyes", now=make.NOW)

    for stranger in (key, eyes):
        line.headers = {"Authorization": f"Bearer {stranger}"}
        assert send(line, [row(1)], [make.png()]).status_code == 404
    assert Item.objects.get().image_status == "wanted"


@pytest.mark.django_db(transaction=True)
def test_two_views_that_arrive_in_the_same_moment_release_the_review() -> None:
    """Each looks whether the other is there: without a lock neither would see it."""
    for _ in range(5):
        review = make.make_review(waits_for_image=True)
        views = [make.make_item(inspection=review.inspection, view=f"v{n}", image_status="wanted") for n in range(2)]
        meet = threading.Barrier(2)

        def arrive(item: Item, shade: int, meet: threading.Barrier = meet) -> None:
            image = check_image(make.png(shade=shade), max_bytes=10**6, max_pixels=10**6)
            meet.wait()
            receive(item=item, image=image)
            connection.close()

        threads = [threading.Thread(target=arrive, args=(item, n)) for n, item in enumerate(views)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not Review.objects.get(pk=review.pk).waits_for_image
