"""Image bytes: for members only, under addresses that say nothing."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client

import tests.factories as make
from labeling.models import Item
from tests.api.line import Line, error_of


def address(item: Item) -> str:
    return f"/api/v1/items/{item.public_id}/image/"


def browser(name: str) -> Client:
    client = Client()
    client.force_login(make.make_user(name))
    return client


def test_a_member_gets_the_bytes_as_they_came(line: Line) -> None:
    item = make.make_item(content=make.png(), inspection=make.make_inspection(station=line.source.station))
    make.make_member(site=line.source.station.site)

    answer = browser("alice").get(address(item))

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert b"".join(answer.streaming_content) == make.png()  # type: ignore[attr-defined]
    assert "private" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert browser("alice").get(address(item), headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_members_of_another_site_and_strangers_get_a_404(line: Line) -> None:
    item = make.make_item(content=make.png(), inspection=make.make_inspection(station=line.source.station))
    make.make_member(user=make.make_user("bob"), site=make.make_site())
    etag = {"If-None-Match": f'"{item.sha256}"'}

    for name in ("bob", "charlie"):
        error_of(browser(name).get(address(item)), 404)
        error_of(browser(name).get(address(item), headers=etag), 404)
    error_of(Client().get(address(item)), 401)


def test_members_of_a_model_that_has_a_word_on_the_part_get_it(line: Line) -> None:
    item = make.make_item(content=make.png(), inspection=make.make_inspection(station=line.source.station))
    make.make_member(registered_model=line.model)
    error_of(browser("alice").get(address(item)), 404)

    make.make_review(registered_model=line.model, inspection=item.inspection)

    assert browser("alice").get(address(item)).status_code == 200


def test_a_view_without_an_image_and_an_unknown_address_are_the_same_404(line: Line) -> None:
    item = make.make_item(inspection=make.make_inspection(station=line.source.station))
    make.make_member(site=line.source.station.site)

    empty = error_of(browser("alice").get(address(item)), 404)
    assert empty == error_of(browser("alice").get(f"/api/v1/items/{uuid.uuid4()}/image/"), 404)


def test_a_lost_file_is_said_so(line: Line) -> None:
    fields: dict[str, Any] = {
        "image": "images/gone.png",
        "image_status": "stored",
        "sha256": "0" * 64,
        "width": 1,
        "height": 1,
        "content_type": "image/png",
    }
    item = make.make_item(inspection=make.make_inspection(station=line.source.station), **fields)
    make.make_member(site=line.source.station.site)

    assert error_of(browser("alice").get(address(item)), 410)["code"] == "file_missing"
