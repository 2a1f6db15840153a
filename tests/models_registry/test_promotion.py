"""Who becomes champion, who decides, and what happens when two decide at once."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.utils import timezone

from models_registry.errors import ChampionChanged, StageRefused
from models_registry.models import ModelVersion, Promotion, RegisteredModel
from models_registry.services.promotion import promote, refuse, roll_back
from reviewapp.errors import NotAllowed, ReviewAppError
from tests.factories import make_comparison, make_model, make_run, make_user, make_version


def decide(version: ModelVersion, by: str | None = "lena", reason: str = "Better on the same parts.") -> Promotion:
    return promote(version=version, by=make_user(by) if by else None, reason=reason, now=timezone.now())


def stages(model: RegisteredModel) -> dict[int, str]:
    return dict(ModelVersion.objects.filter(registered_model=model).values_list("number", "stage"))


@pytest.mark.django_db
def test_a_candidate_replaces_the_champion_and_the_decision_is_kept() -> None:
    champion = make_version()
    candidate = make_version(registered_model=champion.registered_model)
    promotion = decide(candidate)
    assert stages(champion.registered_model) == {1: "retired", 2: "champion"}
    assert (promotion.replaced, promotion.automatic, promotion.decided_by) == (champion, False, make_user("lena"))


@pytest.mark.django_db
def test_the_policy_decides_without_a_name() -> None:
    promotion = decide(make_version(stage="candidate"), by=None)
    assert promotion.automatic
    assert promotion.decided_by is None


@pytest.mark.django_db
def test_a_decision_needs_a_reason() -> None:
    candidate = make_version(stage="candidate")
    with pytest.raises(ReviewAppError, match="why"):
        decide(candidate, reason="  ")
    assert stages(candidate.registered_model) == {1: "candidate"}
    with pytest.raises(ReviewAppError, match="why"):
        refuse(version=candidate, by=make_user("lena"), reason="", now=timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize("stage", ["retired", "rejected", "observed", "champion"])
def test_only_a_candidate_can_be_promoted_or_refused(stage: str) -> None:
    version = make_version(stage=stage)
    with pytest.raises(StageRefused):
        decide(version)
    with pytest.raises(StageRefused):
        refuse(version=version, by=make_user("lena"), reason="No.", now=timezone.now())
    assert stages(version.registered_model) == {1: stage}


@pytest.mark.django_db
def test_who_asked_for_the_run_may_not_approve_its_version() -> None:
    model = make_model()
    run = make_run(registered_model=model, status="succeeded", trigger="person", requested_by=make_user("lena"))
    candidate = make_version(registered_model=model, stage="candidate", training_run=run)
    with pytest.raises(NotAllowed):
        decide(candidate, by="lena")
    assert decide(candidate, by="bob").decided_by == make_user("bob")


@pytest.mark.django_db
def test_a_champion_that_changed_since_the_comparison_stops_the_promotion() -> None:
    first = make_version()
    model = first.registered_model
    second, third = make_version(registered_model=model), make_version(registered_model=model)
    make_comparison(candidate=second, champion=first)
    make_comparison(candidate=third, champion=first)
    decide(third)
    assert stages(model) == {1: "retired", 2: "rejected", 3: "champion"}
    fourth = make_version(registered_model=model)
    make_comparison(candidate=fourth, champion=first)
    with pytest.raises(ChampionChanged):
        decide(fourth)
    assert stages(model)[3] == "champion"


@pytest.mark.django_db
def test_rolling_back_puts_the_replaced_version_back() -> None:
    first = make_version()
    model = first.registered_model
    decide(make_version(registered_model=model))
    promotion = roll_back(registered_model=model, by=make_user("lena"), reason="Worse at night.", now=timezone.now())
    assert promotion.version == first
    assert stages(model) == {1: "champion", 2: "retired"}


@pytest.mark.django_db
def test_there_is_nothing_to_roll_back_to_at_first() -> None:
    champion = make_version()
    with pytest.raises(StageRefused):
        roll_back(registered_model=champion.registered_model, by=make_user("lena"), reason="Back.", now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_two_promotions_at_once_leave_one_champion() -> None:
    champion = make_version()
    model = champion.registered_model
    candidates = [make_version(registered_model=model) for _ in range(2)]
    for candidate in candidates:
        make_comparison(candidate=candidate, champion=champion)
    lena, barrier, refused = make_user("lena"), threading.Barrier(2), []

    def decide_at_once(candidate: ModelVersion) -> None:
        barrier.wait()
        try:
            promote(version=candidate, by=lena, reason="Better.", now=timezone.now())
        except ReviewAppError as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=decide_at_once, args=(candidate,)) for candidate in candidates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(stages(model).values()).count("champion") == 1
    assert len(refused) == 1
    assert refused[0] in {"champion_changed", "stage_refused"}
    assert Promotion.objects.filter(action="promote").count() == 1
