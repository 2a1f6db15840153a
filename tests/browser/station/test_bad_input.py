"""What goes wrong around the station: markup in words from outside, a review or a version that goes while its part is
on screen, a clock that is an hour off. Images that are broken or gone are in `test_screens.py`.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import Inspection, Review, Verdict
from models_registry.models import ModelVersion
from tests import factories as make
from tests.browser.station_story import Plant, is_empty, is_saved, notice, on_screen, open_station, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EVIL = '<img src=x onerror="window.stolen=1"><script>window.stolen=1</script>'
OFF = """(() => { const Real = Date, off = %d;
  window.Date = class extends Real {
    constructor(...said) { said.length ? super(...said) : super(Real.now() + off); }
    static now() { return Real.now() + off; }
  }; })()"""


def test_markup_in_metadata_views_and_notes_stays_text(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"metadata_shown": ["remark"]})
    part = plant.part(views=[EVIL[:40], "side"], blind=True)
    Inspection.objects.filter(pk=part.inspection_id).update(metadata={"remark": EVIL})
    open_station(page, live_server, plant)
    expect(page.locator("#metadata")).to_contain_text(EVIL)
    expect(page.locator(".layer:not([aria-hidden]) .view-name span").first).to_have_text(EVIL[:40])
    page.keyboard.press("v")
    page.keyboard.press("m")
    page.keyboard.press("n")
    page.keyboard.type(EVIL)
    page.keyboard.press("Enter")
    page.keyboard.press("u")
    is_empty(page)
    is_saved(page)
    assert page.evaluate("window.stolen") is None

    make.make_member("adjudicator", user=make.make_user("lena"), registered_model=plant.model)
    sign_in(page, live_server, "lena")
    page.goto(f"/adjudicate/{plant.model.slug}/")
    expect(page.locator(".voice q")).to_have_text(EVIL)
    expect(page.locator(".voice .bad-views")).to_contain_text(EVIL[:40])
    expect(page.locator("#shot .view-name span").first).to_have_text(EVIL[:40])
    assert page.evaluate("window.stolen") is None


def test_a_review_that_was_cancelled_on_screen_is_said_so_and_the_next_one_follows(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    Review.objects.filter(pk=first.pk).update(status="cancelled", claimed_by=None, claim_expires_at=None)
    page.keyboard.press("3")
    notice(page, f"Not stored: dent on part {first.inspection.part}. This review was cancelled meanwhile.")
    on_screen(page, second)
    page.keyboard.press("3")
    is_empty(page)
    is_saved(page)
    assert [one.review for one in plant.verdicts()] == [second]
    expect(page.locator("#today")).to_contain_text("1 today")


def test_the_verdict_on_a_part_whose_version_was_retired_on_screen_is_kept(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    ModelVersion.objects.update(stage="retired")
    page.keyboard.press("Enter")
    on_screen(page, second)
    is_saved(page)
    (said,) = plant.verdicts()
    assert (said.review, said.label and said.label.slug) == (first, "scratch")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_changes_neither_deadlines_nor_times(
    page: Page, live_server: LiveServer, plant: Plant, hours: int
) -> None:
    page.add_init_script(OFF % (hours * 3_600_000))
    plant.part(mode="blocking")
    open_station(page, live_server, plant)
    expect(page.locator("#due")).to_contain_text("Part waits: 8:")
    page.keyboard.press("3")
    is_empty(page)
    is_saved(page)
    said = Verdict.objects.get()
    assert abs(said.said_at - timezone.now()) < timedelta(seconds=15)
    assert timedelta(milliseconds=250) <= said.said_at - said.shown_at < timedelta(seconds=15)
