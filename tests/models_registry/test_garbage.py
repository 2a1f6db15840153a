"""Addresses of decisions, canaries and names with input that makes no sense: words, never a 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from models_registry.models import ModelVersion, Promotion
from tests import factories as make

pytestmark = pytest.mark.django_db
BODIES: tuple[Any, ...] = (
    None, [], "x", 7, {"reason": "\x00"}, {"reason": ["a"]}, {"reason": "a" * 2001}, {"reason": {}},
    {"reason": "a", "effective_from": "\x00"}, {"reason": "a", "version": 1e99}, {"reason": "\ud800"},
)  # fmt: skip


def decided() -> tuple[ModelVersion, Client]:
    version = make.make_version(registered_model=make.make_model(slug="steel"))
    candidate = make.make_version(registered_model=version.registered_model)
    make.make_canary(candidate=candidate, champion=version)
    client = Client(raise_request_exception=False)
    client.force_login(make.make_user("root", is_superuser=True))
    return candidate, client


def test_the_api_says_what_is_wrong_and_decides_nothing() -> None:
    candidate, client = decided()
    canary = candidate.canaries.get()
    of = "/api/v1/models/steel"
    addresses = [
        f"/api/v1/versions/{candidate.pk}/promote/", f"/api/v1/versions/{candidate.pk}/refuse/", f"{of}/roll-back/",
        f"{of}/canaries/", f"{of}/canaries/{canary.pk}/stop/", f"{of}/serving/",
    ]  # fmt: skip
    for address in addresses:
        for body in BODIES:
            answer = client.post(address, body, content_type="application/json")
            assert answer.status_code == 400, (address, body, answer.content)
            assert answer.json()["error"]["message"]
        for raw in (b"", b"{", b"\xff", b'{"reason": NaN}', b"[" * 9000):
            answer = client.generic("POST", address, raw, content_type="application/json")
            assert answer.status_code == 400, (address, raw[:9], answer.content)
    huge = 10**18 - 1
    nowhere = [
        f"/api/v1/versions/{huge}/promote/", f"{of}/canaries/{huge}/stop/", f"/api/v1/versions/{10**30}/promote/",
        "/api/v1/models/nobody/serving/", f"/versions/{10**30}/approve/", f"/versions/{10**30}/tags/",
    ]  # fmt: skip
    for address in nowhere:
        assert client.post(address, {"reason": "a"}, content_type="application/json").status_code == 404, address
    assert client.put(f"{of}/aliases/%00/", {"version": 1}, content_type="application/json").status_code == 400
    assert client.delete(f"{of}/aliases/%00/").status_code == 404
    assert client.delete(f"/api/v1/versions/{candidate.pk}/tags/%00/").status_code == 404
    assert not Promotion.objects.exists()


def test_pages_say_so_too_and_nothing_is_decided_without_their_token() -> None:
    candidate, client = decided()
    champion = candidate.canaries.get().champion
    pages = [
        reverse("approve", args=[candidate.pk]), reverse("refuse", args=[candidate.pk]),
        reverse("roll-back", args=[champion.pk]), reverse("canary", args=["steel"]),
        reverse("canary-stop", args=["steel"]),
    ]  # fmt: skip
    for page in pages:
        for body in ({}, {"reason": "\x00"}, {"reason": " "}, {"reason": "a" * 2001, "candidate": "²"}):
            answer = client.post(page, body)
            assert 400 <= answer.status_code < 500, (page, body, answer.status_code)
        assert client.get(page).status_code == (200 if page == pages[3] else 405)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make.make_user("root"))
    assert {strict.post(page, {"reason": "a"}).status_code for page in pages} == {403}
    assert not Promotion.objects.exists()
    assert candidate.canaries.get().ended_at is None
