"""The system checks: each speaks when it should, says what to do, and is silent otherwise.

No test here asks for the database, so pytest-django refuses every query that a check would make.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.core.checks.registry import registry

from reviewapp import checks, embedded


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.fixture
def by_default(settings: Any, tmp_path: Path) -> Any:
    settings.VAR = tmp_path
    settings.DATABASE_URL, settings.REDIS_URL = "postgresql://db.example/reviewapp", "redis://redis.example"
    return settings


def test_nothing_is_said_about_settings_that_are_fine(by_default: Any) -> None:
    assert [message for check in checks.ALL for message in check()] == []


def test_every_check_is_registered() -> None:
    registered = registry.registered_checks
    assert set(checks.ALL) <= set(registered)


def test_a_folder_that_cannot_be_written_is_an_error(by_default: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    by_default.VAR = by_default.VAR / "not" / "there" / "yet"
    assert ids(checks.folder_of_data()) == []
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere, so the answer is set
    (message,) = checks.folder_of_data()
    assert (message.id, "The image store lives" in message.msg) == ("reviewapp.E001", True)
    by_default.DATABASE_URL = embedded.database_url(by_default.VAR)
    assert "The embedded servers" in checks.folder_of_data()[0].msg


def test_a_file_where_the_folder_should_be_is_an_error(by_default: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    by_default.VAR = tmp_path / "file"
    assert ids(checks.folder_of_data()) == ["reviewapp.E001"]


@pytest.mark.parametrize(
    ("root", "expected"), [("there", []), ("missing", ["reviewapp.W001"]), ("/", ["reviewapp.W002"])]
)
def test_image_folders_exist_and_are_not_the_whole_disk(
    root: str, expected: list[str], by_default: Any, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    by_default.IMAGE_ROOTS = [tmp_path / root]
    assert ids(checks.image_roots()) == expected


@pytest.mark.parametrize(
    ("bucket", "installed", "expected"),
    [("", False, []), ("images", True, []), ("images", False, ["reviewapp.E002"])],
)
def test_a_bucket_needs_the_library_that_talks_to_it(
    bucket: str, installed: bool, expected: list[str], by_default: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    find: Callable[[str], Any] = lambda name: object() if installed else None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", find)
    by_default.S3_BUCKET = bucket
    assert ids(checks.s3_client()) == expected


@pytest.mark.parametrize(
    ("in_production", "plain", "expected"),
    [(False, True, []), (True, False, []), (True, True, ["reviewapp.W003"])],
)
def test_production_without_tls_is_warned_about(
    in_production: bool, plain: bool, expected: list[str], by_default: Any
) -> None:
    by_default.IN_PRODUCTION, by_default.PLAIN_HTTP = in_production, plain
    assert ids(checks.plain_http()) == expected


@pytest.mark.parametrize(("lost_after", "expected"), [(15, []), (14, ["reviewapp.W004"])])
def test_a_run_is_not_lost_before_three_heartbeats(lost_after: int, expected: list[str], by_default: Any) -> None:
    by_default.TRAINING_HEARTBEAT_SECONDS, by_default.TRAINING_LOST_AFTER_SECONDS = 5, lost_after
    assert ids(checks.silence_before_takeover()) == expected


def test_an_embedded_server_in_production_is_warned_about(by_default: Any) -> None:
    by_default.DATABASE_URL = embedded.database_url(by_default.VAR)
    assert ids(checks.embedded_in_production()) == []
    by_default.IN_PRODUCTION = True
    assert ids(checks.embedded_in_production()) == ["reviewapp.W005"]
