"""What a key's scope leaves, for every address of the API: a table, and nobody may land an address without a row.

The keys are a superuser's, so that the scope is the only thing that can refuse.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLResolver, get_resolver

import tests.factories as make
from labeling.access import ALL_VERBS, Scope, Verb, models_for, narrowed, reach
from labeling.keys import forget_keys, issue_key
from labeling.models import ApiKey
from tests.test_roles import DATASETS, FIGURES, LISTS, TABLE, World, answer_of

pytestmark = pytest.mark.django_db

# What the scope must leave. None: the answer holds nothing of any model.
NEEDS: dict[tuple[str, str], Verb | None] = {
    ("api-predictions", "POST"): "ingest",
    ("api-inspections", "POST"): "ingest",
    ("api-predictions-bulk", "POST"): "ingest",
    ("api-dispositions", "POST"): "ingest",
    ("api-predict", "POST"): "ingest",
    ("api-plan", "GET"): "view",
    ("api-models", "GET"): "view",
    ("api-model", "GET"): "view",
    **{(f"api-{name}", "GET"): "view" for name in FIGURES},
    ("api-export", "GET"): "view",
    ("api-imports", "POST"): "decide",
    ("api-import", "GET"): "view",
    ("api-declared", "POST"): "decide",
    ("api-designs", "GET"): "view",
    ("api-designs", "POST"): "decide",
    ("api-design-end", "POST"): "decide",
    ("api-campaigns", "GET"): "view",
    ("api-learning-curve", "GET"): "view",
    ("api-campaigns", "POST"): "decide",
    ("api-images", "POST"): "ingest",
    ("api-heatmaps", "POST"): "ingest",
    ("item-heatmap", "GET"): None,
    ("api-outcomes", "POST"): "ingest",
    ("api-incidents", "GET"): "view",
    ("api-monitors", "GET"): "view",
    ("api-retraining", "GET"): "view",
    ("api-retraining-decisions", "GET"): "view",
    ("api-retraining-requests", "POST"): "retrain",
    ("api-recalibrations", "POST"): "decide",
    ("api-register-version", "POST"): "decide",
    ("api-trainer", "GET"): "view",
    ("api-trainer", "PUT"): "decide",
    ("api-issue-report", "POST"): "decide",
    **{(f"api-report{of}", "GET"): "view" for of in ("", "-pdf", "-csv")},
    **{(f"api-{deed}", "POST"): "decide" for deed in ("promote", "refuse", "roll-back")},
    **{(f"api-{name}", "GET"): "view" for name in ("promotions", "aliases", "tags")},
    **{(f"api-{name}", method): "decide" for name in ("alias", "tag") for method in ("PUT", "DELETE")},
    **{(name, "GET"): "view" for name in DATASETS if name.startswith("api-")},
    ("api-canaries", "GET"): "view",
    ("api-mlflow-versions", "GET"): "view",
    ("api-mlflow-versions", "POST"): "decide",
    **{(name, "POST"): "decide" for name in ("api-canaries", "api-canary-stop")},
    ("api-serving", "POST"): "ingest",
    ("api-claim", "POST"): "review",
    ("api-claim-tiles", "POST"): "review",
    ("api-cases", "GET"): "adjudicate",
    ("api-take", "POST"): "adjudicate",
    ("api-reveal", "POST"): "review",
    ("api-challenge", "POST"): "review",
    ("api-pause", "POST"): "review",
    ("api-station-claim", "POST"): "review",
    ("api-keys", "GET"): "review",
    ("api-keys", "PUT"): "review",
    ("api-golden", "GET"): "view",
    ("api-containment", "GET"): "view",
    ("api-queues", "GET"): "review",
    **{(f"api-{name}", "GET"): "view" for name in LISTS},
    ("api-release", "POST"): "review",
    ("api-review", "GET"): "view",
    ("api-heartbeat", "POST"): "review",
    ("api-verdicts", "POST"): "review",
    ("api-undo", "POST"): "review",
    ("item-image", "GET"): "view",
    ("item-tile", "GET"): "view",
    ("schema", "GET"): None,
}
SCOPED = {one: verb for one, verb in NEEDS.items() if verb is not None}


def of_the_api(patterns: Any = None, prefix: str = "") -> set[str]:
    """The names of all addresses below /api/ that a key opens."""
    found: set[str] = set()
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found |= of_the_api(pattern.url_patterns, path)
        elif path.startswith("api/"):
            found.add(str(pattern.name))
    return found - {"docs"}


def client_of(user: User, **scope: Any) -> Client:
    forget_keys()
    gone = scope.pop("models_gone", False)
    key, text = issue_key(user=user, name="line 3", now=make.NOW, **scope)
    if gone:
        ApiKey.objects.filter(pk=key.pk).update(only_models=[4_000_000])
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {text}"})


def nothing_more_than(stranger: Any, answer: Any) -> bool:
    return answer.status_code in {403, 404} or (
        answer.status_code == stranger.status_code and answer.content == stranger.content
    )


def test_the_table_names_every_address_of_the_api() -> None:
    assert {name for name, _ in NEEDS} == of_the_api()
    assert set(NEEDS) == {one for one in TABLE if one[0] in of_the_api()}


@pytest.mark.parametrize(("name", "method"), SCOPED, ids=lambda part: part)
def test_a_key_of_other_models_meets_what_a_stranger_meets(world: World, name: str, method: str) -> None:
    other = client_of(world.people["superuser"], models_gone=True)
    stranger = client_of(world.people["stranger"])
    assert nothing_more_than(answer_of(stranger, world, name, method), answer_of(other, world, name, method))


@pytest.mark.parametrize(("name", "method"), SCOPED, ids=lambda part: part)
def test_a_key_without_the_verb_is_refused(world: World, name: str, method: str) -> None:
    without = client_of(world.people["superuser"], verbs=ALL_VERBS - {SCOPED[name, method]})
    stranger = client_of(world.people["stranger"])
    assert nothing_more_than(answer_of(stranger, world, name, method), answer_of(without, world, name, method))


@pytest.mark.parametrize(("name", "method"), NEEDS, ids=lambda part: part)
def test_a_key_with_no_more_than_it_needs_is_let_in(world: World, name: str, method: str) -> None:
    verb = NEEDS[name, method] or "view"
    just = client_of(world.people["superuser"], models=[world.model], verbs=[verb])
    assert answer_of(just, world, name, method).status_code == TABLE[name, method]["superuser"]


@pytest.mark.parametrize(("name", "method"), SCOPED, ids=lambda part: part)
def test_a_scope_gives_nothing_that_the_user_has_not(world: World, name: str, method: str) -> None:
    wide = client_of(world.people["stranger"], models=[world.model], verbs=ALL_VERBS)
    assert answer_of(wide, world, name, method).status_code == TABLE[name, method]["stranger"]


@pytest.mark.parametrize("verb", sorted(ALL_VERBS))
def test_a_narrowed_superuser_passes_no_check_of_the_registry(verb: Verb) -> None:
    """`has_perm` is how the registry asks, and Django says yes to every superuser."""
    mine, other = make.make_model(), make.make_model()
    root = make.make_user("root", is_superuser=True)
    one = narrowed(root, Scope(models=frozenset({mine.pk}), verbs=frozenset({verb})))
    may = {(model, v) for model in (mine, other) for v in ALL_VERBS if _has(one, v, model)}
    assert may == {(mine, verb)}
    assert set(models_for(one, verb)) == {mine}
    assert reach(one, mine).everywhere == {verb}
    assert reach(one, other).everywhere == frozenset()
    assert not one.has_perm("labeling.change_apikey")
    assert User.objects.get(pk=root.pk).is_superuser


def _has(user: User, verb: Verb, model: Any) -> bool:
    return user.has_perm(f"models_registry.{verb}_registeredmodel", model)


def test_the_reason_of_a_refusal_by_scope_is_told(world: World) -> None:
    client = client_of(world.people["superuser"], verbs=["view"])
    answer = client.post(world.path("api-claim"), {}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "outside_scope")
    assert "review" in answer.json()["error"]["message"]
