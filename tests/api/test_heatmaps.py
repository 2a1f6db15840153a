"""Heat maps: sent after the prediction, kept with it, and shown only with a review that shows the prediction."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

import tests.factories as make
from labeling.images.heat import coloured
from labeling.models import Prediction, Review
from tests.api.line import Line, draw_everything, error_of

URL = "/api/v1/heatmaps/"


def heat(*, shade: int = 200, width: int = 16, height: int = 12) -> SimpleUploadedFile:
    return SimpleUploadedFile("heat.png", make.png(width=width, height=height, shade=shade), content_type="image/png")


@pytest.fixture
def part(line: Line) -> Line:
    """A line that has sent the prediction of one drawn part, with its image."""
    draw_everything(line)
    form = {"rows": json.dumps([line.row()]), "image.0": SimpleUploadedFile("a.png", make.png())}
    assert line.send_form(form).status_code == 201
    Review.objects.update(blind=False)
    return line


def send(line: Line, file: Any, **fields: Any) -> Any:
    said = {
        "model": "steel", "version": line.champion.number, "inspection_id": "part-1", "source": "cam-1", **fields
    }  # fmt: skip
    return line.send_form({**said, "image": file}, url=URL)


def claimed(line: Line) -> dict[str, Any]:
    client = Client()
    client.force_login(make.make_member(registered_model=line.model))
    answer = client.post("/api/v1/models/steel/reviews/claim/", "{}", content_type="application/json")
    return dict(answer.json()["reviews"][0])


def test_a_map_is_stored_once_and_another_one_is_a_conflict(part: Line) -> None:
    first, again = send(part, heat()), send(part, heat(), version="v1")

    assert (first.json()["status"], again.json()["status"]) == ("created", "duplicate")
    assert error_of(send(part, heat(shade=9)), 409)["code"] == "conflict"
    assert len(Prediction.objects.get().findings[0]["heatmap"]) == 64


def test_who_is_shown_the_prediction_is_shown_the_map(part: Line) -> None:
    send(part, heat())
    url = claimed(part)["prediction"]["views"][0]["heatmap_url"]
    answer = Client().get(url)

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    picture = Image.open(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert (picture.mode, picture.size) == ("RGBA", (16, 12))
    assert Client().get(url.replace("until=", "until=9")).status_code == 403
    assert Client().get(url.partition("?")[0]).status_code == 403


def test_a_blind_review_names_no_map(part: Line) -> None:
    send(part, heat())
    Review.objects.update(blind=True)

    assert "heatmap" not in json.dumps(claimed(part))


def test_a_view_that_nobody_will_look_at_keeps_none(part: Line) -> None:
    Prediction.objects.get().inspection.items.update(
        image_status="not_wanted", image="", sha256="", width=None, height=None
    )
    assert send(part, heat()).json()["status"] == "ignored"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"version": 9}, 404, "view_not_found"),
        ({"model": "other"}, 404, "view_not_found"),
        ({"inspection_id": "part-9"}, 404, "view_not_found"),
        ({"view": "top"}, 404, "view_not_found"),
        ({"station": "line"}, 400, "invalid"),
    ],
)
def test_what_it_belongs_to_must_be_known(part: Line, fields: dict[str, Any], status: int, code: str) -> None:
    assert error_of(send(part, heat(), **fields), status)["code"] == code


def test_what_is_no_small_picture_is_refused(part: Line) -> None:
    assert error_of(send(part, SimpleUploadedFile("a.png", b"x")))["code"] == "image_not_readable"
    assert error_of(send(part, heat(width=2000, height=2000)), 413)["code"] == "image_too_large"
    assert error_of(part.send_form({"model": "steel", "version": 1, "inspection_id": "part-1", "source": "cam-1"},
                                   url=URL))["code"] == "image_missing"  # fmt: skip


def test_several_at_once_are_each_answered(part: Line) -> None:
    rows = [{"model": "steel", "version": 1, "inspection_id": name, "source": "cam-1"} for name in ("part-1", "part-9")]
    answer = part.send_form({"rows": json.dumps(rows), "image.0": heat(), "image.1": heat()}, url=URL)

    assert answer.status_code == 207
    assert [one["status"] for one in answer.json()["results"]] == ["created", "error"]


def test_nothing_is_seen_where_the_map_is_black_and_most_where_it_is_white() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.array([[0, 128, 255]], dtype=np.uint8)).save(stream, "PNG")
    pixels = np.asarray(Image.open(io.BytesIO(coloured(stream.getvalue()))))[0]

    assert pixels[:, 3].tolist() == [0, 115, 230]
    assert pixels[0, :3].sum() < pixels[1, :3].sum() < pixels[2, :3].sum()


def test_a_map_of_sixteen_bits_is_not_stretched() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.array([[0, 32_768, 65_535]], dtype=np.uint16)).save(stream, "PNG")
    pixels = np.asarray(Image.open(io.BytesIO(coloured(stream.getvalue()))))[0]

    assert pixels[:, 3].tolist() == [0, 115, 230]
