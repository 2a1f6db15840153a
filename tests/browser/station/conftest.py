"""The plant is defined in `station_story.py`: it needs Django, which is not set up yet when this file is read."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page
from pytest_django.live_server_helper import LiveServer


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A session at the size of a station's screen. An uncaught error in the page fails the test."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    uncaught: list[Error] = []
    page.on("pageerror", lambda error: uncaught.append(error))
    yield page
    context.set_offline(True)  # a page that is closed gives its parts back: not into the next test
    page.wait_for_timeout(500)  # and what the server does already has an end
    context.close()
    assert not uncaught


@pytest.fixture
def plant(live_server: LiveServer) -> Any:
    return import_module("tests.browser.station_story").Plant()
