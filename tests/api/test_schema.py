"""The schema is complete and true: every address stands in it, and a live server that is asked by it keeps its word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django.live_server_helper import LiveServer
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

import tests.factories as make
from labeling.keys import issue_key
from tests.api.test_lists import Plant
from tests.test_key_scopes import NEEDS

EXAMPLES = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 4}
# What no schema can say: that a row which has the right shape also fits the labels, the cameras and the versions here;
# and what asks for a resource that an earlier request made, of which this API has none to delete.
NOT_MEANT = {"positive_data_acceptance", "ensure_resource_availability", "use_after_free", "max_response_time"}
HTTP = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    client = Client()
    client.force_login(make.make_user("root", is_superuser=True))
    found: dict[str, Any] = client.get("/api/schema/", headers={"Accept": "application/json"}).json()
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (path, method): said
        for path, item in document["paths"].items()
        for method, said in item.items()
        if method in HTTP
    }


def test_every_address_of_the_api_stands_in_it(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert len(operations(document)) == len([one for one in NEEDS if one[0] != "schema"])


def test_every_operation_says_what_it_takes_what_it_answers_and_who_may(document: dict[str, Any]) -> None:
    for (path, method), said in operations(document).items():
        where = f"{method} {path}"
        assert said["summary"], where
        assert {"ApiKey": []} in said["security"], where
        assert {"401", "403", "429"} <= set(said["responses"]), where
        assert "Retry-After" in said["responses"]["429"]["headers"], where
        good = {code: answer for code, answer in said["responses"].items() if code.startswith("2")}
        assert good, where
        for code, answer in good.items():
            content = {} if code == "204" else answer["content"]
            assert all(typed(document, one["schema"]) for one in content.values()), where
        if method == "post" and not path.endswith(("/heartbeat/", "/end/", "/reveal/", "/take/")):  # which take nothing
            assert all(typed(document, one["schema"]) for one in said["requestBody"]["content"].values()), where


def typed(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Not just "an object"."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return all(typed(document, one) for one in schema["anyOf"])
    return schema.get("type") in ("array", "string", ["array", "object"]) or bool(schema.get("properties"))


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [said["operationId"] for said in operations(document).values()]
    assert len(names) == len(set(names))


def test_what_is_refused_as_unknown_is_said_to_be_closed(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    closed = ("IncomingRow", "VerdictBody", "ClaimBody", "ReleaseBody", "UndoBody", "OutcomeRow", "ReportRow")
    assert [name for name in closed if shapes[name].get("additionalProperties") is not False] == []


def test_a_list_names_its_parameters(document: dict[str, Any]) -> None:
    said = document["paths"]["/api/v1/containment/"]["get"]["parameters"]
    required = {one["name"] for one in said if one.get("required")}
    assert required == {"model", "version", "station", "from", "to"}
    assert {"cursor", "page_size", "disposition", "format"} == {one["name"] for one in said} - required
    posted = document["paths"]["/api/v1/predictions/"]["post"]["parameters"]
    assert {one["name"] for one in posted} == {"atomic", "Idempotency-Key"}


SignIn = Callable[[User], dict[str, Any]]


def by_key(root: User) -> dict[str, Any]:
    _, text = issue_key(user=root, name="fuzz", now=make.NOW, requests_per_minute=1_000_000)
    return {"headers": {"Authorization": f"Bearer {text}"}}


def by_session(root: User) -> dict[str, Any]:
    client = Client()
    client.force_login(root)
    token = "t" * 32
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": token}
    return {"headers": {"X-CSRFToken": token}, "cookies": cookies}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sign_in", [by_key, by_session])
def test_the_server_keeps_the_word_of_the_schema(
    sign_in: Callable[..., dict[str, Any]], live_server: LiveServer
) -> None:
    plant = Plant()
    plant.part("open", settled=False)
    plant.part("done", serial="S-1")
    root = make.make_user("root", is_superuser=True)
    signed = sign_in(root)
    schema = schemathesis.openapi.from_url(f"{live_server.url}/api/schema/?format=json", **signed)
    load_all_checks()
    unmeant = NOT_MEANT | ({"ignored_auth"} if sign_in is by_session else set())  # it spoils the key alone
    checks = CHECKS.get_by_names([name for name in CHECKS.get_all_names() if name not in unmeant])
    broken: list[str] = []
    n_asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]  # or it raises what is wrong
        for mode, n in EXAMPLES.items():
            n_asked += fuzz(operation, mode, n, plant, signed, checks, broken)
    assert not broken, "\n\n".join(broken)
    assert n_asked > 150


def real(body: Any, plant: Plant, number: int) -> Any:
    """The body, about things that are there, or it would always end at the first name that is not; every other time
    with nothing else in it."""
    if isinstance(body, list):
        return [real(one, plant, number) for one in body]
    if not isinstance(body, dict):
        return body
    there: dict[str, Any] = {
        "model": "steel", "version": "v2", "source": "cam-a", "station": plant.a.station.slug, "label": "dent",
        "inspection_id": f"fuzz-{number}", "review": plant.model.reviews.order_by("pk")[0].pk, "serial": "S-1",
    }  # fmt: skip
    found = {name: there.get(name, value) for name, value in body.items()}
    return {name: found[name] for name in found if name in there} if number % 4 == 1 else found


def fuzz(
    operation: Any, mode: Any, n: int, plant: Plant, signed: dict[str, Any], checks: list[Any], broken: list[str]
) -> int:
    """Ask one operation ``n`` times, always with the same cases; how often it was asked."""
    asked = 0
    known = {"slug": plant.model.slug} if "{slug}" in operation.path and mode == GenerationMode.POSITIVE else {}

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=n, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )  # fmt: skip
    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        case.path_parameters.update(known)
        if mode == GenerationMode.POSITIVE and asked % 2 and isinstance(case.body, dict | list):
            case.body = real(case.body, plant, asked)
        case.call_and_validate(checks=checks, timeout=20, **signed)

    try:
        ask()
    except (Exception, BaseExceptionGroup) as error:  # every operation is asked, whatever another one did
        broken.append(f"{operation.method} {operation.path} ({mode.value}): {error}")
    return asked
