"""Fixtures are defined in `line.py`: it needs Django, which is not set up yet when this file is read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> Path:
    """A file store of this test's own."""
    folder = tmp_path / "store"
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": local}
    return folder


@pytest.fixture
def line(db: None) -> Any:
    """A line with a camera, a model with a champion, and the key of the system that sends."""
    return import_module("tests.api.line").make_line()
