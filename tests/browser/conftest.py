"""The system's own Chromium, driven by Playwright. Without one these tests are skipped, or fail if it is required."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("Chromium is missing and REQUIRE_BROWSER=1 (apt-get install -y chromium)")
        pytest.skip("Chromium is missing")  # tests/conftest.py lists these at the end of the run
    # Playwright keeps an event loop in this thread, in which Django would refuse every query of a test.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A fresh session whose relative addresses lead to the live server. An uncaught error in a page fails the test."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(10_000)
    uncaught: list[Error] = []
    page.on("pageerror", lambda error: uncaught.append(error))
    yield page
    context.close()
    assert not uncaught
