"""The admin in a real browser: its pages load under their Content-Security-Policy without a single complaint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Browser, Page

from labeling.models import SamplingDesign, Verdict
from models_registry.models import LabelSet, ModelVersion, RegisteredModel
from tests import factories as make
from tests.factories.everything import make_one_of_each

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A fresh session. The tests below listen to everything that it complains about."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the console and the pages' scripts complained about."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def listed(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def changed(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def shoot(page: Page, name: str) -> None:
    """A picture for people, where REVIEWAPP_SCREENSHOTS says so."""
    if folder := os.environ.get("REVIEWAPP_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"admin-{name}.png"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_admin_works_and_the_browser_has_nothing_to_complain_about(
    theme: Literal["light", "dark"], page: Page, live_server: Any, complaints: list[str]
) -> None:
    rows = [make_one_of_each() for _ in range(12)][-1]
    make.make_user("root", is_staff=True, is_superuser=True)
    page.emulate_media(color_scheme=theme)
    page.goto(live_server.url + "/admin/")
    shoot(page, f"login-{theme}")
    page.fill("input[name=username]", "root")
    page.fill("input[name=password]", make.PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    shoot(page, f"index-{theme}")
    looked_at = {
        "versions": listed(ModelVersion), "verdicts": listed(Verdict), "model": changed(rows[RegisteredModel]),
        "labels": changed(rows[LabelSet]), "design": changed(rows[SamplingDesign]), "verdict": changed(rows[Verdict]),
    }  # fmt: skip
    for name, path in looked_at.items():
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        shoot(page, f"{name}-{theme}")
    _refuse_a_candidate(page, live_server, ModelVersion.objects.filter(stage="candidate").latest("pk"), theme)
    assert complaints == []


def _refuse_a_candidate(page: Page, live_server: Any, candidate: Model, theme: str) -> None:
    page.goto(live_server.url + listed(ModelVersion) + "?stage__exact=candidate")
    page.locator(f"input.action-select[value='{candidate.pk}']").check()
    page.locator("select[name=action]").select_option("refuse")
    page.locator("input[name=reason]").fill("Misses more dents")
    shoot(page, f"action-{theme}")
    page.locator("#changelist-actions button[type=submit], button[name=index]").first.click()
    page.wait_for_selector("text=was refused")
    shoot(page, f"refused-{theme}")
