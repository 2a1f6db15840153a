"""A run's page: why it started, how far it is, what came of it, and who may decide."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from models_registry.models import ModelVersion, Promotion, RegisteredModel, TrainingRun, TrainingStep
from models_registry.run_page import run_progress_of
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="bearing", name="Bearing race")


@pytest.fixture
def lena(client: Client, model: RegisteredModel) -> User:
    lead = make.make_member("lead", registered_model=model)
    client.force_login(lead)
    return lead


def candidate_of(model: RegisteredModel, **run_fields: Any) -> ModelVersion:
    """A champion, and a candidate that a succeeded run brought."""
    champion = make.make_version(registered_model=model)
    run = make.make_run(registered_model=model, status="succeeded", outcome="v2 is a candidate.", **run_fields)
    make.make_steps(run=run)
    candidate = make.make_version(registered_model=model, training_run=run, origin="trained")
    example = {"part": "88213", "truth": "dent", "champion": "dent", "candidate": "ok", "confidence": 0.91}
    item = make.make_item()
    make.make_comparison(
        candidate=candidate,
        champion=champion,
        examples=[
            {**example, "inspection": 1, "kind": "broken", "item": str(item.public_id)},
            {**example, "inspection": 2, "kind": "fixed", "item": None, "candidate": "dent", "champion": "ok"},
        ],
    )
    return candidate


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\u00a0", " ")


def run_of(version: ModelVersion) -> TrainingRun:
    assert version.training_run is not None
    return version.training_run


def test_the_page_tells_why_it_started_and_what_it_learned_from(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    run = make.make_run(registered_model=model, reason="212 new labels, 200 wanted.")

    page = text_of(client, run.get_absolute_url())
    assert "New labels. 212 new labels, 200 wanted." in page
    assert "Asked by policy" in page
    assert "Learned from 300 Held out 100" in page


def test_the_data_are_told_against_those_of_the_champion_not_of_the_run_before(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    old = make.make_dataset(registered_model=model, label_counts={"ok": 100, "dent": 60, "scratch": 9})
    make.make_version(registered_model=model, training_run=make.make_run(dataset=old, status="succeeded"))
    between = make.make_dataset(registered_model=model)
    make.make_run(dataset=between, status="failed")
    new = make.make_dataset(registered_model=model, parent=between, label_counts={"ok": 220, "dent": 60})
    run = make.make_run(dataset=new, status="running")
    address = run.get_absolute_url()

    assert "Data, against that of v1 Label Items New OK 220 +120 Scratch 0 -9 Dent 60 0" in text_of(client, address)
    assert f"/changes/?against={old.pk}" in client.get(address).content.decode()


def test_the_comparison_names_its_counts_its_interval_and_its_guards(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    page = text_of(client, run_of(candidate_of(model)).get_absolute_url())

    assert "v2 against v1, on the same images" in page
    assert "+1.6 points +0.3 to +2.9, 1,204 images" in page
    assert "41 fixed v1 wrong, v2 right 22 broken v1 right, v2 wrong 29 both wrong" in page
    assert "All guards passed" in page
    assert "Dent , called OK 91 %" in page
    assert "Image not here" in page


def test_an_active_run_polls_and_a_finished_one_does_not(client: Client, lena: User, model: RegisteredModel) -> None:
    active = make.make_run(registered_model=model, status="running")
    make.make_steps(run=active, n_done=3)

    assert 'hx-trigger="every 2s"' in client.get(active.get_absolute_url()).content.decode()
    finished = make.make_run(status="failed")
    make.make_member("lead", registered_model=finished.registered_model)
    assert "hx-trigger" not in client.get(finished.get_absolute_url()).content.decode()


def test_progress_moves_and_an_unchanged_part_is_not_sent_again(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    run = make.make_run(registered_model=model, status="running")
    steps = make.make_steps(run=run, n_done=3, progress=0.4)
    part = client.get(f"/runs/{run.pk}/progress/").content.decode()
    seen = re.search(r"seen=(\w+)", part)

    assert seen is not None
    assert "<html" not in part
    assert '<rect width="40" height="6"/>' in part
    steps[3].progress = 0.8
    steps[3].save()
    moved = client.get(f"/runs/{run.pk}/progress/", {"seen": seen[1]}).content.decode()
    assert '<rect width="80" height="6"/>' in moved


def test_once_the_run_is_over_the_whole_page_is_loaded_and_polling_stops(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    run = make.make_run(registered_model=model, status="succeeded")

    answer = client.get(f"/runs/{run.pk}/progress/")
    assert answer.headers["HX-Refresh"] == "true"
    assert b"hx-trigger" not in answer.content


def test_what_the_training_said_is_drawn_with_its_numbers(client: Client, lena: User, model: RegisteredModel) -> None:
    version = candidate_of(model)
    points = [{"n_labels": n, "accuracy": right, "n": 90} for n, right in ((20, 0.7), (40, 0.8), (80, 0.9))]
    ModelVersion.objects.filter(pk=version.pk).update(metrics={"learning_curve": points})
    tried = {"name": "support vectors", "n": 80, "log_loss": 0.31, "accuracy": 0.88, "folds": [0.85, 0.9]}
    bare = {"name": "logistic regression", "n": 0, "log_loss": None, "accuracy": None, "folds": []}
    told = {"tried": [tried, bare], "chosen": "support vectors", "series": {"loss <b>": [[1, 0.9], [2, 0.25]]}}
    TrainingStep.objects.filter(name="fit").update(curves=told)

    page = text_of(client, run_of(version).get_absolute_url())
    assert "support vectors Chosen" in page
    assert "88.0 % 0.310 80" in page
    assert "loss &lt;b&gt; from 0.900 to 0.250" in page
    assert "80 90.0 %" in page


def test_curves_move_with_the_part_that_is_polled(client: Client, lena: User, model: RegisteredModel) -> None:
    run = make.make_run(registered_model=model, status="running")
    make.make_steps(run=run, n_done=4)
    address = f"/runs/{run.pk}/progress/"
    assert "run-curves" not in client.get(address).content.decode()
    seen = run_progress_of(run, now=timezone.now()).fingerprint
    TrainingStep.objects.filter(name="fit").update(curves={"series": {"loss": [[1, 0.9], [2, 0.25]]}})
    answer = client.get(address, {"seen": seen})
    assert answer.status_code == 200
    assert 'id="run-curves" hx-swap-oob="innerHTML"' in answer.content.decode()


def test_an_active_run_says_about_how_long_by_the_run_before(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    run = make.make_run(registered_model=model, status="running", queued_at=timezone.now())
    make.make_steps(run=run, n_done=4)
    assert " left" not in text_of(client, run.get_absolute_url())
    TrainingRun.objects.update(status="cancelled", finished_at=timezone.now())

    before = make.make_run(registered_model=model, status="succeeded")
    make.make_steps(run=before)
    TrainingStep.objects.filter(run=before, name="compare").update(finished_at=before.queued_at + timedelta(minutes=30))
    TrainingRun.objects.filter(pk=run.pk).update(status="running", finished_at=None)
    assert "min left, by the last run" in text_of(client, run.get_absolute_url())


def test_a_failed_run_says_where_it_stopped_and_why(client: Client, lena: User, model: RegisteredModel) -> None:
    run = make.make_run(registered_model=model, status="failed", outcome="2 of 3,412 images are missing.")
    make.make_steps(run=run, n_done=3, failed=True)

    page = text_of(client, run.get_absolute_url())
    assert "Stopped at “Features”. 2 of 3,412 images are missing." in page
    assert "Nothing was changed" in page


def test_a_lead_approves_with_a_reason(client: Client, lena: User, model: RegisteredModel) -> None:
    candidate = candidate_of(model)

    answer = client.post(f"/versions/{candidate.pk}/approve/", {"reason": "Better on scratches."}, follow=True)
    candidate.refresh_from_db()
    assert candidate.stage == "champion"
    assert Promotion.objects.get().reason == "Better on scratches."
    assert "v2 became champion." in answer.content.decode()


def test_a_lead_refuses_with_a_reason(client: Client, lena: User, model: RegisteredModel) -> None:
    candidate = candidate_of(model)

    client.post(f"/versions/{candidate.pk}/refuse/", {"reason": "Worse on dents."})
    candidate.refresh_from_db()
    assert candidate.stage == "rejected"


def test_a_decision_without_a_reason_changes_nothing(client: Client, lena: User, model: RegisteredModel) -> None:
    candidate = candidate_of(model)

    assert client.post(f"/versions/{candidate.pk}/approve/", {"reason": " "}).status_code == 400
    candidate.refresh_from_db()
    assert candidate.stage == "candidate"


def test_who_asked_for_the_run_may_not_approve_its_version(client: Client, lena: User, model: RegisteredModel) -> None:
    candidate = candidate_of(model, requested_by=lena, trigger="person")

    page = text_of(client, run_of(candidate).get_absolute_url())
    assert "somebody else has to approve" in page
    assert "Approve v2" not in page
    assert client.post(f"/versions/{candidate.pk}/approve/", {"reason": "I like it."}).status_code == 403
    candidate.refresh_from_db()
    assert candidate.stage == "candidate"


def test_a_decision_is_only_taken_by_post(client: Client, lena: User, model: RegisteredModel) -> None:
    candidate = candidate_of(model)

    for verb in ("approve", "refuse", "roll-back"):
        assert client.get(f"/versions/{candidate.pk}/{verb}/").status_code == 405


@pytest.mark.parametrize(("role", "status"), [("inspector", 403), ("auditor", 403), (None, 404)])
def test_others_may_look_at_most(client: Client, model: RegisteredModel, role: str | None, status: int) -> None:
    candidate = candidate_of(model)
    client.force_login(make.make_member(role, registered_model=model) if role else make.make_user("charlie"))

    for verb in ("approve", "refuse", "roll-back"):
        assert client.post(f"/versions/{candidate.pk}/{verb}/", {"reason": "because"}).status_code == status
    assert client.get(run_of(candidate).get_absolute_url()).status_code == (200 if role else 404)
    assert not Promotion.objects.exists()


def test_the_champion_is_rolled_back_and_a_stale_page_decides_nothing(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    candidate = candidate_of(model)
    old = ModelVersion.objects.get(registered_model=model, number=1)
    client.post(f"/versions/{candidate.pk}/approve/", {"reason": "Better."})

    answer = client.post(f"/versions/{candidate.pk}/roll-back/", {"reason": "More overkill on line 3."})
    assert answer.status_code == 302
    old.refresh_from_db()
    assert old.stage == "champion"
    assert client.post(f"/versions/{candidate.pk}/roll-back/", {"reason": "again"}).status_code == 409


def test_the_list_of_runs_shows_only_models_one_may_see(client: Client, lena: User, model: RegisteredModel) -> None:
    make.make_run(registered_model=model, status="failed", outcome="Disk full.")
    make.make_run(registered_model=make.make_model(name="Secret weld"))

    page = text_of(client, "/runs/")
    assert "Disk full." in page
    assert "Secret weld" not in page
    assert "No run here yet" in text_of(client, "/runs/?status=cancelled")


def test_a_list_asks_as_often_for_many_models_and_runs_as_for_one(
    client: Client, lena: User, model: RegisteredModel
) -> None:
    def asked() -> dict[str, int]:
        found = {}
        for address in ("/runs/", "/datasets/", f"/models/{model.slug}/versions/"):
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            found[address] = len(queries)
        return found

    candidate_of(model)
    before = asked()
    for _ in range(5):
        another = make.make_run(registered_model=make.make_model(), status="succeeded")
        make.make_member("lead", registered_model=another.registered_model, user=lena)
        make.make_run(registered_model=model, status="failed", finished_at=make.NOW)
        make.make_version(registered_model=model, stage="retired")
    assert asked() == before
    page = text_of(client, "/runs/?status=waits")
    assert "To decide 1" in page
    assert page.count("took") == 1
