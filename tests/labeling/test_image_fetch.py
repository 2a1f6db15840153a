"""Images that a worker gets: over real sockets, from a server that may be bad at it, or out of the store."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from PIL import Image

import tests.factories as make
from labeling.images import fetch
from labeling.models import ImageFetch, Item, Review
from labeling.web_addresses import AllowList
from models_registry import files
from tests import image_server
from tests.image_server import Camera, breaks_off, filming, gives, redirects

pytestmark = pytest.mark.django_db
LOOPBACK = AllowList.of(["127.0.0.0/8"])


@pytest.fixture(autouse=True)
def plant(settings: Any, tmp_path: Any) -> None:
    """A plant whose cameras are on loopback, with short limits."""
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": local}
    settings.IMAGE_HOSTS = LOOPBACK
    settings.IMAGE_FETCH_SECONDS = 1
    settings.MAX_IMAGE_BYTES = 100_000


@pytest.fixture
def camera() -> Iterator[Camera]:
    with filming() as one:
        yield one


def fetched(address: str, *, now: datetime = make.NOW) -> ImageFetch:
    """One attempt for a drawn part whose image lies at ``address``."""
    review = make.make_review(waits_for_image=True)
    item = make.make_item(inspection=review.inspection, image_status="fetching", image_address=address)
    row = make.make_fetch(item=item)
    fetch.drain(clock=lambda: now + timedelta(seconds=1) if row.n_attempts else now)
    row.refresh_from_db()
    return row


def test_an_image_is_fetched_measured_and_its_review_handed_out(camera: Camera) -> None:
    camera.answers["/1.png?at=6"] = gives(make.png(), Content_Type="text/plain")

    row = fetched(camera.url("/1.png?at=6"))

    item = Item.objects.get()
    assert (row.status, row.n_attempts) == ("done", 1)
    assert (item.image_status, item.content_type, item.width, item.height) == ("stored", "image/png", 8, 6)
    assert files.read(item.image) == make.png()
    assert not Review.objects.get().waits_for_image


def test_redirects_are_followed_and_the_port_is_as_given(camera: Camera) -> None:
    camera.answers |= {"/a": redirects("/b", status=307), "/b": redirects(camera.url("/ü.png"))}
    camera.answers["/%C3%BC.png"] = gives(make.png())

    assert fetched(camera.url("/a")).status == "done"


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (gives(b"", status=404), "image_http_404", "waiting"),
        (gives(b"", status=503), "image_http_503", "waiting"),
        (gives(b"", status=403), "image_http_403", "failed"),
        (gives(b"no image", Content_Type="image/png"), "image_not_readable", "failed"),
        (gives(b""), "image_not_readable", "failed"),
        (gives(make.png()[:40]), "image_not_readable", "failed"),
        (gives(b"", Content_Length=str(10 * 2**30)), "image_too_large", "failed"),
        (image_server.never_ends, "image_too_large", "failed"),
        (image_server.trickles, "image_timeout", "waiting"),
        (image_server.trickles_its_head, "image_timeout", "waiting"),
        (image_server.says_nothing, "image_timeout", "waiting"),
        (breaks_off(make.png()), "image_host_unreachable", "waiting"),
        (redirects("/bad"), "image_redirects", "failed"),
        (redirects("ftp://127.0.0.1/x"), "image_url_refused", "failed"),
        (redirects("file:///etc/passwd"), "image_url_refused", "failed"),
        (redirects("http://me:secret@127.0.0.1/x"), "image_url_refused", "failed"),
        (redirects("http://169.254.169.254/latest/meta-data/"), "image_host_refused", "failed"),
        (redirects("http://[::ffff:169.254.169.254]/"), "image_host_refused", "failed"),
        (redirects("http://10.0.0.7/"), "image_host_refused", "failed"),
    ],
)
def test_a_bad_answer_ends_in_time_and_says_what_it_was(
    camera: Camera, answer: image_server.Answer, code: str, status: str
) -> None:
    camera.answers["/bad"] = answer
    started = time.monotonic()

    row = fetched(camera.url("/bad"))

    assert time.monotonic() - started < 20  # the servers trickle on for a minute
    assert (row.code, row.status) == (code, status), row.reason
    assert Item.objects.get().image_status == ("fetching" if status == "waiting" else "failed")
    assert Review.objects.get().waits_for_image


def test_attempts_come_later_and_later_and_end(camera: Camera) -> None:
    now, waits = make.NOW, []
    row = fetched(camera.url("/not-yet"))
    while row.status == "waiting":
        waits.append((row.next_attempt_at - now).total_seconds())
        now = row.next_attempt_at
        assert not fetch.is_due(now=now - timedelta(seconds=1))
        fetch.drain(clock=iter([now, now, now, now, now + fetch.TURN, now]).__next__)
        row.refresh_from_db()

    assert waits == [10, 30, 90, 270, 810, 2430, 3600]
    assert (row.status, row.n_attempts, row.code) == ("failed", 8, "image_http_404")

    assert fetch.fetch_again(fetch=row, now=now)
    camera.answers["/not-yet"] = gives(make.png())
    fetch.drain(clock=lambda: now)
    assert Item.objects.get().image_status == "stored"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],  # noqa: S104
)
def test_no_spelling_of_an_own_address_is_asked_unless_it_is_allowed(camera: Camera, settings: Any, host: str) -> None:
    settings.IMAGE_HOSTS = AllowList.of(["camera-7.plant"])

    row = fetched(camera.url("/1.png", host=host))

    assert (row.status, row.code) == ("failed", "image_host_refused")
    assert "REVIEWAPP_IMAGE_HOSTS=camera-7.plant," in row.reason
    assert camera.asked == []


def test_the_line_that_the_refusal_prints_is_enough(camera: Camera, settings: Any) -> None:
    settings.IMAGE_HOSTS = AllowList.of([])
    camera.answers["/1.png"] = gives(make.png())
    row = fetched(camera.url("/1.png", host="localhost"))

    settings.IMAGE_HOSTS = AllowList.of(row.reason.partition("REVIEWAPP_IMAGE_HOSTS=")[2].split(","))
    fetch.fetch_again(fetch=row, now=make.NOW)
    fetch.drain(clock=lambda: make.NOW)

    assert Item.objects.get().image_status == "stored"


def test_the_address_that_was_checked_is_the_one_that_is_asked(
    camera: Camera, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that says something allowed first and 127.0.0.1 afterwards gets one question only."""
    real, questions = socket.getaddrinfo, []

    def resolve(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != "rebind.test":
            return real(host, port, *rest, **more)
        questions.append(host)
        return real("127.0.0.2" if len(questions) == 1 else "127.0.0.1", port, *rest, **more)

    settings.IMAGE_HOSTS = AllowList.of(["127.0.0.2/32"])  # nobody listens there
    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    assert fetched(camera.url("/1.png", host="rebind.test")).code == "image_host_unreachable"
    assert (questions, camera.asked) == (["rebind.test"], [])


def test_a_key_in_the_store_is_measured_where_it_lies_and_nothing_is_copied() -> None:
    stream = io.BytesIO()
    Image.new("I;16", (20, 10), 4000).save(stream, "TIFF")
    files.put("plant-a/1.tif", stream.getvalue())

    fetched("store:plant-a/1.tif")

    item = Item.objects.get()
    assert (item.image, item.content_type, item.width) == ("plant-a/1.tif", "image/tiff", 20)
    assert item.sha256
    assert item.phash


def test_a_key_without_a_file_is_asked_for_again_and_one_too_large_is_not(settings: Any) -> None:
    assert (fetched("store:plant-a/none.png").status, ImageFetch.objects.get().code) == ("waiting", "file_missing")
    ImageFetch.objects.all().delete()
    Item.objects.all().update(image_status="wanted")
    files.put("plant-a/large.png", b"x" * 100_001)
    assert fetched("store:plant-a/large.png").code == "file_too_large"


def test_an_image_that_came_by_upload_meanwhile_stands(camera: Camera) -> None:
    item = make.make_item(content=make.png(), image_address=camera.url("/1.png"))
    row = make.make_fetch(item=item)

    fetch.drain(clock=lambda: make.NOW)

    row.refresh_from_db()
    assert (row.status, camera.asked) == ("done", [])


def test_what_a_lost_worker_held_is_taken_over_and_it_cannot_write_any_more() -> None:
    row = make.make_fetch()
    lost = fetch.claim(now=make.NOW)
    assert lost is not None
    assert fetch.claim(now=make.NOW + timedelta(seconds=30)) is None
    later = make.NOW + timedelta(minutes=2)
    again = fetch.claim(now=later)
    assert again is not None
    assert again.n_attempts == 2

    assert not fetch.finish(lost, status="done", code="", reason="", now=later)
    row.refresh_from_db()
    assert row.status == "running"
