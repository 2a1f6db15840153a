"""The fleet and model pages: who sees what, and that a number never travels alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from models_registry.models import RegisteredModel, TrainingRun
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="flange", name="Flange surface", target_accuracy=0.96)


@pytest.fixture
def lena(client: Client, model: RegisteredModel) -> Client:
    """lena leads the flange model and is logged in."""
    client.force_login(make.make_member("lead", registered_model=model))
    return client


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\u00a0", " ")


def test_a_stranger_is_sent_to_the_login(client: Client) -> None:
    assert client.get("/").headers["Location"].startswith(reverse("login"))


def test_without_a_model_the_fleet_says_what_to_do_next(client: Client) -> None:
    client.force_login(make.make_user("ada", is_superuser=True, is_staff=True))

    page = text_of(client, "/")
    assert "No model yet" in page
    assert "make demo" in page


def test_charlie_has_no_rights_and_sees_no_model_of_others(client: Client, model: RegisteredModel) -> None:
    client.force_login(make.make_user("charlie"))

    assert "Flange surface" not in text_of(client, "/")
    assert client.get(f"/models/{model.slug}/").status_code == 404


def test_the_fleet_shows_accuracy_with_its_interval_and_n(lena: Client, model: RegisteredModel) -> None:
    make.make_evaluation(
        version=make.make_version(registered_model=model), value=0.934, ci_low=0.918, ci_high=0.947, n=1482
    )

    page = text_of(lena, "/")
    assert "93.4 % 91.8 to 94.7 1,482 reviewed" in page
    assert "One model needs a person" in page  # all of the interval lies below the target


def test_too_few_reviews_are_said_in_words(lena: Client, model: RegisteredModel) -> None:
    make.make_evaluation(version=make.make_version(registered_model=model), n=0)

    assert "Not measurable yet 0 reviews, 30 needed" in text_of(lena, "/")


def test_too_few_errors_give_a_bound_and_no_estimate(lena: Client, model: RegisteredModel) -> None:
    version = make.make_version(registered_model=model)
    make.make_evaluation(version=version, n=41, n_found=1, value=0.98, lower_bound=0.961, bound_only=True)

    page = text_of(lena, "/")
    assert "at least 96.1 % 41 reviewed, 1 error found" in page
    assert "98.0 %" not in page


def test_the_fleet_narrows_by_name_and_by_state(lena: Client, model: RegisteredModel) -> None:
    other = make.make_model(name="Weld seam")
    make.make_alert(registered_model=other)
    make.make_member("lead", registered_model=other)

    assert "Weld seam" not in text_of(lena, "/?q=flange").partition("Attention Model")[2]
    assert "Flange surface" not in text_of(lena, "/?state=alert").partition("Attention Model")[2]
    assert "No model is called so." in text_of(lena, "/?q=gasket")


def test_htmx_gets_the_list_alone(lena: Client) -> None:
    part = lena.get("/", headers={"HX-Request": "true"}).content.decode()

    assert part.strip().startswith('<div id="fleet-list">')


def test_two_hundred_models_stay_one_bounded_page(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    labels = make.make_label_set()
    for number in range(60):
        make.make_evaluation(
            version=make.make_version(registered_model=make.make_model(slug=f"m-{number}", label_set=labels))
        )
    client.force_login(make.make_user("ada", is_superuser=True))

    with django_assert_max_num_queries(20):
        page = text_of(client, "/")
    assert "Page 1 of 2" in page


def test_no_page_carries_an_inline_style_or_script(lena: Client, model: RegisteredModel) -> None:
    version = make.make_version(registered_model=model)
    for hours in range(5):
        make.make_evaluation(
            version=version,
            evaluated_at=NOW - timedelta(hours=hours),
            confusion=[["ok", "ok", 90.0, 80], ["dent", "ok", 3.0, 2]],
        )
    make.make_steps(run=make.make_run(registered_model=model, status="running"), n_done=2)
    run = TrainingRun.objects.get()

    for address in ("/", f"/models/{model.slug}/", "/runs/", run.get_absolute_url(), reverse("login"), "/nowhere/"):
        html = lena.get(address, follow=True).content.decode()
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", html), address


def test_the_model_page_draws_the_accuracy_over_time_and_tells_it_in_a_table(
    lena: Client, model: RegisteredModel
) -> None:
    version = make.make_version(registered_model=model)
    for day in range(4):
        make.make_evaluation(version=version, evaluated_at=NOW - timedelta(days=day))

    html = lena.get(f"/models/{model.slug}/").content.decode().replace("\u00a0", " ")
    assert '<path class="band" d="M' in html
    assert 'aria-label="Accuracy from 20 November to 23 November with its 95 % interval' in html
    assert html.count("92.0 to 96.0") >= 4


def test_a_lead_may_retrain_and_an_inspector_may_not(client: Client, model: RegisteredModel) -> None:
    make.make_version(registered_model=model)
    client.force_login(make.make_member("inspector", registered_model=model))

    assert "Retrain now" not in text_of(client, f"/models/{model.slug}/")
    assert client.post(f"/models/{model.slug}/retrain/", {"reason": "please"}).status_code == 403
    assert not TrainingRun.objects.exists()


def test_an_auditor_reads_the_same_page_without_actions(client: Client, model: RegisteredModel) -> None:
    client.force_login(make.make_member("auditor", registered_model=model))

    assert "Read-only" in text_of(client, f"/models/{model.slug}/")


def test_the_frame_counts_what_waits_for_this_person(lena: Client, model: RegisteredModel) -> None:
    make.make_review(registered_model=model)
    make.make_review()  # of a model that is not hers

    assert re.search(r"Review 1 +open", text_of(lena, "/"))


def test_health_needs_no_login(client: Client, engines: None) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"ok": True, "database": True, "redis": True})


def test_an_unknown_address_is_a_page_that_leads_on(client: Client) -> None:
    answer = client.get("/nowhere/")

    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()


def test_a_server_error_needs_no_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    client.force_login(make.make_user("ada", is_superuser=True))
    monkeypatch.setattr("labeling.views.fleet.fleet_page", lambda *_, **__: 1 / 0)

    answer = client.get("/")
    assert answer.status_code == 500
    assert "internal" in answer.content.decode()
