"""Two tabs of one person, a session that ended, pages that were closed with verdicts unsent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories as make
from tests.browser.station_story import (
    VERDICTS,
    Plant,
    is_ready,
    is_saved,
    notice,
    on_screen,
    open_station,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in_over_the_page(page: Page, name: str, password: str) -> None:
    page.locator("#login-name").fill(name)
    page.locator("#login-password").fill(password)
    page.locator("#login-send").click()


def test_two_tabs_never_show_the_same_part(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"buffer": 2})
    plant.parts(7)
    open_station(page, live_server, plant)
    expect(page.locator("#shot .layer")).to_have_count(3)
    other = page.context.new_page()
    other.goto(live_server.url + plant.url)
    is_ready(other)
    expect(other.locator("#shot .layer")).to_have_count(3)
    parts = {one.locator("#part").inner_text() for one in (page, other)}
    assert len(parts) == 2
    for one, key in ((page, "1"), (other, "2"), (page, "1"), (other, "2")):
        one.bring_to_front()
        is_ready(one)
        one.keyboard.press(key)
        is_saved(one)
    verdicts = plant.verdicts()
    assert len({verdict.review_id for verdict in verdicts}) == len(verdicts) == 4


def test_what_a_closed_tab_left_unsent_the_other_sends(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(8)
    open_station(page, live_server, plant)
    other = page.context.new_page()
    other.goto(live_server.url + plant.url)
    is_ready(other)
    other.route(VERDICTS, lambda route: route.abort())
    other.keyboard.press("3")
    expect(other.locator('#line[data-unsent="1"]')).to_be_visible()
    other.close()
    page.bring_to_front()
    for _ in range(250):
        if plant.verdicts():
            break
        page.wait_for_timeout(100)
    (verdict,) = plant.verdicts()
    assert verdict.label is not None
    assert verdict.label.slug == "dent"


def test_a_session_that_ended_is_renewed_over_the_page(page: Page, live_server: LiveServer, plant: Plant) -> None:
    _, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("2")
    expect(page.get_by_role("dialog", name="You are signed out")).to_be_visible()
    assert plant.verdicts() == []
    sign_in_over_the_page(page, "alice", "wrong")
    expect(page.locator("#login-error")).to_have_text("Name or password is not right. Capitals count in both.")
    sign_in_over_the_page(page, "alice", make.PASSWORD)
    expect(page.get_by_role("dialog")).to_be_hidden()
    is_saved(page)
    on_screen(page, second)  # the page was never left
    assert len(plant.verdicts()) == 1


def test_work_goes_on_when_the_sign_in_is_put_off(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(3)
    open_station(page, live_server, plant)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("2")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    is_ready(page)
    page.keyboard.press("3")
    notice(page, "You are signed out. 2 verdicts are kept here. Sign in")
    page.locator("#notice a").click()
    sign_in_over_the_page(page, "alice", make.PASSWORD)
    is_saved(page)
    assert [verdict.label.slug for verdict in plant.verdicts() if verdict.label] == ["scratch", "dent"]


def test_whoever_signs_in_instead_says_nothing_in_the_others_name(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    make.make_member("inspector", user=make.make_user("bob"), registered_model=plant.model)
    plant.parts(3)
    open_station(page, live_server, plant)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("2")
    sign_in_over_the_page(page, "bob", make.PASSWORD)
    is_ready(page)
    expect(page.locator('#line[data-unsent="0"]')).to_be_visible()  # bob has nothing unsent
    assert plant.verdicts() == []
    kept = page.evaluate(
        """() => new Promise((done) => { const open = indexedDB.open("reviewapp"); open.onsuccess = () => {
        const all = open.result.transaction("parcels").objectStore("parcels").getAll();
        all.onsuccess = () => done(all.result.map((one) => one.person)); }; })"""
    )
    assert kept == [plant.alice.pk]


def test_closing_the_page_with_verdicts_unsent_warns(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.route(VERDICTS, lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.locator('#line[data-unsent="1"]')).to_be_visible()
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto(f"{live_server.url}/healthz")
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("missing", ["indexedDB", "both"])
def test_without_a_store_of_the_browser_verdicts_are_still_sent(
    page: Page, live_server: LiveServer, plant: Plant, missing: str
) -> None:
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { get() { throw new Error('private'); } });")
    if missing == "both":
        page.add_init_script("Storage.prototype.setItem = () => { throw new Error('full'); };")
    plant.parts(2)
    open_station(page, live_server, plant)
    page.route(VERDICTS, lambda route: route.abort())
    page.keyboard.press("2")
    kept = (
        "1 verdict is kept here"
        if missing == "indexedDB"
        else "Keep this page open: this browser cannot store verdicts"
    )
    notice(page, kept)
    page.unroute(VERDICTS)
    is_saved(page)
    assert len(plant.verdicts()) == 1
