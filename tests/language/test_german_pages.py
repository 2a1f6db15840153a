"""German pages write numbers and dates as Germans do; what a machine reads of them stays as it was."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from labeling.tallies import fold
from tests import factories as make
from tests.browser.accuracy_story import make_stream
from tests.browser.fleet_story import LABELS

pytestmark = pytest.mark.django_db
GERMAN = {"Accept-Language": "de"}
MACHINES = re.compile(r'\s(?:x|y|x1|x2|y1|y2|cx|cy|r|d|width|height|transform|viewBox|points)="([^"]*)"')
FIELDS = re.compile(r'<input[^>]*type="number"[^>]*>')
PAGES = ["/", "/models/flange/", "/models/flange/how/", "/models/flange/slices/", "/models/flange/plan/?falls_to=90"]


@pytest.fixture
def lena(client: Client) -> Client:
    """A model that is measured: charts, an interval, slices."""
    model = make.make_model(slug="flange", label_set=make.make_label_set(labels=LABELS), target_accuracy=0.96)
    version = make.make_version(registered_model=model)
    make_stream(version, make.make_station(), now=timezone.now(), n=1200)
    fold()
    make.make_evaluation(version=version, value=0.934, ci_low=0.919, ci_high=0.948, n=1482)
    client.force_login(User.objects.create_superuser("lena"))
    return client


def test_charts_and_fields_are_the_same_in_both_languages(lena: Client) -> None:
    for address in PAGES:
        english, german = (lena.get(address, headers=said).content.decode() for said in ({}, GERMAN))
        for what in (MACHINES, FIELDS):
            same = [re.sub(r' (?:aria-label|title)="[^"]*"', "", one) for one in what.findall(english)]
            assert [re.sub(r' (?:aria-label|title)="[^"]*"', "", one) for one in what.findall(german)] == same, address


def test_people_read_commas_points_and_german_months(lena: Client) -> None:
    text = html.unescape(lena.get("/", headers=GERMAN).content.decode()).replace("\u00a0", " ")

    assert "93,4 %" in text
    assert "91,9 bis 94,8" in text
    assert "1.482 geprüft" in text


def test_the_table_for_machines_is_the_same(lena: Client) -> None:
    for name in ("figures", "confusion", "slices"):
        address = f"/models/flange/tables/{name}.csv"
        english, german = (lena.get(address, headers=said).content for said in ({}, GERMAN))
        assert english == german
        assert english
