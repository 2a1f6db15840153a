"""After a promotion: names of versions, a new comparison with a new champion, a champion that makes way by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from models_registry.models import Alert, ModelVersion, Promotion
from models_registry.services import recomparing
from models_registry.services.aliases import drop_alias, set_alias, set_tag
from models_registry.services.automatic_rollback import roll_back_if_critical
from models_registry.services.promotion import promote, roll_back
from reviewapp.errors import NotFound, ReviewAppError
from tests import factories as make

pytestmark = pytest.mark.django_db


def promoted() -> tuple[ModelVersion, ModelVersion]:
    """The first champion, and the second, which the policy promoted and may take back."""
    first = make.make_version()
    model = first.registered_model
    model.promotion_policy.rolls_back = True
    model.promotion_policy.save()
    second = make.make_version(registered_model=model)
    promote(version=second, by=None, reason="Better.", now=make.NOW)
    return first, second


def alarm(version: ModelVersion, state: str = "critical") -> None:
    make.make_monitor(version=version, state=state, evidence=140.0, max_evidence=140.0, n_fed=9000, n_drawn=300,
                      n_errors=31)  # fmt: skip


def test_a_new_champion_whose_alarm_is_critical_makes_way_with_reason_and_alert() -> None:
    first, second = promoted()
    alarm(second)
    back = roll_back_if_critical(registered_model=first.registered_model, now=make.NOW)
    assert back is not None
    assert (back.version, back.replaced, back.automatic) == (first, second, True)
    assert "140 to 1" in back.reason
    alert = Alert.objects.get(kind="rolled_back")
    assert (alert.slice, alert.evidence["guard"]) == ("v2", "")


def test_what_was_put_back_never_makes_way_by_itself_and_what_made_way_never_comes_back() -> None:
    first, second = promoted()
    alarm(second)
    roll_back_if_critical(registered_model=first.registered_model, now=make.NOW)
    alarm(first)
    assert roll_back_if_critical(registered_model=first.registered_model, now=make.NOW + timedelta(days=1)) is None
    with pytest.raises(ReviewAppError):
        promote(version=second, by=None, reason="Better.", now=make.NOW)
    assert ModelVersion.objects.get(stage="champion") == first


@pytest.mark.parametrize(("rolls_back", "state"), [(False, "critical"), (True, "alert")])
def test_without_the_policy_or_for_less_than_critical_nothing_happens(rolls_back: bool, state: str) -> None:
    first, second = promoted()
    policy = first.registered_model.promotion_policy
    policy.rolls_back = rolls_back
    policy.save()
    alarm(second, state)
    assert roll_back_if_critical(registered_model=first.registered_model, now=make.NOW) is None


def test_a_decision_keeps_its_change_number_and_the_lot_from_which_it_holds() -> None:
    first, second = promoted()
    said: dict[str, Any] = {"reason": "Worse at night.", "change_number": "CR-17", "effective_from": "L-204"}
    back = roll_back(registered_model=first.registered_model, by=make.make_user("lena"), now=make.NOW, **said)
    assert {name: getattr(Promotion.objects.get(pk=back.pk), name) for name in said} == said
    with pytest.raises(ReviewAppError, match="not the champion"):
        roll_back(
            registered_model=first.registered_model, by=make.make_user("lena"), now=make.NOW, expected=second, **said
        )


def test_a_candidate_compared_with_a_champion_that_is_gone_is_found_and_then_compared_or_left() -> None:
    first, second = promoted()
    model = first.registered_model
    waiting = make.make_version(registered_model=model)
    make.make_comparison(candidate=waiting, champion=second)
    assert recomparing.overtaken_comparisons() == []
    roll_back(registered_model=model, by=make.make_user("lena"), reason="Back.", now=make.NOW)
    assert recomparing.overtaken_comparisons() == [waiting.pk]


def test_an_alias_leads_to_one_version_and_is_moved() -> None:
    first, second = promoted()
    model = first.registered_model
    set_alias(registered_model=model, name="pilot", version=first, now=make.NOW)
    moved = set_alias(registered_model=model, name="pilot", version=second, now=make.NOW)
    assert (model.aliases.get(), moved.version) == (moved, second)
    assert drop_alias(registered_model=model, name="pilot", now=make.NOW)
    assert not drop_alias(registered_model=model, name="pilot", now=make.NOW)
    for name in ("champion", "v3", "7", "two words", "x" * 81):
        with pytest.raises(ReviewAppError):
            set_alias(registered_model=model, name=name, version=first, now=make.NOW)
    with pytest.raises(NotFound):
        set_alias(registered_model=model, name="pilot", version=make.make_version(), now=make.NOW)


def test_a_tag_has_one_value_that_may_change() -> None:
    version = make.make_version()
    set_tag(version=version, key="validated_by", value="lena", now=make.NOW)
    set_tag(version=version, key="validated_by", value="bob", now=make.NOW)
    assert version.tags.get().value == "bob"
    for key, value in (("", "x"), ("k\n", "x"), ("k", "x" * 1001), ("k", "\x00")):
        with pytest.raises(ReviewAppError):
            set_tag(version=version, key=key, value=value, now=make.NOW)


def test_a_page_left_open_is_told_that_the_champion_changed_and_a_new_comparison_is_asked_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = promoted()
    waiting = make.make_version(registered_model=first.registered_model)
    make.make_comparison(candidate=waiting, champion=first)
    client.force_login(make.make_user("root", is_superuser=True))
    asked: list[int] = []
    monkeypatch.setattr("labeling.api.versions.nudge_recompare", asked.append)
    said = {"reason": "Better.", "change_number": "CR-1"}
    answer = client.post(f"/api/v1/versions/{waiting.pk}/promote/", said, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "champion_changed")
    assert asked == [waiting.pk]
    assert ModelVersion.objects.get(stage="champion") == second


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "body"), ({"reason": 7}, "reason"), ({"reason": "a\x00"}, "reason"), ({"reason": " "}, "reason")],
)
def test_a_decision_that_says_no_reason_is_refused_by_its_field(client: Client, body: object, field: str) -> None:
    version = make.make_version(stage="candidate")
    client.force_login(make.make_user("root", is_superuser=True))
    answer = client.post(f"/api/v1/versions/{version.pk}/promote/", body, content_type="application/json")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]


def test_who_asked_for_the_run_is_refused_by_the_api_too(client: Client) -> None:
    root = make.make_user("root", is_superuser=True)
    run = make.make_run(status="succeeded", trigger="person", requested_by=root)
    version = make.make_version(registered_model=run.registered_model, training_run=run, stage="candidate")
    client.force_login(root)
    answer = client.post(
        f"/api/v1/versions/{version.pk}/promote/", {"reason": "Mine."}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "self_approval")
