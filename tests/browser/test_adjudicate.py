"""A disagreement from its first word to its decision, in a browser."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from labeling.models import GroundTruth, Reveal, Review, Verdict
from labeling.verdicts import Said, record_verdict
from tests import factories as make
from tests.browser.station_story import Plant, sign_in

DASHES = "line => getComputedStyle(line).strokeDasharray"


def say(who: User, review: Review, word: str, note: str = "", findings: Sequence[Any] = ()) -> None:
    now = timezone.now()
    said = Said(
        uuid.uuid4(), "label", word, "blind", now - timedelta(seconds=3), now, note=note, findings=list(findings)
    )
    record_verdict(review_id=review.pk, reviewer=who, said=said, now=now)


def dispute(plant: Plant) -> Review:
    """Alice and bob differ about a part; returns the round that decides."""
    first = plant.part(blind=True)
    bob = make.make_member(user=make.make_user("bob"), registered_model=plant.model)
    say(plant.alice, first, "dent", "Soft edge")
    say(bob, first, "scratch")
    return Review.objects.get(inspection=first.inspection, reason="adjudication")


def open_court(page: Page, live_server: LiveServer, plant: Plant) -> None:
    make.make_member("adjudicator", user=make.make_user("lena"), registered_model=plant.model)
    sign_in(page, live_server, "lena")
    page.goto(f"/adjudicate/{plant.model.slug}/")
    expect(page.locator("#shot img").first).to_be_visible()
    expect(page.locator("body:not([data-wait])")).to_be_visible()


def test_a_case_is_decided_with_keys_and_the_next_one_follows(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"votes_needed": 2})
    first, second = dispute(plant), dispute(plant)
    open_court(page, live_server, plant)
    expect(page.get_by_role("heading", name=f"Case {first.pk}")).to_be_visible()
    expect(page.locator(".voice b")).to_have_text(["Dent", "Scratch"])
    expect(page.locator("[data-label=dent] .letters")).to_have_text("A")

    page.keyboard.press("Enter")  # nothing is chosen yet
    assert Verdict.objects.filter(review=first).count() == 0
    page.keyboard.press("3")
    expect(page.locator("#settle")).to_contain_text("Settle as dent")
    page.keyboard.press("n")
    page.keyboard.type("The line is the rim")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name=f"Case {second.pk}")).to_be_visible()
    expect(page.locator("#notice")).to_contain_text("Settled as dent")
    said = Verdict.objects.get(review=first)
    assert (said.label and said.label.slug, said.note, said.surface) == ("dent", "The line is the rim", "adjudication")
    assert said.phase == "blind"
    assert GroundTruth.objects.get(inspection=first.inspection).method == "adjudication"
    assert not Reveal.objects.exists()


def test_a_look_at_the_prediction_is_written_down_and_the_verdict_says_so(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"votes_needed": 2})
    deciding = dispute(plant)
    told: list[str] = []
    page.on("response", lambda answer: told.append(answer.text()) if "/take/" in answer.url else None)
    open_court(page, live_server, plant)
    assert all("0.87" not in body for body in told)

    page.get_by_role("button", name="Show").click()
    expect(page.locator("#model-said")).to_contain_text("The model said scratch, 87 %")
    page.locator("[data-label=scratch]").click()
    page.locator("#settle").click()

    expect(page.get_by_role("heading", name="No open case")).to_be_visible()
    assert Reveal.objects.get().was_decided is False
    assert Verdict.objects.get(review=deciding).phase == "shown"


def test_a_case_that_a_colleague_has_open_is_not_decided_twice(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"votes_needed": 2})
    deciding = dispute(plant)
    olga = make.make_member("adjudicator", user=make.make_user("olga"), registered_model=plant.model)
    Review.objects.filter(pk=deciding.pk).update(
        claimed_by=olga, claim_expires_at=timezone.now() + timedelta(minutes=5)
    )
    make.make_member("adjudicator", user=make.make_user("lena"), registered_model=plant.model)
    sign_in(page, live_server, "lena")
    page.goto(f"/adjudicate/{plant.model.slug}/")
    expect(page.get_by_role("heading", name="A colleague has this case open")).to_be_visible()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert Verdict.objects.filter(review=deciding).count() == 0


def test_whose_region_is_whose_is_drawn_and_views_that_are_bad_are_named(page: Page, live_server: LiveServer) -> None:
    plant = Plant(review={"votes_needed": 2})
    first = plant.part(blind=True, views=["top", "side"], findings=make.drawn(make.a_box(9, 9, 50, 50), view="top"))
    bob = make.make_member(user=make.make_user("bob"), registered_model=plant.model)
    box: dict[str, Any] = {"origin": "added", "label": "dent", "box": [80, 120, 200, 90]}
    say(plant.alice, first, "dent", findings=[{"view": "top", "regions": [box]}])
    other = box | {"label": "scratch", "box": [100, 130, 220, 90]}
    say(bob, first, "scratch", findings=[{"view": "top", "regions": [other]}, {"view": "side", "bad_image": True}])
    open_court(page, live_server, plant)

    expect(page.locator(".tag")).to_have_text(["A: Dent", "B: Scratch"])
    dashes = [page.locator(f".voice-{line} .box-line").evaluate(DASHES) for line in ("solid", "dashed")]
    assert dashes == ["none", "9px, 6px"]
    expect(page.locator(".voice").nth(1)).to_contain_text("Bad image: view side")
    page.get_by_role("button", name="1 region of A").click()
    expect(page.locator(".tag")).to_have_text(["B: Scratch"])
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".tag")).to_have_text(["B: Scratch", "Model: Scratch"])
    page.keyboard.press("v")
    page.keyboard.press("v")
    page.keyboard.press("m")
    page.keyboard.press("2")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="No open case")).to_be_visible()
    told = Verdict.objects.get(review__reason="adjudication")
    assert told.findings == [{"view": "side", "bad_image": True}]
