"""An image that never leaves its station: the browser asks a server there, which checks the address as documented."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client

import tests.factories as make
from labeling.models import Station
from tests.api.line import Line
from tests.image_server import Camera, filming

DOCS = Path(settings.BASE_DIR) / "docs" / "operations.md"


@pytest.fixture
def may_have() -> Callable[[str, str], bool]:
    """The very lines that operators are told to use."""
    (code,) = re.findall(r"```python\n(import hashlib.*?)```", DOCS.read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(compile(code, str(DOCS), "exec"), namespace)  # noqa: S102 - our own documentation
    found: Callable[[str, str], bool] = namespace["may_have"]
    return found


@pytest.fixture
def station(line: Line, may_have: Callable[[str, str], bool]) -> Iterator[Camera]:
    """A server at the station that gives its images to whom we signed an address for."""
    line.model.designs.filter(is_active=True).update(budget=1, audit_share=1)
    row = line.source.station

    def answer(handler: BaseHTTPRequestHandler) -> None:
        allowed = may_have(handler.path, row.image_secret)
        body = make.png() if allowed else b"no"
        handler.send_response(200 if allowed else 403)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with filming() as camera:
        camera.otherwise = answer
        row.image_address = camera.url("/images/")
        row.full_clean()
        row.save()
        yield camera


def address_of(line: Line, path: str) -> str:
    sent = line.send(line.row(image_at_station=path)).json()
    assert (sent["image"], sent["review"]) == ("at_station", "measuring")
    inspector = Client()
    inspector.force_login(make.make_member(registered_model=line.model))
    claim = inspector.post(
        f"/api/v1/models/{line.model.slug}/reviews/claim/", {"n": 1}, content_type="application/json"
    )
    (seen,) = claim.json()["reviews"][0]["items"]
    assert seen["status"] == "at_station"
    return str(seen["url"])


def test_the_station_gives_the_image_to_the_signed_address_and_to_no_other(line: Line, station: Camera) -> None:
    url = address_of(line, "2026/11/24/part 7 ü.png")

    assert httpx.get(url).content == make.png()
    forged = [
        url.replace("part", "other"),
        re.sub(r"expires=\d+", "expires=9999999999", url),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("&signature=")[0],
        url.partition("?")[0],
        re.sub(r"expires=\d+", "expires=x", url),
    ]
    assert {httpx.get(one).status_code for one in forged} == {403}


def test_an_address_runs_out(line: Line, station: Camera, settings: Any) -> None:
    settings.IMAGE_URL_SECONDS = -10  # its period ended before it began

    assert httpx.get(address_of(line, "7.png")).status_code == 403


def test_another_station_has_another_secret(line: Line, station: Camera, may_have: Callable[[str, str], bool]) -> None:
    url = httpx.URL(address_of(line, "7.png"))
    other = make.make_station()

    assert may_have(url.raw_path.decode(), line.source.station.image_secret)
    assert not may_have(url.raw_path.decode(), other.image_secret)


def test_the_station_page_may_ask_registered_stations_and_nothing_else(line: Line, client: Client) -> None:
    Station.objects.filter(pk=line.source.station.pk).update(image_address="http://line-3.plant:8088/images/")
    client.force_login(make.make_member(registered_model=line.model))

    policy = client.get(f"/review/{line.model.slug}/")["Content-Security-Policy"]
    elsewhere = client.get("/")["Content-Security-Policy"]

    allowed = {part.split()[0]: part.split()[1:] for part in policy.split(";")}
    assert allowed["img-src"] == ["'self'", "data:", "blob:", "http://line-3.plant:8088"]
    assert allowed["connect-src"] == ["'self'", "http://line-3.plant:8088"]
    assert "line-3" not in elsewhere


@pytest.mark.parametrize(
    "address",
    ["line-3", "http://line-3", "http://line-3/images", "http://u:p@h/", "http://h/?a=b/", "http://h;*/", "ftp://h/"],
)
def test_a_station_with_an_address_that_browsers_must_not_ask_is_refused(line: Line, address: str) -> None:
    line.source.station.image_address = address
    with pytest.raises(ValidationError, match="address"):
        line.source.station.full_clean()
