"""Images as they go out: signed addresses, sizes, ranges, caches; and who gets nothing."""

from __future__ import annotations

import io
import re
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

import tests.factories as make
from labeling.images import shown
from labeling.images.derivatives import derivative_key, make_derivatives
from labeling.images.signed import image_url
from labeling.models import Item, Membership
from models_registry import files
from tests.api.line import Line, error_of


@pytest.fixture
def item(line: Line) -> Item:
    make.make_member(site=line.source.station.site)  # alice
    one = make.make_item(
        content=make.png(width=2000, height=500), inspection=make.make_inspection(station=line.source.station)
    )
    Item.objects.filter(pk=one.pk).update(image_status="stored")
    return one


def signed(item: Item, name: str = "alice", size: str = "review", *, ago: int = 0) -> str:
    now = timezone.now() - timedelta(seconds=ago)
    return image_url(item, size, user_id=make.make_user(name).pk, now=now)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_signed_address_needs_no_session_and_is_kept_by_the_browser(item: Item) -> None:
    answer = Client().get(signed(item))

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(body(answer))).size == (1600, 400)
    age = re.fullmatch(r"private, max-age=(\d+), immutable", answer["Cache-Control"])
    assert age is not None
    assert 3600 <= int(age[1]) <= 7200
    assert Client().get(signed(item), headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_address_is_the_same_for_a_whole_period_so_that_caches_help(item: Item) -> None:
    start = make.NOW.replace(minute=0, second=0, microsecond=0)
    urls = [image_url(item, "review", user_id=1, now=start + timedelta(minutes=m)) for m in (0, 30, 59, 61)]

    assert urls[0] == urls[1] == urls[2] != urls[3]


def test_a_signed_address_dies_with_time_with_membership_and_with_the_account(item: Item) -> None:
    assert error_of(Client().get(signed(item, ago=7201)), 403)["code"] == "image_url_expired"

    url = signed(item)
    Membership.objects.all().delete()
    error_of(Client().get(url), 404)

    make.make_member(site=item.inspection.station.site)
    assert Client().get(url).status_code == 200
    alice = make.make_user("alice")
    alice.is_active = False
    alice.save()
    error_of(Client().get(url), 404)


def test_no_part_of_a_signed_address_can_be_changed(item: Item) -> None:
    url, other = signed(item), make.make_item(content=make.png(), inspection=item.inspection, view="top")
    charlie = make.make_user("charlie").pk
    forged = [
        url.replace("size=review", "size=original"),
        url.replace(f"for={make.make_user('alice').pk}", f"for={charlie}"),
        re.sub(r"until=\d+", "until=99999999999", url),
        url.replace(str(item.public_id), str(other.public_id)),
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        re.sub(r"until=\d+", "until=1e99", url),
        re.sub(r"signature=.*", "signature=", url),
    ]

    for one in forged:
        assert error_of(Client().get(one), 403)["code"] == "image_url_invalid"
    error_of(Client().get(signed(item, "charlie")), 404)  # well signed, but charlie may see nothing


def test_a_session_vouches_where_a_signature_does_not_and_the_browser_asks_again(item: Item) -> None:
    client = Client()
    client.force_login(make.make_user("alice"))

    answer = client.get(signed(item, ago=9000))

    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-cache")


def test_the_original_stays_available_as_it_came(line: Line) -> None:
    make.make_member(site=line.source.station.site)
    stream = io.BytesIO()
    Image.new("I;16", (20, 10), 4000).save(stream, "TIFF")
    inspection = make.make_inspection(station=line.source.station)
    one = make.make_item(content=stream.getvalue(), content_type="image/tiff", inspection=inspection)

    original, review = Client().get(signed(one, size="original")), Client().get(signed(one))

    assert (original["Content-Type"], body(original)) == ("image/tiff", stream.getvalue())
    assert review["Content-Type"] == "image/webp"
    error_of(Client().get(signed(one).replace("size=review", "size=poster")))


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, None),
        ("bytes=-7", 206, -7, None),
        ("bytes=-999999", 206, 0, None),
        ("bytes=5-999999", 206, 5, None),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=999999-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=9-5", 200, 0, None),
        ("bytes=0-1,5-6", 200, 0, None),
        ("bytes=-", 200, 0, None),
        ("lines=0-9", 200, 0, None),
        ("bytes=0x0-9", 200, 0, None),
        ("bytes=" + "9" * 30 + "-", 200, 0, None),
    ],
)
def test_a_range_is_answered_in_part(item: Item, asked: str, status: int, start: int, end: int | None) -> None:
    whole = files.read(item.image)
    expected = whole[start:end]

    answer = Client().get(signed(item, size="original"), headers={"Range": asked})

    assert answer.status_code == status
    if status == 416:
        assert answer["Content-Range"] == f"bytes */{len(whole)}"
        return
    assert body(answer) == expected
    assert int(answer["Content-Length"]) == len(expected)
    assert answer["Accept-Ranges"] == "bytes"
    if status == 206:
        first = start if start >= 0 else len(whole) + start
        assert answer["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole)}"


def test_a_range_of_an_older_image_gets_the_whole(item: Item) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": '"another"'}

    assert Client().get(signed(item, size="original"), headers=headers).status_code == 200


def test_head_says_what_get_would(item: Item) -> None:
    answer = Client().head(signed(item, size="original"))

    assert (answer.status_code, int(answer["Content-Length"])) == (200, len(files.read(item.image)))
    assert answer.content == b""


def test_a_claim_gives_addresses_that_work_and_the_original_size(line: Line, item: Item) -> None:
    make.make_review(registered_model=line.model, inspection=item.inspection)
    inspector = Client()
    inspector.force_login(make.make_member(user=make.make_user("bob"), registered_model=line.model))

    claim = f"/api/v1/models/{line.model.slug}/reviews/claim/"
    answer = inspector.post(claim, {"n": 1}, content_type="application/json")

    (seen,) = answer.json()["reviews"][0]["items"]
    assert (seen["width"], seen["height"], seen["status"]) == (2000, 500, "stored")
    sizes = {name: Image.open(io.BytesIO(body(Client().get(seen[name])))).size for name in ("url", "full_url")}
    assert sizes == {"url": (1600, 400), "full_url": (2000, 500)}
    assert body(Client().get(seen["original_url"])) == files.read(item.image)
    assert parse_qs(urlsplit(seen["url"]).query)["for"] == [str(make.make_user("bob").pk)]


@pytest.mark.usefixtures("engines")
def test_derivatives_are_made_once_however_many_ask(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []

    def count(data: bytes, sizes: list[str]) -> dict[str, bytes]:
        made.append(sizes)
        return make_derivatives(data, sizes)

    monkeypatch.setattr(shown, "make_derivatives", count)
    threads = [threading.Thread(target=shown.derivative, args=(item, size)) for size in ["review", "thumbnail"] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown.derivative(item, "review")

    assert made == [["thumbnail", "tile", "review"]]
    assert files.exists(derivative_key(item.sha256, "review"))
    assert files.exists(derivative_key(item.sha256, "thumbnail"))


def test_an_original_that_is_gone_or_changed_is_said_so(item: Item, store: Any) -> None:
    path = store / item.image
    path.write_bytes(b"something else")
    assert error_of(Client().get(signed(item)), 409)["code"] == "file_changed"
    path.unlink()
    assert error_of(Client().get(signed(item)), 410)["code"] == "file_missing"
    assert error_of(Client().get(signed(item, size="original")), 410)["code"] == "file_missing"
