"""People change at a shared screen, in a real browser: by PIN and by badge, and every word stays its author's."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.people.passes import set_pin
from tests import factories as make
from tests.browser.station_story import VERDICTS, Plant, is_ready, is_saved, notice, open_station

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def tablet(page: Page, live_server: LiveServer, plant: Plant) -> Page:
    """A registered screen at alice's and bob's line. alice is signed in; a part waits for her."""
    for name in ("alice", "bob"):
        make.make_pin(make.make_member(user=make.make_user(name), registered_model=plant.model))
    plant.parts(6)
    assert plant.version is not None
    make.make_deployment(station=plant.line, version=plant.version)
    device, secret = make.register_device(plant.line)
    cookie = {"name": "reviewapp_device", "value": secret, "url": live_server.url, "httpOnly": True}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    assert device.station == plant.line
    open_station(page, live_server, plant)
    return page


def who(page: Page) -> str:
    return page.locator(".who-now b").inner_text()


def take_by_pin(page: Page, name: str, pin: str) -> None:
    page.locator(".who-now").click()
    dialog = page.locator("#change")
    dialog.get_by_role("radio", name=name).check()
    for digit in pin:
        dialog.locator(f'.digits button[value="{digit}"]').click()
    dialog.get_by_role("button", name="Take over").click()


def test_bob_takes_the_screen_with_his_pin_on_the_number_pad(tablet: Page) -> None:
    assert who(tablet) == "Alice"
    take_by_pin(tablet, "Bob", make.PIN)
    expect(tablet.locator(".who-now b")).to_have_text("Bob")
    is_ready(tablet)
    tablet.keyboard.press("2")
    is_saved(tablet)


def test_a_wrong_pin_is_told_in_the_dialog_and_changes_nobody(tablet: Page) -> None:
    take_by_pin(tablet, "Bob", "8050")
    expect(tablet.locator("#change [role=alert]")).to_have_text("Badge or PIN is not known at this station.")
    expect(tablet.locator("#change [name=secret]")).to_have_value("")
    tablet.locator("#change-close").click()
    assert who(tablet) == "Alice"
    is_ready(tablet)


def test_every_button_of_the_pad_is_large_enough_for_a_glove(tablet: Page) -> None:
    tablet.locator(".who-now").click()
    targets = tablet.locator("#change :is(.digits button, .who label, [name=secret])")
    boxes = [targets.nth(n).bounding_box() for n in range(targets.count())]
    assert len(boxes) == 15
    assert all(box and box["height"] >= 64 and box["width"] >= 64 for box in boxes)


def test_a_badge_reader_types_into_the_station_and_says_no_verdict(tablet: Page, plant: Plant) -> None:
    make.make_badge(make.make_user("bob"), "1234512345")
    tablet.keyboard.type("%1234512345?\n", delay=5)
    expect(tablet.locator(".who-now b")).to_have_text("Bob")
    is_ready(tablet)
    assert plant.verdicts() == []


def test_what_alice_said_is_hers_though_bob_has_the_screen_when_it_is_sent(tablet: Page, plant: Plant) -> None:
    tablet.route(VERDICTS, lambda route: route.abort())
    tablet.keyboard.press("3")
    expect(tablet.locator("#line")).to_have_text("Offline")
    take_by_pin(tablet, "Bob", make.PIN)
    expect(tablet.locator(".who-now b")).to_have_text("Bob")
    is_ready(tablet)
    assert plant.verdicts() == []
    tablet.unroute(VERDICTS)
    tablet.keyboard.press("4")
    is_saved(tablet)
    tablet.reload()
    is_ready(tablet)
    tablet.wait_for_function("indexedDB.databases().then((all) => all.length)")
    for _ in range(50):
        if len(plant.verdicts()) == 2:
            break
        tablet.wait_for_timeout(100)
    said = {(one.reviewer.username, one.label.slug) for one in plant.verdicts() if one.label}
    assert said == {("alice", "dent"), ("bob", "stain")}


def test_a_word_whose_token_is_over_waits_on_the_screen_for_its_author(tablet: Page, plant: Plant) -> None:
    tablet.route(VERDICTS, lambda route: route.abort())
    tablet.keyboard.press("3")
    expect(tablet.locator("#line")).to_have_text("Offline")
    set_pin(user=make.make_user("alice"), pin="8052", now=make.NOW)
    take_by_pin(tablet, "Bob", make.PIN)
    expect(tablet.locator(".who-now b")).to_have_text("Bob")
    is_ready(tablet)
    tablet.unroute(VERDICTS)
    tablet.reload()
    notice(tablet, "1 verdict of a colleague is kept here until they sign in.")
    assert plant.verdicts() == []
    take_by_pin(tablet, "Alice", "8052")
    expect(tablet.locator(".who-now b")).to_have_text("Alice")
    is_saved(tablet)
    assert [one.reviewer.username for one in plant.verdicts()] == ["alice"]


def test_a_browser_may_put_the_station_on_the_home_screen(tablet: Page) -> None:
    session = tablet.context.new_cdp_session(tablet)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    assert '"start_url": "/review/"' in found["data"]
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [one["errorId"] for one in errors if one["errorId"] != "in-incognito"] == []


def test_the_screen_stays_on_while_somebody_works(tablet: Page) -> None:
    expect(tablet.locator("html[data-awake=yes]")).to_be_attached()
