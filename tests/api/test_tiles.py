"""Tiles of a very large image over the API: made once, under the rules of images, and refused in words."""

from __future__ import annotations

import io

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

import tests.factories as make
from labeling.images import mosaic, shown
from labeling.images.signed import tiles_url
from labeling.models import Item
from tests.api.line import Line, error_of


@pytest.fixture
def item(line: Line, monkeypatch: pytest.MonkeyPatch) -> Item:
    """Two million pixels are very large here."""
    monkeypatch.setattr(mosaic, "MORE_THAN", 2_000_000)
    make.make_member(site=line.source.station.site)  # alice
    return make.make_item(
        content=make.png(width=2400, height=1000), inspection=make.make_inspection(station=line.source.station)
    )


def address(item: Item, level: int, column: int, row: int) -> str:
    url = tiles_url(item, user_id=make.make_user("alice").pk, now=timezone.now())
    return url.format(level=level, column=column, row=row)


def test_tiles_cover_the_image_and_are_made_once(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make_level(data: bytes, level: int) -> bytes:
        made.append(level)
        return mosaic.make_level(data, level)

    monkeypatch.setattr(shown, "make_level", make_level)

    answers = [Client().get(address(item, 0, column, 1)) for column in (0, 4, 4)]

    sizes = [Image.open(io.BytesIO(one.content)).size for one in answers]
    assert sizes == [(512, 488), (2400 - 4 * 512, 488), (2400 - 4 * 512, 488)]
    assert made == [0]
    assert "immutable" in answers[0]["Cache-Control"]
    again = Client().get(address(item, 0, 0, 1), headers={"If-None-Match": answers[0]["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("place", [(1, 0, 0), (0, 5, 0), (0, 0, 2), (10**30, 10**30, 10**30)])
def test_what_is_not_there_is_said_so(item: Item, place: tuple[int, int, int]) -> None:
    assert error_of(Client().get(address(item, *place)), 404)["code"] == "no_tiles"


def test_a_tile_is_its_readers_like_an_image_and_small_images_have_none(item: Item) -> None:
    url = address(item, 0, 0, 0)
    assert error_of(Client().get(url.replace("for=", "for=9")), 403)["code"] == "image_url_invalid"
    error_of(Client().get(url.split("?")[0]), 401)
    small = make.make_item(content=make.png(), inspection=item.inspection, view="top")
    assert error_of(Client().get(address(small, 0, 0, 0)), 404)["code"] == "no_tiles"
