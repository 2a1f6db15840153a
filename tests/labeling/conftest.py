"""The cast around a test's own ``model``. Factories need Django, which is not set up yet when this file is read."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest


@pytest.fixture
def make() -> Any:
    return import_module("tests.factories")


@pytest.fixture
def alice(make: Any, model: Any) -> Any:
    return make.make_member(registered_model=model)


@pytest.fixture
def bob(make: Any, model: Any) -> Any:
    return make.make_member(user=make.make_user("bob"), registered_model=model)


@pytest.fixture
def version(make: Any, model: Any) -> Any:
    return make.make_version(registered_model=model)
