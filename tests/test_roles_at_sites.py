"""Who may do what at one of several sites where a model runs."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from labeling.models import Membership, Review
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engines")]


class TwoSites:
    """A model that runs at two sites, and alice, who inspects at the first."""

    def __init__(self) -> None:
        self.version = make.make_version()
        self.here, self.there = self._part(), self._part()
        self.alice = User.objects.create(username="alice")
        site = self.here.inspection.station.site
        Membership.objects.create(user=self.alice, role="inspector", site=site)
        self.client = Client()
        self.client.force_login(self.alice)

    def _part(self) -> Review:
        source = make.make_source()
        make.make_deployment(station=source.station, version=self.version)
        inspection = make.make_inspection(station=source.station)
        make.make_item(inspection=inspection, source=source, content=make.png())
        prediction = make.make_prediction(version=self.version, inspection=inspection)
        return make.make_review(prediction=prediction)


def test_a_member_of_a_site_is_handed_only_that_sites_reviews() -> None:
    sites = TwoSites()
    claim = reverse("api-claim", args=[sites.version.registered_model.slug])
    answer = sites.client.post(claim, {"n": 10}, content_type="application/json").json()
    assert [review["id"] for review in answer["reviews"]] == [sites.here.pk]
    assert answer["n_open"] == 1


def test_a_member_of_a_site_sees_only_that_sites_images_and_reviews() -> None:
    sites = TwoSites()
    for review, status in ((sites.here, 200), (sites.there, 404)):
        item = review.inspection.items.get()
        assert sites.client.get(reverse("item-image", args=[item.public_id])).status_code == status
        assert sites.client.get(reverse("api-review", args=[review.pk])).status_code == status


def test_a_member_of_a_site_judges_only_that_sites_parts() -> None:
    sites = TwoSites()
    said = {"kind": "label", "label": "dent", "phase": "blind"}
    seen = {"shown_at": "2026-11-23T14:00:00Z", "said_at": "2026-11-23T14:00:03Z"}
    for review, status in ((sites.here, 201), (sites.there, 404)):
        body = {"review": review.pk, "client_id": str(uuid.uuid4()), **said, **seen}
        assert sites.client.post(reverse("api-verdicts"), body, content_type="application/json").status_code == status


def test_a_member_of_a_site_where_the_model_does_not_run_is_a_stranger_to_it() -> None:
    sites = TwoSites()
    elsewhere = User.objects.create(username="bob")
    Membership.objects.create(user=elsewhere, role="lead", site=make.make_site())
    sites.client.force_login(elsewhere)
    assert sites.client.get(reverse("model", args=[sites.version.registered_model.slug])).status_code == 404
