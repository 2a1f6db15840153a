"""Our scripts and styles go out compressed to whoever takes that, and plain to whoever does not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reviewapp.static_files import compressed, without_comments
from tests import factories as make

SCRIPT = "labeling/station.js"
PLAIN = (Path(__file__).parents[1] / "labeling" / "static" / SCRIPT).read_bytes()


def body(accepts: str) -> tuple[str, bytes]:
    answer = Client().get(f"/static/{SCRIPT}", headers={"accept-encoding": accepts})
    assert answer.status_code == 200
    return answer.get("Content-Encoding", ""), b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_a_browser_gets_a_compressed_copy_without_what_only_explains() -> None:
    encoding, data = body("gzip, br")
    assert encoding == "gzip"
    assert gzip.decompress(data) == without_comments(PLAIN)
    assert len(data) < len(PLAIN) / 2


def test_who_takes_no_compression_gets_the_file() -> None:
    assert body("identity") == ("", PLAIN)


def test_caches_are_told_that_there_are_two() -> None:
    answer = Client().get(f"/static/{SCRIPT}", headers={"accept-encoding": "gzip"})
    assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.django_db
def test_a_page_that_may_repeat_what_was_asked_is_never_compressed() -> None:
    assert "Content-Encoding" not in Client().get("/login/", headers={"accept-encoding": "gzip"})


@pytest.mark.django_db
def test_the_stations_page_is_compressed_and_repeats_nothing_that_was_asked() -> None:
    admin = User.objects.create_superuser("compressed")
    model = make.make_model()
    client = Client()
    client.force_login(admin)
    path = f"/review/{model.slug}/?q=repeat-what-was-asked"
    answer = client.get(path, headers={"accept-encoding": "gzip", "referer": "https://testserver/referred-from-there"})
    page = gzip.decompress(answer.content)
    assert len(answer.content) < len(page) / 3
    assert b"repeat-what-was-asked" not in page
    assert b"referred-from-there" not in page
    assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.parametrize("other", [b"a", b"b" * 10_000, b""])
def test_a_file_that_changed_has_another_copy(tmp_path: Path, other: bytes) -> None:
    file = tmp_path / "one.js"
    file.write_bytes(b"let one = 1;")
    before = compressed(file, tmp_path / "copies")
    file.write_bytes(other)
    after = compressed(file, tmp_path / "copies")
    assert before != after
    assert gzip.decompress(Path(after).read_bytes()) == other
    assert compressed(file, tmp_path / "copies") == after


def test_lines_of_comments_go_and_whatever_does_something_stays() -> None:
    written = b"""/*! licence */
// why
import { a } from "./a.js"; // what
/** Two
 *  lines. */
  /* one */
const url = "http://x"; /* here */
const all = `//${url}`;
"""
    assert (
        without_comments(written)
        == b"""/*! licence */
import { a } from "./a.js"; // what
const url = "http://x"; /* here */
const all = `//${url}`;
"""
    )
