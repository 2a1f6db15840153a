"""The planner on a model's own stream: what it reads, what it says, what it refuses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from labeling.models import SamplingDesign, Tally
from labeling.planning import BudgetOutlook, Plan, Question, budget_outlook, plan
from models_registry.models import ModelVersion, RegisteredModel
from reviewapp.errors import ReviewAppError
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


def a_stream(
    *, per_day: int = 2000, days: int = 10, n_found: int = 40, target: float | None = 0.95, budget: float = 0.05
) -> RegisteredModel:
    """A champion with rollups of the last days: 80 % of the budget by chance alone, ``n_found`` errors found."""
    model = make.make_model(slug="flange", name="Flange", target_accuracy=target)
    SamplingDesign.objects.filter(registered_model=model).update(budget=budget, audit_share=0.8)
    version = make.make_version(registered_model=model)
    for day in range(days):
        arrivals(version, day, per_day, budget)
        wrong = n_found // days + (day < n_found % days)
        verdicts(version, day, int(per_day * budget) - wrong, wrong, budget)
    return model


def arrivals(version: ModelVersion, days_ago: int, n: int, budget: float) -> None:
    drawn = int(n * budget)
    sums = {"n_arrived": n, "n_drawn": drawn, "w_drawn": drawn / budget, "g": 0.02 * n}
    a_tally(version, days_ago, "arrived", None, budget, **sums)


def verdicts(version: ModelVersion, days_ago: int, n_right: int, n_wrong: int, budget: float) -> None:
    for label, n in (("ok", n_right), ("dent", n_wrong)):
        w = 1 / budget
        sums = {"n": n, "pi": n * budget, "w": n * w, "w2": n * w**2, "wg": n * w * 0.02, "w2g": n * w**2 * 0.02}
        sums |= {"wg2": n * w * 0.0004, "w2g2": n * w**2 * 0.0004}
        a_tally(version, days_ago, "label", label, budget, **sums)


def a_tally(version: ModelVersion, days_ago: int, outcome: str, label: str | None, budget: float, **sums: Any) -> None:
    model = version.registered_model
    zeros = dict.fromkeys(("n_arrived", "n_drawn", "w_drawn", "g", "n", "pi", "w", "w2", "wg", "w2g", "wg2", "w2g2"), 0)
    Tally.objects.create(
        model_version=version, day=(NOW - timedelta(days=days_ago)).date(), design=model.designs.get(),
        is_certainty=False, edge=1.0, floor_pi=0.8 * budget, predicted=make.label_of(model, "ok"), outcome=outcome,
        true_label=make.label_of(model, label) if label else None, is_folded=True, **{**zeros, **sums},
    )  # fmt: skip


def answered(model: RegisteredModel, **asked: Any) -> Plan:
    return plan(model, Question(**asked), now=NOW)


def of(made: Plan, name: str) -> tuple[float | None, str]:
    found = next(one for one in made.assumptions if one.name == name)
    return found.value, found.origin


def test_what_was_measured_is_planned_with_and_named_so() -> None:
    made = answered(a_stream())
    value, origin = of(made, "per_day")
    assert origin == "measured"
    assert value == pytest.approx(2000, rel=0.1)  # the day is not over
    accuracy, origin = of(made, "accuracy")
    assert origin == "measured"
    assert accuracy == pytest.approx(0.96, abs=0.001)
    assert of(made, "alarm_below") == (0.95, "policy")
    assert of(made, "budget") == (0.05, "policy")
    assert of(made, "audit_share") == (0.8, "policy")
    assert made.outlook.missing == ()


def test_what_a_person_says_goes_before_what_was_measured() -> None:
    made = answered(a_stream(), per_day=500.0, accuracy=0.99, alarm_below=0.98, budget=0.2, audit_share=0.5)
    assert {one.origin for one in made.assumptions} == {"given"}
    assert made.outlook.reviews_per_day == pytest.approx(100, rel=0.1)


def test_before_errors_are_found_the_target_is_assumed_and_without_one_a_cautious_rate() -> None:
    assert of(answered(a_stream(n_found=1)), "accuracy") == (0.95, "assumed")
    RegisteredModel.objects.update(target_accuracy=None)
    model = RegisteredModel.objects.get()
    assert of(answered(model), "accuracy") == (0.98, "assumed")
    assert of(answered(model), "alarm_below") == (None, "missing")
    assert answered(model).outlook.missing == ("alarm_below",)
    assert answered(model).outlook.falls == ()


def test_a_model_without_a_stream_says_what_is_missing_and_plans_with_what_is_said() -> None:
    model = make.make_model()
    made = answered(model, half_width=0.01)
    assert (made.precision, made.curve, made.answers) == (None, (), [])
    assert made.outlook.missing == ("per_day", "alarm_below")
    assert made.outlook.sentences == ["Nothing arrived in the last 28 days, so nothing can be said."]
    assert answered(model, half_width=0.01, per_day=1000).precision is not None


def test_the_first_hours_are_not_blown_up_to_a_day() -> None:
    model = make.make_model()
    version = make.make_version(registered_model=model)
    arrivals(version, 0, 100, 0.05)
    value, _ = of(plan(model, Question(), now=NOW.replace(hour=0, minute=10)), "per_day")
    assert value == 400  # in a quarter of a day, and not in ten minutes


def test_an_interval_takes_so_many_reviews_and_todays_are_enough_or_not() -> None:
    model = a_stream()
    wide, narrow = answered(model, half_width=0.02), answered(model, half_width=0.004)
    assert wide.precision is not None
    assert narrow.precision is not None
    assert wide.precision.reviews_per_day < 97 < narrow.precision.reviews_per_day
    assert re.fullmatch(r"Today's \d+ are enough\.", wide.answers[1])
    assert "a budget of" in narrow.answers[1]
    assert narrow.answers[0].startswith("± 0.40 points at 95\u00a0% in 28 days take about ")


def test_more_confidence_and_fewer_days_take_more() -> None:
    model = a_stream()
    usual, sure, soon = (
        answered(model, half_width=0.01, **more) for more in ({}, {"confidence": 0.99}, {"window_days": 7})
    )
    assert usual.precision is not None
    assert sure.precision is not None
    assert soon.precision is not None
    assert usual.precision.reviews_per_day < sure.precision.reviews_per_day < soon.precision.reviews_per_day


def test_a_fall_is_noticed_in_time_with_so_many_reviews() -> None:
    made = answered(a_stream(), falls_to=0.85, within_hours=24)
    assert made.fall is not None
    assert made.fall.sure_hours is not None
    assert made.fall.sure_hours <= 24
    assert made.fall_today is not None
    assert made.answers[0].startswith("Noticing a fall to 85.0\u00a0% within 24 hours, in four of five cases")


def test_a_fall_that_nothing_can_show_is_said() -> None:
    made = answered(a_stream(), falls_to=0.94, within_hours=1)
    assert made.fall is None
    assert made.answers[0].endswith("is not noticed within 1 hour with any budget: too few parts pass by.")


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"falls_to": 0.95}, "falls_to"), ({"falls_to": 0.99}, "falls_to"), ({"falls_to": 0.9}, "alarm_below")],
)
def test_a_fall_that_is_none_is_refused(asked: dict[str, float], field: str) -> None:
    model = a_stream(n_found=0, target=None) if field == "alarm_below" else a_stream()
    with pytest.raises(ReviewAppError) as refusal:
        answered(model, **asked)
    assert list(refusal.value.fields) == [field]


def test_what_today_can_show_is_said_with_its_limits() -> None:
    outlook = budget_outlook(a_stream(), NOW)
    assert isinstance(outlook, BudgetOutlook)
    assert outlook.reviews_per_day == pytest.approx(97, rel=0.1)
    assert outlook.half_width is not None
    assert 0.001 < outlook.half_width < 0.02
    hours = dict(outlook.falls)
    assert set(hours) == {8.0, 24.0, 168.0}
    text = " ".join(outlook.sentences)
    assert "10 ppm cannot be shown by sampling" in text
    assert "300,000 reviews picked by chance" in text
    assert "picked by chance alone" in text


def test_three_hundred_reviews_without_an_error_show_one_percent() -> None:
    outlook = BudgetOutlook(28, reviews_per_day=15, audits_per_day=300 / 28, bound_without_error=0.01)
    assert (
        "10 ppm cannot be shown by sampling: 300 reviews without an error show at most 1.0\u00a0%." in outlook.sentences
    )


def test_a_certainty_stratum_is_counted_and_not_planned() -> None:
    model = a_stream(n_found=0)
    Tally.objects.update(is_certainty=True, pi=F("n"), w=F("n"), w2=F("n"))
    Tally.objects.filter(outcome="arrived").update(n_drawn=2000, w_drawn=2000)
    outlook = budget_outlook(model, NOW)
    assert outlook.reviews_per_day == pytest.approx(2000, rel=0.1)
    assert outlook.half_width == 0
    assert outlook.sentences  # no division by the audits that are not there


def asked_api(client: Client, query: str) -> Any:
    return client.get(f"/api/v1/models/flange/plan/{query}")


@pytest.fixture
def lena(client: Client) -> Client:
    client.force_login(make.make_member("lead", user=make.make_user("lena"), registered_model=a_stream()))
    return client


def test_the_api_answers_both_questions_with_what_they_rest_on(lena: Client) -> None:
    body = asked_api(lena, "?half_width=1&confidence=95&falls_to=85&within_hours=24").json()
    assert body["precision"]["half_width"] <= 0.01
    assert body["fall"]["sure_hours"] <= 24
    assert [one["name"] for one in body["assumptions"]] == [
        "per_day", "accuracy", "alarm_below", "budget", "audit_share",
    ]  # fmt: skip
    assert [point["half_width"] for point in body["curve"]] == [0.0025, 0.005, 0.01, 0.02, 0.03, 0.05]
    assert body["sentences"]
    assert body["today"]["sentences"]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("?half_width=0", "half_width", "greater than or equal to 0.0001"),
        ("?half_width=51", "half_width", "less than or equal to 50"),
        ("?half_width=nan", "half_width", "Enter a number."),
        ("?half_width=1e999", "half_width", "Enter a number."),
        ("?half_width=", "half_width", "Is empty."),
        ("?half_width=1&half_width=2", "half_width", "more than once"),
        ("?confidence=100", "confidence", "less than"),
        ("?window_days=0", "window_days", "greater than or equal to 1"),
        ("?window_days=1.5", "window_days", "whole number"),
        ("?falls_to=100", "falls_to", "less than"),
        ("?falls_to=95", "falls_to", "not below the accepted accuracy of 95"),
        ("?falls_to=85&within_hours=0", "within_hours", "greater than"),
        ("?per_day=0", "per_day", "greater than"),
        ("?budget=101", "budget", "less than"),
        ("?audit_share=40", "audit_share", "greater than"),
        ("?alarm_below=1e-178", "alarm_below", "greater than"),
        ("?width=1", "width", "no such parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(lena: Client, query: str, field: str, words: str) -> None:
    answer = asked_api(lena, query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], list(error["fields"])) == ("invalid", [field])
    assert words in error["fields"][field]


@pytest.mark.parametrize(
    "query",
    [
        "?per_day=1e9&half_width=0.0001", "?per_day=0.01&half_width=50&falls_to=0", "?accuracy=0", "?accuracy=100",
        "?budget=0.0001", "?budget=100&audit_share=100&half_width=1", "?alarm_below=0.01&falls_to=0",
        "?alarm_below=99.999&falls_to=99.998&within_hours=8760",
        "?alarm_below=99.999&accuracy=0&within_hours=0.01", "?window_days=365&confidence=99.99",
    ],
)  # fmt: skip
def test_odd_numbers_are_answered(lena: Client, query: str) -> None:
    assert asked_api(lena, query).status_code == 200


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\u00a0", " ")


def test_the_page_answers_in_words_and_shows_what_it_assumes(lena: Client) -> None:
    answer = lena.get("/models/flange/plan/?half_width=1&confidence=&window_days=&falls_to=85&within_hours=24")
    text = text_of(answer)
    assert answer.status_code == 200
    assert "± 1.0 points at 95 % in 28 days take about" in text
    assert "Noticing a fall to 85.0 % within 24 hours" in text
    assert "What today's reviews can show" in text.replace("&#x27;", "'")
    assert "as measured" in text


def test_the_page_says_at_the_field_what_is_wrong_and_answers_without_it(lena: Client) -> None:
    answer = lena.get("/models/flange/plan/?falls_to=99&half_width=900")
    text = text_of(answer)
    assert answer.status_code == 400
    assert "less than or equal to 50" in text
    assert "Reviews a day for an interval" in text
    answer = lena.get("/models/flange/plan/?falls_to=99")
    assert "Lies not below the accepted accuracy of 95 %." in text_of(answer)


def test_the_page_of_a_model_without_parts_asks_for_the_number(client: Client) -> None:
    model = make.make_model(slug="empty")
    client.force_login(make.make_member("auditor", registered_model=model))
    assert "Not enough is known." in text_of(client.get("/models/empty/plan/"))
    assert "Reviews a day for an interval" in text_of(client.get("/models/empty/plan/?per_day=1000"))
