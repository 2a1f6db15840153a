"""Draw first, image after: what a line is told about its images, and what waits for them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import tests.factories as make
from labeling import queue
from labeling.models import ImageFetch, Item, Review, ReviewPolicy
from tests.api.line import Line, error_of

URL = "http://camera.test:8080/88213.png"


def draw(line: Line, *, share: float) -> None:
    line.model.designs.filter(is_active=True).update(budget=share, audit_share=1)


def sent(line: Line, number: object = 1, **fields: Any) -> dict[str, Any]:
    answer = line.send(line.row(number, **fields))
    assert answer.status_code in {200, 201}, answer.content
    return dict(answer.json())


def handed_out(line: Line) -> list[Review]:
    user = make.make_member(registered_model=line.model)
    return queue.claim(user=user, registered_model=line.model, n=5, now=make.NOW)


def test_the_image_of_a_drawn_part_is_wanted_and_the_review_waits_for_it(line: Line) -> None:
    draw(line, share=1)

    assert sent(line)["image"] == "wanted"
    assert handed_out(line) == []

    answer = line.send_form(line.row() | {"scores": '{"ok": 0.1, "scratch": 0.9}', "image": make_file()})
    assert answer.json()["image"] == "stored"
    assert [review.inspection.inspection_id for review in handed_out(line)] == ["part-1"]


def make_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("part.png", make.png())


def test_the_image_of_a_part_that_was_not_drawn_is_not_wanted_wherever_it_lies(line: Line) -> None:
    draw(line, share=1e-9)

    assert sent(line)["image"] == "not_wanted"
    assert sent(line, 2, image_url=URL)["image"] == "not_wanted"
    assert Item.objects.get(inspection__inspection_id="part-2").image_address == URL
    assert not ImageFetch.objects.exists()


@pytest.mark.parametrize("purpose", ["challenge", "import"])
def test_some_purposes_keep_their_images_whatever_the_draw_says(line: Line, purpose: str) -> None:
    draw(line, share=1e-9)

    assert sent(line, purpose=purpose)["image"] == "wanted"


def test_a_drawn_image_with_an_address_is_fetched_and_the_work_is_a_row(line: Line) -> None:
    draw(line, share=1)

    assert sent(line, image_url=URL)["image"] == "fetching"
    assert sent(line, image_url=URL)["status"] == "duplicate"

    assert ImageFetch.objects.get().status == "waiting"
    assert handed_out(line) == []


def test_an_address_is_the_same_place_whatever_its_query_says_and_another_place_is_a_conflict(line: Line) -> None:
    draw(line, share=1)
    sent(line, image_url=f"{URL}?signature=1")

    assert sent(line, image_url=f"{URL}?signature=2")["image"] == "fetching"
    assert Item.objects.get().image_address == f"{URL}?signature=2"
    assert error_of(line.send(line.row(image_url="http://camera.test/other.png")), 409)["code"] == "conflict"


def test_a_draw_for_another_model_wants_what_the_first_did_not(line: Line) -> None:
    draw(line, share=1e-9)
    sent(line, image_url=URL)
    user, other = line.model.memberships.get().user, make.make_model(slug="copper")
    make.make_member("integration", user=user, registered_model=other)
    version = make.make_version(registered_model=other)
    other.designs.filter(is_active=True).update(budget=1, audit_share=1)

    assert sent(line, model="copper", version=version.number)["image"] == "fetching"
    assert ImageFetch.objects.get().item == Item.objects.get()


def test_an_image_at_the_station_stays_there_and_is_reviewed_at_once(line: Line) -> None:
    draw(line, share=1)
    station = line.source.station
    refusal = error_of(line.send(line.row(image_at_station="2026/11/24/1.png")))
    assert (refusal["code"], list(refusal["fields"])) == ("image_at_station_refused", ["image_at_station"])

    station.image_address = "http://line-3.test:8088/images/"
    station.save()

    assert sent(line, image_at_station="2026/11/24/1.png")["image"] == "at_station"
    assert len(handed_out(line)) == 1


def test_a_key_in_the_store_is_taken_under_an_allowed_prefix_only(line: Line, settings: Any) -> None:
    draw(line, share=1)
    settings.IMAGE_KEY_PREFIXES = ["plant-a/"]

    assert sent(line, image_key="plant-a/2026/1.png")["image"] == "fetching"
    refusal = error_of(line.send(line.row(2, image_key="plant-b/1.png")))
    assert refusal["code"] == "image_key_refused"
    assert "REVIEWAPP_IMAGE_KEY_PREFIXES=plant-a/,plant-b/" in refusal["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_url", "ftp://camera.test/1.png"),
        ("image_url", "http://user:secret@camera.test/1.png"),
        ("image_url", "http:///1.png"),
        ("image_url", "http://camera.test:99999/1.png"),
        ("image_url", "http://camera.test/1 .png"),
        ("image_url", "http://cam;era.test/1.png"),
        ("image_url", "http://[fe80::1%25eth0]/1.png"),
        ("image_url", "file:///etc/passwd"),
        ("image_key", "../secrets.png"),
        ("image_key", "plant-a/../../secrets.png"),
        ("image_key", "/etc/passwd"),
        ("image_key", "plant-a/\\..\\x.png"),
        ("image_at_station", "../../etc/passwd"),
        ("image_at_station", "http://elsewhere.test/1.png"),
    ],
)
def test_a_bad_address_is_refused_with_row_and_field(line: Line, settings: Any, field: str, value: str) -> None:
    settings.IMAGE_KEY_PREFIXES = ["plant-a/", ".", "/"]

    refusal = error_of(line.send([line.row(**{field: value})]))

    assert (refusal["code"], refusal["row"], list(refusal["fields"])) == (f"{field}_refused", 0, [field])


def test_an_image_comes_in_one_way(line: Line) -> None:
    twice = error_of(line.send(line.row(image_url=URL, image_key="plant-a/1.png")))
    assert list(twice["fields"]) == ["image_key"]

    fields = line.row(image_url=URL) | {"scores": '{"ok": 0.1, "scratch": 0.9}', "image": make_file()}
    assert list(error_of(line.send_form(fields))["fields"]) == ["image_url"]


def test_a_model_whose_policy_needs_no_image_hands_its_parts_out_at_once(line: Line) -> None:
    draw(line, share=1)
    ReviewPolicy.objects.filter(registered_model=line.model).update(needs_image=False)

    assert sent(line)["image"] == "wanted"
    assert len(handed_out(line)) == 1
