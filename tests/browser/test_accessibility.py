"""Every page in light and dark under axe-core (WCAG 2.2 AA), at 200 % zoom in German, and in odd settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import Review
from labeling.tallies import fold
from tests import factories as make
from tests.browser.accuracy_story import make_stream
from tests.browser.axe import findings
from tests.browser.fleet_story import make_fleet, make_lena
from tests.browser.station_story import Plant, is_empty, is_ready
from tests.browser.test_adjudicate import dispute

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(500), pytest.mark.django_db(transaction=True)]
DESK, ZOOMED = {"width": 1280, "height": 800}, {"width": 720, "height": 450}
STANDS = "() => !document.querySelector('[hx-trigger=load]')"  # what comes once the page stands has come
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? null
  : [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
      .slice(0, 3).map((one) => one.outerHTML.slice(0, 90))"""


class Reader:
    """Two windows of one person: a desk's in English, and a German one at 200 %."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self.desk = browser.new_context(base_url=address, viewport=DESK)  # type: ignore[arg-type]
        self.zoomed = browser.new_context(base_url=address, viewport=ZOOMED, locale="de-DE")  # type: ignore[arg-type]
        self.page, self.small = self.desk.new_page(), self.zoomed.new_page()

    def sign_in(self, user: User) -> None:
        client = Client()
        client.force_login(user)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.address}
        for context in (self.desk, self.zoomed):
            context.add_cookies([cookie])  # type: ignore[list-item]

    def look(self, address: str, *, status: int = 200) -> list[str]:
        """What is wrong with a page; also that it answers with another status, for an error page has no faults."""
        wrong = []
        answer = self.page.goto(address)
        if answer is None or answer.status != status:
            wrong.append(f"{address} answers {answer.status if answer else 'nothing'}, not {status}")
        self.page.wait_for_function(STANDS)
        self.page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            wrong += findings(self.page, f"{address} {scheme}")
        self.small.goto(address)
        self.small.wait_for_function(STANDS)
        if wide := self.small.evaluate(TOO_WIDE):
            wrong.append(f"{address} scrolls sideways at 200 %: {wide}")
        return wrong

    def look_at_all(self, *addresses: str, status: int = 200) -> list[str]:
        return [line for address in addresses for line in self.look(address, status=status)]


@pytest.fixture
def reader(browser: Browser, live_server: LiveServer) -> Iterator[Reader]:
    reader = Reader(browser, live_server.url)
    yield reader
    reader.desk.close()
    reader.zoomed.close()


def test_a_page_with_mistakes_is_found_out(page: Page) -> None:
    page.set_content("<html><body><img src='x'><button></button></body></html>")
    assert {line.split()[1] for line in findings(page, "planted:")} >= {"button-name", "image-alt", "html-has-lang"}


def test_the_expert_pages(reader: Reader, transactional_db: None) -> None:
    models = make_fleet()
    champion = models["flange"].versions.get(stage="champion")
    station = models["flange"].deployments.latest("pk").station
    make_stream(champion, station, now=timezone.now(), n=1500)
    fold()
    runs = [models[name].runs.order_by("-pk")[0].get_absolute_url() for name in ("bearing", "solder", "gasket")]
    report = make.make_report(version=champion)
    reader.sign_in(make_lena())

    of_model = [
        f"/models/flange/{part}"
        for part in ("", "how/", "learning/", "slices/", "reviews/", "plan/?falls_to=90", "canary/")
    ]
    make.make_pick(round=make.make_round(registered_model=models["flange"]))
    points = [{"n_labels": n, "accuracy": 1 - n**-0.4, "n": 300} for n in (50, 100, 200)]
    models["flange"].versions.filter(training_run__isnull=False).update(metrics={"learning_curve": points})
    others = ["/models/glass/", "/models/casting/", "/runs/", "/reports/", report.get_absolute_url()]
    people = ["/review/", "/me/", f"/stations/{station.slug}/screens/", f"/stations/{station.slug}/handover/"]
    assert reader.look_at_all("/", "/?q=nothing", *of_model, *others, *runs, *people) == []


def test_the_small_pages(reader: Reader, transactional_db: None) -> None:
    flange = make.make_model(slug="flange")
    wrong = reader.look_at_all("/login/", "/login/?next=/runs/")
    wrong += reader.look_at_all("/nowhere/", status=404)
    reader.sign_in(make.make_member("auditor", registered_model=flange))
    wrong += reader.look_at_all("/review/", "/models/flange/")
    wrong += reader.look_at_all("/review/flange/", status=403)
    wrong += reader.look_at_all("/models/other/", status=404)
    reader.sign_in(make_lena())
    wrong += reader.look_at_all("/models/flange/reviews/?kind=nothing", status=400)  # refused, with a code
    assert wrong == []


def at_the_station(reader: Reader, plant: Plant, what: str) -> list[str]:
    wrong = []
    for theme in ("dark", "light"):
        for mode in ("keys", "glove"):
            reader.page.evaluate(
                "([theme, mode]) => Object.assign(document.documentElement.dataset, {theme, mode})", [theme, mode]
            )
            wrong += findings(reader.page, f"station, {what}, {theme}, {mode}")
    return wrong


def test_the_station_in_its_states(reader: Reader, transactional_db: None) -> None:
    plant = Plant()
    plant.part()
    reader.sign_in(plant.alice)
    reader.page.goto(plant.url)
    is_ready(reader.page)
    wrong = at_the_station(reader, plant, "shown")
    reader.page.keyboard.press("?")
    wrong += at_the_station(reader, plant, "all keys")
    reader.page.goto("about:blank")

    Review.objects.all().update(status="cancelled", claimed_by=None, claim_expires_at=None)
    plant.part(blind=True, views=["top", "side"])
    reader.page.goto(plant.url)
    is_ready(reader.page)
    for key in ("v", "m"):
        reader.page.keyboard.press(key)
    wrong += at_the_station(reader, plant, "blind, a view enlarged")
    reader.page.goto("about:blank")

    Review.objects.all().update(status="cancelled", claimed_by=None, claim_expires_at=None)
    reader.page.goto(plant.url)
    is_empty(reader.page)
    wrong += at_the_station(reader, plant, "empty")
    assert wrong == []


def test_what_stands_beside_the_station(reader: Reader, transactional_db: None) -> None:
    """The grid, a case, the queue of a station, and who sits there."""
    plant = Plant(review={"votes_needed": 2})
    plant.parts(3)
    lena = make.make_member("adjudicator", user=make.make_user("lena"), registered_model=plant.model)
    make.make_pin(make.make_member("lead", user=lena, registered_model=plant.model))
    assert plant.version is not None
    make.make_deployment(station=plant.line, version=plant.version)
    make.make_challenge(review=dispute(plant))
    device, secret = make.register_device(plant.line)
    for context in (reader.desk, reader.zoomed):
        context.add_cookies([{"name": "reviewapp_device", "value": secret, "url": reader.address, "httpOnly": True}])
    reader.sign_in(lena)
    place = f"/stations/{device.station.slug}"
    wrong = reader.look_at_all(f"{place}/change/", f"{place}/screens/", f"{place}/handover/")
    for address in (f"{plant.url}grid/", f"/adjudicate/{plant.model.slug}/", f"/review/station/{plant.line.slug}/"):
        reader.page.goto(address)
        expect(reader.page.locator("body[data-state=judge]:not([data-wait])")).to_be_visible()
        wrong += at_the_station(reader, plant, address)
        reader.small.goto(address)
        wrong += [f"{address} scrolls sideways at 200 %: {wide}" for wide in [reader.small.evaluate(TOO_WIDE)] if wide]
        for page in (reader.page, reader.small):
            page.goto("about:blank")
    assert wrong == []


@pytest.fixture
def fleet(page: Page, live_server: LiveServer) -> Page:
    make.make_evaluation(version=make.make_version(registered_model=make.make_model(slug="flange")))
    client = Client()
    client.force_login(make_lena())
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    return page


def test_who_wants_less_motion_gets_none(fleet: Page) -> None:
    longest = """() => Math.max(...[...document.querySelectorAll("*")].flatMap((one) => {
      const style = getComputedStyle(one);
      return [...style.transitionDuration.split(","), ...style.animationDuration.split(",")].map(parseFloat);
    }))"""
    for address in ("/", "/models/flange/"):
        fleet.emulate_media(reduced_motion="no-preference")
        fleet.goto(address)
        assert fleet.evaluate(longest) > 0.05  # else the next line would show nothing
        fleet.emulate_media(reduced_motion="reduce")
        assert fleet.evaluate(longest) <= 0.011


def test_with_forced_colours_a_button_has_an_edge_and_what_is_chosen_is_told(fleet: Page) -> None:
    fleet.emulate_media(forced_colors="active")
    fleet.goto("/models/flange/")
    edges = fleet.evaluate(
        """() => [...document.querySelectorAll("a.btn, button.btn")].filter((one) => one.offsetParent)
             .map((one) => getComputedStyle(one)).filter((style) => style.borderStyle === "none").length"""
    )
    assert edges == 0
    assert findings(fleet, "forced colours") == []
