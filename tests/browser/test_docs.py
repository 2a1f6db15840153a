"""The browsable API documentation works under the strict policy, from files served here."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_docs_list_the_ways_in_without_asking_another_host(page: Page, live_server: LiveServer) -> None:
    make_user("lena")
    refused: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto("/login/?next=/api/docs/")
    page.fill("[name=username]", "lena")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("text=Send predictions, one or a list")
    assert page.locator(".opblock").count() >= 10
    assert hosts == {live_server.url.split("/")[2]}
    assert not [text for text in refused if "script" in text]
