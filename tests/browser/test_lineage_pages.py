"""The pages of datasets, comparisons, versions and cards: no finding of axe, light and dark, nothing wide at 200 %."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from models_registry.models import ModelVersion, RetrainingPolicy
from tests import factories as make
from tests.browser.axe import findings
from tests.browser.fleet_story import make_lena
from tests.browser.lineage_story import make_history, make_series, make_told
from tests.browser.test_accessibility import Reader, reader

__all__ = ["reader"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_the_pages_from_labels_to_decisions(reader: Reader, transactional_db: None) -> None:
    made = make_history()
    reader.sign_in(make_lena())
    dataset, comparison = made["dataset"].get_absolute_url(), made["comparison"].get_absolute_url()
    pages = [dataset, f"{dataset}changes/", "/datasets/", comparison, "/models/ring/versions/"]
    assert reader.look_at_all(*pages, f"/versions/{made['version'].pk}/", made["run"].get_absolute_url()) == []


def test_what_a_training_tells_and_what_runs_beside_the_champion(
    reader: Reader, transactional_db: None, settings: Any, tmp_path: Path
) -> None:
    made = make_history(n_versions=3)
    model, run, version = made["model"], made["run"], made["version"]
    settings.TRAINERS_FILE = tmp_path / "trainers.toml"
    settings.TRAINERS_FILE.write_text("[trainers.gpu]\nkind = 'command'\ncommand = ['/opt/train']\n")
    reader.sign_in(make_lena())
    make_told(run)
    points = [{"n_labels": n, "accuracy": 1 - n**-0.4, "n": 300} for n in (50, 100, 200)]
    ModelVersion.objects.filter(pk=version.pk).update(metrics={**version.metrics, "learning_curve": points})
    champion = model.versions.get(stage="champion")
    make.make_canary(candidate=version, champion=champion)
    live = make.make_run(registered_model=model, status="running", backend="gpu", queued_at=timezone.now())
    make.make_steps(run=live, n_done=4)
    make_series(live)
    refit = make.make_run(
        registered_model=model, status="failed", trigger="calibration", recalibrates=champion, outcome="Too few parts."
    )
    make.make_steps(run=refit, n_done=5, failed=True)
    runs = [one.get_absolute_url() for one in (run, live, refit)]
    of_model = [f"/models/ring/{part}/" for part in ("canary", "versions", "policy", "learning")]
    assert reader.look_at_all(*runs, *of_model, f"/versions/{version.pk}/", "/runs/?model=ring") == []


def test_pages_with_nothing_on_them_and_one_whose_file_is_gone(reader: Reader, transactional_db: None) -> None:
    make.make_model(slug="new")
    lost = make.make_dataset()
    reader.sign_in(make_lena())
    empty = [f"/models/new/{part}/" for part in ("canary", "versions", "policy", "learning")]
    assert reader.look_at_all(*empty, "/runs/", "/runs/?status=failed", lost.get_absolute_url()) == []


def test_a_policy_is_edited_with_what_it_would_have_done_beside_it(reader: Reader, transactional_db: None) -> None:
    model = make.make_model(slug="ring", retraining={"min_total_labels": 2, "min_per_class": 1, "min_new_labels": 4})
    for label in ("ok", "dent", "ok", "dent"):
        make.make_ground_truth(registered_model=model, label=label, decided_at=timezone.now() - timedelta(days=9))
    reader.sign_in(make_lena())
    page, wanted = reader.page, reader.page.get_by_label("New labels that ask for a run, at least")
    assert reader.look("/models/ring/policy/") == []
    expect(page.locator("#policy-preview")).to_contain_text("1 run would have started")
    tops = "(all) => new Set(all.map((one) => Math.round(one.getBoundingClientRect().top))).size"
    rows = page.locator("section.card", has_text="What holds a run back").locator(".thresholds .input")
    assert rows.evaluate_all(tops) < rows.count()  # fields beside each other stand in line
    wanted.fill("5")
    wanted.blur()
    expect(page.locator("#policy-preview")).to_contain_text("0 runs would have started")
    assert RetrainingPolicy.objects.get().min_new_labels == 4
    page.get_by_role("button", name="Save the policy").click()
    expect(page.locator(".changes")).to_contain_text("4 → 5")


def test_a_comparison_is_looked_through_by_keyboard(reader: Reader, transactional_db: None) -> None:
    made = make_history(n_versions=2)["comparison"]
    comparison, n = made.get_absolute_url(), made.n - made.n_both_right
    reader.sign_in(make_lena())
    page, viewer = reader.page, reader.page.locator("#viewer")
    page.goto(comparison)
    page.keyboard.press("ArrowRight")
    expect(viewer.get_by_role("heading")).to_have_text(f"Image 1 of {n}")
    expect(viewer).to_contain_text("v1: ")
    expect(viewer.locator("img")).to_have_js_property("complete", True)
    first = viewer.locator("img").get_attribute("src")
    page.keyboard.press("j")
    expect(viewer.get_by_role("heading")).to_have_text(f"Image 2 of {n}")
    assert viewer.locator("img").get_attribute("src") != first
    page.keyboard.press("+")
    expect(viewer.locator("[data-zoom]")).to_have_text("150 %")
    assert findings(page, "the viewer") == []
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(page.locator("a[data-image]").first).to_be_focused()  # on the tile that was looked at last
    page.keyboard.press("Enter")
    expect(viewer.locator("img")).to_have_attribute("src", first or "")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    page.keyboard.press("f")
    page.wait_for_url("**/?kind=fixed")
    expect(page.locator("[data-tile]")).to_have_count(made.n_fixed)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert findings(page, "the keys") == []
