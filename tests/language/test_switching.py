"""Whose language is spoken: a page's reader chooses, a browser asks, and systems are always answered in English."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from labeling.keys import issue_key
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engines")]
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
NOBODYS = "/api/v1/models/nobodys/"


@pytest.fixture
def lena(client: Client) -> Client:
    client.force_login(make.make_member("lead", registered_model=make.make_model(slug="flange", name="Flange")))
    return client


def lang_of(client: Client, address: str, headers: dict[str, str] | None = None) -> str:
    found = re.search(r'<html lang="(\w+)"', client.get(address, headers=headers).content.decode())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("address", ["/", "/login/?again", "/nowhere/", "/review/flange/"])
def test_a_page_speaks_the_browsers_language(lena: Client, address: str) -> None:
    if "login" in address:
        lena.logout()
    assert lang_of(lena, address) == "en"
    assert lang_of(lena, address, GERMAN) == "de"


def test_a_choice_outlasts_the_session_and_beats_the_browsers_language(lena: Client) -> None:
    answer = lena.post(reverse("language"), {"language": "de", "next": "/runs/?status=failed"})

    assert answer.headers["Location"] == "/runs/?status=failed"
    cookie = answer.cookies["django_language"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("de", True, "Lax")
    assert cookie["max-age"] >= 300 * 86_400
    assert lang_of(lena, "/", {"Accept-Language": "en"}) == "de"


def test_the_choice_stands_on_the_page_and_needs_no_script(lena: Client) -> None:
    page = lena.get("/").content.decode()
    assert re.search(r'value="en" lang="en" aria-pressed="true">English<', page)
    assert re.search(r'value="de" lang="de" aria-pressed="false">Deutsch<', page)
    assert f'action="{reverse("language")}"' in page
    german = lena.get("/", headers=GERMAN).content.decode()
    assert re.search(r'value="en" lang="en" aria-pressed="false">English<', german)


def test_nobody_is_led_away_by_a_choice_of_language(lena: Client) -> None:
    answer = lena.post(reverse("language"), {"language": "de", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/"


def test_an_unknown_language_changes_nothing(lena: Client) -> None:
    lena.post(reverse("language"), {"language": "xx", "next": "/"})
    assert lang_of(lena, "/") == "en"


def message_of(client: Client, headers: dict[str, str] | None = None) -> str:
    return str(client.get(NOBODYS, headers=headers).json()["error"]["message"])


def test_a_key_is_answered_in_english_and_a_session_in_its_language(lena: Client) -> None:
    assert message_of(lena) == "There is no model “nobodys” for you."
    assert message_of(lena, GERMAN) == "Ein Modell „nobodys“ gibt es für dieses Konto nicht."
    _key, text = issue_key(user=make.make_user("line"), name="line 3", now=NOW)
    key = {"Authorization": f"Bearer {text}"}
    assert message_of(Client(), GERMAN | key) == "There is no model “nobodys” for you."


def test_the_schema_is_english_for_everybody(lena: Client) -> None:
    address = reverse("schema") + "?format=json"
    assert lena.get(address, headers=GERMAN).content == lena.get(address).content


def test_a_label_has_its_name_in_the_language_of_the_page(client: Client) -> None:
    model: RegisteredModel = make.make_model(slug="flange")
    client.force_login(make.make_member("inspector", registered_model=model))
    model.label_set.labels.filter(slug="scratch").update(translations={"de": "Kratzer"})

    assert "Kratzer" in client.get("/review/flange/", headers=GERMAN).content.decode()
    assert "Kratzer" not in client.get("/review/flange/").content.decode()
