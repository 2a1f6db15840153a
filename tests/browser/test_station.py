"""The review station in a real browser, on the real server: what counts as a verdict, and that none is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from playwright.sync_api import Browser, Error, Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from labeling.images.shown import derivative
from labeling.models import Review, Verdict
from models_registry import files
from tests import factories as make
from tests.browser.station_story import Plant, is_ready, open_station, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

IMAGES = re.compile(r"/api/v1/items/")
VERDICTS = re.compile(r"/api/v1/verdicts/$")


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
def plant(live_server: LiveServer) -> Plant:
    return Plant()


def is_saved(page: Page) -> None:
    expect(page.locator('#line[data-unsent="0"]')).to_have_text("Saved")


def notice(page: Page, text: str) -> None:
    expect(page.locator("#notice")).to_contain_text(text)


def on_screen(page: Page, review: Review) -> None:
    is_ready(page)
    expect(page.locator("#part")).to_have_text(review.inspection.part)


def is_empty(page: Page) -> None:
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()


# ---------- saying what the part is ----------


def test_one_key_is_a_verdict_and_the_next_part_is_there(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    on_screen(page, first)
    page.keyboard.press("3")
    on_screen(page, second)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert (verdict.review, verdict.kind, verdict.phase, verdict.reviewer) == (first, "label", "shown", plant.alice)
    assert verdict.label is not None
    assert verdict.label.slug == "dent"
    assert verdict.said_at - verdict.shown_at >= timedelta(milliseconds=250)
    assert verdict.shown["suggestion"]["label"] == "scratch"
    assert verdict.shown["image"] == "painted"
    assert [url.split("/")[4] for url in verdict.shown["items"]] == [
        str(item.public_id) for item in first.inspection.items.all()
    ]


def test_a_touch_on_a_label_and_enter_for_the_suggestion(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(3)
    open_station(page, live_server, plant)
    page.locator("[data-label=hole]").click()
    is_ready(page)
    page.keyboard.press("Enter")  # the button that was touched does not keep the focus
    is_ready(page)
    page.get_by_role("button", name="Scratch, as suggested").click()
    is_empty(page)
    is_saved(page)
    assert [verdict.label.slug for verdict in plant.verdicts() if verdict.label] == ["hole", "scratch", "scratch"]


def test_without_suggestions_by_policy_enter_does_nothing(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"allow_suggestion": False})
    plant.part()
    open_station(page, live_server, plant)
    expect(page.locator("#suggested")).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    is_empty(page)
    is_saved(page)
    assert len(plant.verdicts()) == 1


def test_unsure_and_bad_image(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("u")
    is_ready(page)
    page.keyboard.press("b")
    is_empty(page)
    is_saved(page)
    assert [(verdict.kind, verdict.label) for verdict in plant.verdicts()] == [("unsure", None), ("bad_image", None)]


def test_a_blind_part_hides_the_prediction_on_the_wire_too(page: Page, live_server: LiveServer, plant: Plant) -> None:
    blind = plant.part(blind=True)
    plant.part()
    sign_in(page, live_server)
    with page.expect_response(re.compile("/reviews/claim/")) as claimed:
        page.goto(plant.url)
    payload = next(one for one in claimed.value.json()["reviews"] if one["id"] == blind.pk)
    assert payload["prediction"] is None
    assert "scratch" not in json.dumps(payload).lower()
    on_screen(page, blind)
    expect(page.locator("#what")).to_have_text("Hidden")
    expect(page.locator("#suggested")).not_to_be_visible()
    place = page.get_by_role("button", name="Dent").bounding_box()
    page.keyboard.press("Enter")  # there is nothing to take over
    on_screen(page, blind)
    page.keyboard.press("1")
    is_ready(page)
    expect(page.locator("#what")).to_have_text("Scratch")
    assert page.get_by_role("button", name="Dent").bounding_box() == place, "a label moved"
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert (verdict.phase, verdict.shown["suggestion"]) == ("blind", None)


def test_first_labels_are_given_before_there_is_a_model(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part(reason="first_labels")
    open_station(page, live_server, plant)
    expect(page.locator("#what")).to_have_text("None yet")
    page.keyboard.press("4")
    is_empty(page)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert verdict.label is not None
    assert verdict.label.slug == "stain"


def test_a_part_that_waits_comes_first_and_shows_how_long(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(4)
    open_station(page, live_server, plant)
    waiting = plant.part(mode="blocking")
    page.keyboard.press("1")
    is_saved(page)
    is_ready(page)
    page.wait_for_timeout(300)  # the queue is filled up after each verdict
    page.keyboard.press("1")
    on_screen(page, waiting)
    expect(page.locator("#due")).to_contain_text(re.compile(r"Part waits: 8:\d\d left"))


def test_all_views_of_a_part_are_on_screen(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part(views=["top", "side"])
    open_station(page, live_server, plant)
    expect(page.locator("#shot img")).to_have_count(2)


# ---------- what does not count ----------


def test_nothing_can_be_said_before_the_image_is_painted(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    held: list[Route] = []
    page.route(IMAGES, lambda route: held.append(route))
    sign_in(page, live_server)
    page.goto(plant.url)
    expect(page.get_by_role("heading", name="Getting the image")).to_be_visible()
    for key in ("1", "Enter", "u", "b"):
        page.keyboard.press(key)
    expect(page.locator("#wait.flash")).to_be_visible()
    page.get_by_role("button", name="Dent").click(force=True)
    assert page.get_by_role("button", name="Dent").get_attribute("aria-disabled") == "true"
    for route in held:
        route.continue_()
    on_screen(page, first)
    assert plant.verdicts() == []
    page.keyboard.press("1")
    on_screen(page, second)
    is_saved(page)
    assert len(plant.verdicts()) == 1


def test_the_shortest_view_holds_after_the_paint(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"min_view_ms": 1500})
    plant.part()
    sign_in(page, live_server)
    page.goto(plant.url)
    expect(page.locator("body[data-state=judge][data-wait]")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator("#wait.flash")).to_be_visible()
    is_ready(page)
    assert plant.verdicts() == []
    page.keyboard.press("2")
    is_empty(page)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert verdict.said_at - verdict.shown_at >= timedelta(milliseconds=1500)


def test_a_double_press_and_a_held_key_are_one_verdict(page: Page, live_server: LiveServer, plant: Plant) -> None:
    _, second, _ = plant.parts(3)
    open_station(page, live_server, plant)
    page.keyboard.press("2")
    page.keyboard.press("2")
    on_screen(page, second)
    is_saved(page)
    assert len(plant.verdicts()) == 1
    page.keyboard.down("2")
    for _ in range(8):
        page.wait_for_timeout(60)
        page.keyboard.down("2")  # repeats
    page.keyboard.up("2")
    is_ready(page)
    is_saved(page)
    assert len(plant.verdicts()) == 2


def test_an_answer_that_got_lost_does_not_double_the_verdict(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    bodies: list[str] = []

    def lose_the_first_answer(route: Route, request: Request) -> None:
        bodies.append(request.post_data or "")
        if len(bodies) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(VERDICTS, lose_the_first_answer)
    page.keyboard.press("3")
    expect(page.locator("#line")).to_have_text("Offline")
    is_saved(page)
    assert len(set(bodies)) == 1 < len(bodies)
    assert len(plant.verdicts()) == 1


# ---------- undo ----------


def test_undo_says_what_it_undoes_and_shows_the_part_again(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("3")
    on_screen(page, second)
    is_saved(page)
    expect(page.locator("#undo")).to_contain_text(re.compile(r"Undo dent, \d s ago"))
    page.keyboard.press("z")
    notice(page, f"Undone: dent on part {first.inspection.part}. It is on screen again.")
    on_screen(page, first)
    page.keyboard.press("1")
    on_screen(page, second)
    is_saved(page)
    dent, withdrawn, ok = plant.verdicts()
    assert (withdrawn.kind, withdrawn.supersedes, ok.supersedes) == ("withdrawn", dent, withdrawn)
    assert list(Verdict.objects.current()) == [ok]


def test_after_a_reload_the_last_verdicts_can_still_be_changed(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("3")
    is_ready(page)
    page.keyboard.press("1")
    is_empty(page)
    is_saved(page)
    page.reload()
    is_empty(page)
    page.get_by_role("button", name=f"Change dent on part {first.inspection.part}").click()
    on_screen(page, first)
    assert [verdict.review for verdict in Verdict.objects.current()] == [second]


def test_what_a_dataset_holds_cannot_be_undone_and_says_so(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("3")
    is_ready(page)
    is_saved(page)
    truth = plant.model.ground_truths.get()
    truth.frozen_in = make.make_dataset(registered_model=plant.model)
    truth.save()
    page.keyboard.press("z")
    notice(page, "Not undone: A dataset holds this verdict already.")
    assert len(plant.verdicts()) == 1


# ---------- nothing is lost ----------


def test_offline_the_work_goes_on_and_is_sent_when_the_line_is_back(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.parts(4)
    open_station(page, live_server, plant)
    expect(page.locator("#waiting")).to_have_text("4 waiting")
    page.wait_for_timeout(300)  # the two ahead are fetched
    page.context.set_offline(True)
    page.keyboard.press("2")
    is_ready(page)
    page.keyboard.press("3")
    is_ready(page)
    expect(page.locator("#line")).to_have_text("Offline")
    notice(page, "No connection. 2 verdicts are kept here, 1 image ready.")
    page.keyboard.press("1")
    expect(page.get_by_role("heading", name="Nothing more on this device")).to_be_visible()
    assert plant.verdicts() == []
    page.context.set_offline(False)
    is_saved(page)
    is_ready(page)  # the fourth
    assert [verdict.label.slug for verdict in plant.verdicts() if verdict.label] == ["scratch", "dent", "ok"]
    notice(page, "Connected again. All verdicts are saved.")


def test_an_undo_without_a_line_takes_back_what_was_not_sent(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, _ = plant.parts(2)
    open_station(page, live_server, plant)
    page.wait_for_timeout(300)
    page.context.set_offline(True)
    page.keyboard.press("2")
    expect(page.locator("#line")).to_have_text("Offline")
    page.keyboard.press("z")
    on_screen(page, first)
    page.keyboard.press("5")
    is_ready(page)
    page.context.set_offline(False)
    is_saved(page)
    standing = Verdict.objects.current().get(review=first)
    assert standing.label is not None
    assert standing.label.slug == "hole"


def test_a_reload_sends_what_the_server_refused_to_take(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, second = plant.parts(2)
    open_station(page, live_server, plant)
    page.route(
        VERDICTS, lambda route: route.fulfill(status=503, json={"error": {"code": "busy", "message": "", "fields": {}}})
    )
    page.keyboard.press("2")
    notice(page, "The server does not answer. 1 verdict is kept here.")
    expect(page.locator("#line")).to_have_text("1 unsent")
    page.unroute(VERDICTS)
    page.reload()
    on_screen(page, second)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert verdict.review == first


def test_a_session_that_ended_keeps_the_verdict_until_the_sign_in(
    page: Page, live_server: LiveServer, plant: Plant
) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("2")
    notice(page, "You are signed out. 1 verdict is kept here. Sign in")
    assert plant.verdicts() == []
    sign_in(page, live_server)
    page.goto(plant.url)
    is_saved(page)
    is_ready(page)
    assert len(plant.verdicts()) == 1


def test_nobody_speaks_in_the_name_of_who_signed_in_later(page: Page, live_server: LiveServer, plant: Plant) -> None:
    make.make_member("inspector", user=make.make_user("bob"), registered_model=plant.model)
    plant.parts(2)
    open_station(page, live_server, plant)
    page.context.clear_cookies(name="sessionid")
    other_tab = page.context.new_page()
    other_tab.goto(f"{live_server.url}/login/?next=/admin/login/")  # a sign-in as it happens, with a new token
    other_tab.locator("input[name=username]").fill("bob")
    other_tab.locator("input[name=password]").fill(make.PASSWORD)
    other_tab.locator("form button[type=submit]").first.click()
    other_tab.wait_for_function("!location.pathname.startsWith('/login/')")
    page.bring_to_front()
    page.keyboard.press("2")
    notice(page, "Somebody else signed in on this browser. 1 verdict is kept here.")
    assert plant.verdicts() == []


def test_a_lost_lease_is_said_and_the_verdict_is_kept(page: Page, live_server: LiveServer, plant: Plant) -> None:
    bob = make.make_member("inspector", user=make.make_user("bob"), registered_model=plant.model)
    first, _ = plant.parts(2)
    open_station(page, live_server, plant)
    Review.objects.filter(pk=first.pk).update(claimed_by=bob, claim_expires_at=timezone.now() + timedelta(minutes=5))
    page.keyboard.press("2")
    notice(page, "The part went to a colleague meanwhile. Your verdict is kept too.")
    (verdict,) = plant.verdicts()
    assert (verdict.review, verdict.lease_lost) == (first, True)


def test_a_lease_that_ran_out_is_said_before_the_verdict(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"lease_seconds": 10})
    bob = make.make_member("inspector", user=make.make_user("bob"), registered_model=plant.model)
    first = plant.part()
    open_station(page, live_server, plant)
    Review.objects.filter(pk=first.pk).update(claimed_by=bob, claim_expires_at=timezone.now() + timedelta(minutes=5))
    notice(page, "The time for this part ran out, so it may be with a colleague. Your verdict is kept too.")
    on_screen(page, first)


def test_what_cannot_be_stored_is_said(page: Page, live_server: LiveServer, plant: Plant) -> None:
    first, _ = plant.parts(2)
    open_station(page, live_server, plant)
    Review.objects.filter(pk=first.pk).update(status="cancelled", claimed_by=None, claim_expires_at=None)
    page.keyboard.press("2")
    notice(page, f"Not stored: scratch on part {first.inspection.part}. This review was cancelled meanwhile.")


def test_leaving_gives_the_parts_back(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(3)
    open_station(page, live_server, plant)
    assert Review.objects.filter(claimed_by=plant.alice).count() == 3
    page.goto("/healthz")
    for _ in range(50):
        if not Review.objects.filter(claimed_by=plant.alice).exists():
            return
        page.wait_for_timeout(100)
    pytest.fail("the parts are still held")


# ---------- images and empty queues ----------


@pytest.fixture(params=["cut off", "no image at all", "left at the station"])
def broken(request: pytest.FixtureRequest, plant: Plant) -> Iterator[Review]:
    review = plant.part()
    item = review.inspection.items.get()
    if request.param == "left at the station":
        type(item).objects.filter(pk=item.pk).update(
            image="", image_status="wanted", sha256="", width=None, height=None
        )
        yield review
        return
    key = derivative(item, "review")
    whole = files.read(key)
    default_storage.delete(key)
    default_storage.save(key, ContentFile(whole[: len(whole) // 2] if request.param == "cut off" else b"not an image"))
    yield review
    default_storage.delete(key)  # named by its content, which other tests show too


def test_a_broken_image_can_only_be_called_bad(
    page: Page, live_server: LiveServer, plant: Plant, broken: Review
) -> None:
    second = plant.part()
    sign_in(page, live_server)
    page.goto(plant.url)
    expect(page.get_by_role("heading", name="This image cannot be shown")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator("#bad-image")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("2")
    page.keyboard.press("u")
    expect(page.locator("#wait.flash")).to_have_text("Only Bad image here")
    page.keyboard.press("b")
    on_screen(page, second)
    is_saved(page)
    (verdict,) = plant.verdicts()
    assert (verdict.review, verdict.kind) == (broken, "bad_image")
    assert verdict.shown["image"] in {"unreadable", "missing"}


def test_an_empty_queue_shows_the_next_part_by_itself(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("2")
    is_empty(page)
    expect(page.locator("#recent li")).to_contain_text(["Scratch"])
    later = plant.part()
    on_screen(page, later)


# ---------- people and words ----------

EVIL = '<img src=x onerror="window.stolen=1">'


def test_names_from_outside_stay_text(page: Page, live_server: LiveServer) -> None:
    plant = Plant(labels=(("ok", "OK", "1"), ("evil", EVIL, "2")), name=f"Model {EVIL}")
    plant.part(said="evil", lot=EVIL, inspection_id=EVIL)
    open_station(page, live_server, plant)
    expect(page.locator("#lot")).to_have_text(EVIL)
    expect(page.locator("#what")).to_have_text(EVIL)
    page.keyboard.press("2")
    is_empty(page)
    expect(page.locator("#recent li").first).to_contain_text(EVIL)
    assert page.evaluate("window.stolen") is None


def test_keys_do_nothing_while_the_list_of_keys_is_open(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    open_station(page, live_server, plant)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="All keys")).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="All keys")).not_to_be_visible()
    is_ready(page)
    assert plant.verdicts() == []


def test_glove_mode_is_kept_and_its_targets_are_large(page: Page, live_server: LiveServer, plant: Plant) -> None:
    plant.parts(2)
    page.set_viewport_size({"width": 1180, "height": 820})
    open_station(page, live_server, plant)
    page.get_by_label("Menu").click()
    page.get_by_role("button", name="Glove mode").click()
    page.reload()
    is_ready(page)
    assert page.evaluate("document.documentElement.dataset.mode") == "glove"
    for name in ("OK", "Dent", "Unsure", "Bad image"):
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 72
    assert page.evaluate("document.documentElement.scrollWidth") <= 1180


@pytest.fixture
def policy_breaches(page: Page) -> list[str]:
    """What the Content-Security-Policy had to stop."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    return said


def test_the_page_keeps_the_strict_policy(
    page: Page, live_server: LiveServer, plant: Plant, policy_breaches: list[str]
) -> None:
    plant.part()
    open_station(page, live_server, plant)
    page.keyboard.press("+")
    page.keyboard.press("1")
    is_empty(page)
    assert policy_breaches == []
