"""The model's page: figures worked out by hand, what is said where too little is known, and that it stays bounded."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

import tests.factories as make
from labeling.tallies import fold
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services.costs import set_costs


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(slug="flange", name="Flange surface", target_accuracy=0.96)


@pytest.fixture
def lena(client: Client, model: RegisteredModel) -> Client:
    client.force_login(make.make_member("lead", registered_model=model))
    return client


def stream(version: ModelVersion) -> None:
    """920 parts. 800 had a chance of 5 %: 40 drawn, all right. 120 had 50 %: 60 drawn, 30 of them dents called OK.

    Errors: 30/0.5 = 60 of 920, so the accuracy is 93.5 %; of the 100 reviewed 70 are right. Dents: 60, and all pass.
    """
    now = timezone.now()
    make.make_judged(version=version, n=40, pi=0.05, captured_at=now, lot="L1")
    make.make_judged(version=version, n=760, pi=0.05, drawn=False, captured_at=now)
    make.make_judged(version=version, n=30, pi=0.5, captured_at=now, confidence=0.55, lot="L1")
    make.make_judged(version=version, n=30, truth="dent", pi=0.5, captured_at=now, confidence=0.55, lot="L2")
    make.make_judged(version=version, n=60, pi=0.5, drawn=False, captured_at=now)
    fold()
    with connection.cursor() as cursor:  # rows that nobody committed are unknown to the planner's own statistics
        cursor.execute("ANALYZE")


def text_of(client: Client, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\u00a0", " ")


def test_the_plain_share_is_struck_through_with_the_streams_own_reason(lena: Client, version: ModelVersion) -> None:
    stream(version)
    html = lena.get("/models/flange/").content.decode().replace("\u00a0", " ")

    assert ">93.5 %</a>" in html
    assert "<s>70.0 %</s> of the 100 reviewed images were right." in html
    assert "doubtful images are drawn up to 10.0 times as often" in html


def test_where_all_chances_were_equal_the_plain_share_is_not_struck_through(
    lena: Client, version: ModelVersion
) -> None:
    now = timezone.now()
    make.make_judged(version=version, n=40, captured_at=now)
    make.make_judged(version=version, n=5, truth="dent", captured_at=now)

    assert "<s>" not in lena.get("/models/flange/").content.decode()


def test_escapes_are_a_share_of_all_defects(lena: Client, version: ModelVersion) -> None:
    stream(version)
    page = text_of(lena, "/models/flange/")

    assert re.search(r"Escapes 100\.0 % [\d.]+ to 100\.0 of defects", page)
    assert re.search(r"First-pass yield 93\.5 %", page)


def test_first_pass_yield_is_that_of_first_attempts(lena: Client, version: ModelVersion) -> None:
    """Of 80 first attempts 40 were good; the 40 reworked parts were all good the second time."""
    now = timezone.now()
    for n, truth, attempt in ((40, "ok", 1), (40, "dent", 1), (40, "ok", 2)):
        make.make_judged(version=version, n=n, truth=truth, said=truth, pi=1.0, attempt=attempt, captured_at=now)

    assert "First-pass yield 50.0 %" in text_of(lena, "/models/flange/")


def test_each_figure_leads_to_its_reviews(lena: Client, version: ModelVersion) -> None:
    stream(version)
    html = lena.get("/models/flange/?window=7").content.decode()
    addresses = set(re.findall(r'href="(/models/flange/reviews/\?[^"]+)"', html))

    assert "/models/flange/reviews/?window=7&kind=escape" in {address.replace("&amp;", "&") for address in addresses}
    for address in addresses:
        assert lena.get(address.replace("&amp;", "&")).status_code == 200, address


def test_costs_are_a_days_with_their_interval_and_what_they_were_without_a_model(
    lena: Client, version: ModelVersion, model: RegisteredModel
) -> None:
    """60 escapes on one day at 10 each; without a model the same dents pass."""
    stream(version)
    by = User.objects.get(username="lena")
    set_costs(
        registered_model=model, currency="EUR", escape=Decimal(10), overkill=Decimal(1), confusion=Decimal(1), by=by,
        now=timezone.now(),
    )  # fmt: skip
    page = text_of(lena, "/models/flange/")

    assert re.search(r"Cost of errors € 600 [\d,]+ to [\d,]+ a day without a model: € 600", page)


def test_without_prices_no_money_is_shown(lena: Client, version: ModelVersion) -> None:
    stream(version)

    assert "No prices set" in text_of(lena, "/models/flange/")


def test_the_matrix_shows_shares_with_intervals_and_marks_what_passed(lena: Client, version: ModelVersion) -> None:
    stream(version)
    html = lena.get("/models/flange/").content.decode()

    assert re.search(r'<td class="warn"><a [^>]+><b>100.0</b><span>[\d.]+.100\.0</span></a></td>', html)
    assert 'aria-label="Dent called OK: 30 reviews"' in html


def test_a_slice_with_few_reviews_is_no_number_and_the_worst_comes_first(lena: Client, version: ModelVersion) -> None:
    stream(version)
    make.make_judged(version=version, n=3, captured_at=timezone.now(), lot="L3")
    page = text_of(lena, "/models/flange/slices/")

    assert page.index("L2") < page.index("L1") < page.index("L3")
    assert "Not measurable yet 3 reviews, 30 needed" in page
    assert "Critical" in page


def test_what_the_model_said_is_a_slice_that_is_not_held_against_the_target_of_the_whole(
    lena: Client, version: ModelVersion
) -> None:
    stream(version)
    make.make_judged(version=version, n=60, said="dent", pi=0.5, captured_at=timezone.now())  # all of them were ok
    html = lena.get("/models/flange/slices/").content.decode()
    rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>.*?</tr>", html, re.S)]
    of_class = [row for row in rows if "Model said" in row]

    assert of_class
    assert not any(word in row for row in of_class for word in (" to 1", "1 to ", "Critical", "Alert"))


def test_htmx_gets_the_card_of_slices_alone(lena: Client, version: ModelVersion) -> None:
    part = lena.get("/models/flange/slices/", headers={"HX-Request": "true"}).content.decode()

    assert part.strip().startswith('<section class="card"')
    assert "Nothing to compare yet" in part


def test_what_todays_reviews_can_show_comes_as_a_card_of_its_own(lena: Client, version: ModelVersion) -> None:
    stream(version)

    assert 'hx-get="/models/flange/outlook/"' in lena.get("/models/flange/").content.decode()
    part = lena.get("/models/flange/outlook/").content.decode()
    assert "10 ppm cannot be shown by sampling" in part
    assert "hx-get" not in part


def test_a_model_without_a_version_has_a_page_that_says_so(lena: Client, model: RegisteredModel) -> None:
    for address in ("", "how/", "reviews/", "slices/", "tables/figures.csv"):
        assert lena.get(f"/models/flange/{address}").status_code == 200
    assert "Not measurable yet" in text_of(lena, "/models/flange/")


def test_an_empty_window_says_what_is_missing_and_shows_no_zero(lena: Client, version: ModelVersion) -> None:
    make.make_judged(version=version, n=40, captured_at=timezone.now() - timedelta(days=60))
    page = text_of(lena, "/models/flange/")

    assert "Not measurable yet" in page
    assert "0.0 %" not in page


def test_reviews_without_an_error_give_a_bound(lena: Client, version: ModelVersion) -> None:
    make.make_judged(version=version, n=300, pi=1.0, captured_at=timezone.now())
    make.make_judged(version=version, n=40, pi=0.5, captured_at=timezone.now())
    make.make_judged(version=version, n=40, pi=0.5, drawn=False, captured_at=timezone.now())
    page = text_of(lena, "/models/flange/")

    assert re.search(r"at least 9\d\.\d % 340 reviewed, 0 errors found", page)
    assert "No escaped defect found" in page
    assert "not none" in page


def test_a_camera_is_measured_by_itself(lena: Client, version: ModelVersion) -> None:
    good, bad = make.make_source(slug="good"), make.make_source(slug="bad")
    for source in (good, bad):
        make.make_deployment(station=source.station, version=version)
    now = timezone.now()
    make.make_judged(version=version, n=40, pi=0.5, source=good, captured_at=now)
    make.make_judged(version=version, n=40, truth="dent", pi=0.5, source=bad, captured_at=now)

    for slug, plain in (("good", 1.0), ("bad", 0.0)):
        text = lena.get(f"/models/flange/tables/figures.csv?source={slug}").content.decode()
        found = {line["figure"]: line["value"] for line in csv.DictReader(io.StringIO(text))}
        assert float(found["plain_share_biased"]) == plain


@pytest.mark.parametrize("address", ["", "how/", "reviews/", "slices/", "tables/figures.csv"])
@pytest.mark.parametrize("query", ["window=3", "source=nowhere", "version=99", "until=tomorrow", "until=2999-01-01"])
def test_what_cannot_be_asked_is_refused(lena: Client, version: ModelVersion, address: str, query: str) -> None:
    assert lena.get(f"/models/flange/{address}?{query}").status_code == 400


def test_every_picture_has_its_table_as_csv(lena: Client, version: ModelVersion) -> None:
    stream(version)
    for hours in (1, 2):
        make.make_evaluation(version=version, evaluated_at=timezone.now() - timedelta(hours=hours))
    html = lena.get("/models/flange/").content.decode() + lena.get("/models/flange/slices/").content.decode()
    tables = set(re.findall(r"/tables/([\w-]+)\.csv", html))

    assert {"figures", "confusion", "escapes", "reliability", "slices", "over-time"} <= tables
    for name in tables:
        answer = lena.get(f"/models/flange/tables/{name}.csv")
        rows = list(csv.reader(io.StringIO(answer.content.decode())))
        assert answer.headers["Content-Type"].startswith("text/csv"), name
        assert {len(row) for row in rows} == {len(rows[0])}, name
    assert lena.get("/models/flange/tables/nothing.csv").status_code == 404


def test_a_lots_name_in_csv_is_no_formula(lena: Client, version: ModelVersion) -> None:
    for lot in ("=1+1", "L1"):
        make.make_judged(version=version, n=2, captured_at=timezone.now(), lot=lot)

    assert "'=1+1" in lena.get("/models/flange/tables/slices.csv").content.decode()


def test_the_way_to_the_number_is_told_in_the_models_own_numbers(lena: Client, version: ModelVersion) -> None:
    stream(version)
    page = text_of(lena, "/models/flange/how/")

    assert "Of 920 parts that arrived 100 were drawn, and 100 of these are settled" in page
    assert "about 50.0 % 120 60 30 50.0 % 2.0 60.0" in page
    assert "About 60.0 errors among 920 parts are an error rate of 6.52 %" in page


def test_links_to_how_lead_to_a_heading_that_is_there(lena: Client, version: ModelVersion) -> None:
    stream(version)
    html = lena.get("/models/flange/").content.decode() + lena.get("/models/flange/slices/").content.decode()
    anchors = set(re.findall(r"/how/\?[^\"#]*#([\w-]+)", html))

    assert anchors
    how = lena.get("/models/flange/how/").content.decode()
    assert {anchor for anchor in anchors if f'id="{anchor}"' not in how} == set()


def test_the_page_costs_as_many_queries_for_many_reviews_as_for_few(
    lena: Client, version: ModelVersion, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    stream(version)
    for number in range(40):
        at = timezone.now() - timedelta(days=number % 20)
        make.make_judged(version=version, n=1, captured_at=at, lot=f"L{number}")

    with django_assert_max_num_queries(60):
        lena.get("/models/flange/")
    with django_assert_max_num_queries(60):
        lena.get("/models/flange/slices/")


def test_no_page_of_figures_carries_an_inline_style_or_script(lena: Client, version: ModelVersion) -> None:
    stream(version)
    for address in ("", "how/", "reviews/", "slices/"):
        html = lena.get(f"/models/flange/{address}").content.decode()
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", html), address
