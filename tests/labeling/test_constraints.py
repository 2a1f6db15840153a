"""Every constraint of the labeling side, tried at the database. A new constraint without a case here fails."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from labeling.models import DesignState, DispositionRecord, IngestBatch, Membership, PendingDraw, RoutingState, Tally
from labeling.tallies import fold
from tests import factories as make
from tests.breaking import Attempt, change, constraints_of, copy, refused_by, without
from tests.factories.everything import make_one_of_each
from tests.labeling.constraints_at_stations import AT_STATIONS
from tests.labeling.constraints_of_learning import LEARNING
from tests.labeling.constraints_of_second_looks import SECOND_LOOKS
from tests.labeling.constraints_of_what_is_measured import MEASURED
from tests.labeling.region_cases import REGIONS

pytestmark = pytest.mark.django_db

Case = Callable[[], Attempt]


def selection(**fields: Any) -> Any:
    return make.make_selection(inspection=make.make_inspection(), registered_model=make.make_model(), **fields)


def image() -> Any:
    return make.make_item(content=make.png())


def blocking() -> Any:
    return make.make_review(mode="blocking", deadline=make.NOW, default_disposition="hold")


def claimed() -> Any:
    return make.make_review(claimed_by=make.make_user("alice"), claim_expires_at=make.NOW)


def membership(**fields: Any) -> Any:
    user = make.make_user("alice")
    fields = fields or {"registered_model": make.make_model()}
    return Membership.objects.create(user=user, role="inspector", **fields)


def design(**fields: Any) -> Attempt:
    return change(make.make_model().designs.get(), **fields)


def design_of_another() -> int:
    return int(make.make_model().designs.get().pk)


def policy(**fields: Any) -> Attempt:
    return change(make.make_model().review_policy, **fields)


def told(**fields: Any) -> Attempt:
    row = DispositionRecord.objects.create(inspection=make.make_inspection(), disposition="pass", created_at=make.NOW)
    return change(row, **fields)


def edge_answers_again() -> Attempt:
    said = make.make_prediction()
    fields = {"inspection": said.inspection, "prediction": said, "disposition": "pass", "created_at": make.NOW}
    return copy(DispositionRecord.objects.create(origin="edge", **fields))


def released() -> DispositionRecord:
    review = blocking()
    fields = {"inspection": review.inspection, "disposition": "pass", "created_at": make.NOW}
    return DispositionRecord.objects.create(review=review, **fields)


def reported() -> DispositionRecord:
    fields = {"inspection": make.make_inspection(), "disposition": "pass", "created_at": make.NOW}
    return DispositionRecord.objects.create(origin="reported", done_at=make.NOW, **fields)


def state(**fields: Any) -> Attempt:
    return change(RoutingState.objects.create(model_version=make.make_version(), mean_uncertainty=0.2), **fields)


def design_state(**fields: Any) -> Attempt:
    return change(DesignState.objects.create(design=make.make_model().designs.get()), **fields)


def key() -> Any:
    return next(row for model, row in make_one_of_each().items() if model.__name__ == "ApiKey")


def batch(**fields: Any) -> Any:
    user = make.make_user("alice")
    return IngestBatch.objects.create(submitted_by=user, key="k", started_at=make.NOW, **fields)


def deployment() -> Any:
    return make.make_deployment(station=make.make_station(), version=make.make_version())


def verdict_again(**fields: Any) -> Attempt:
    return copy(make.make_verdict(), client_id=uuid.uuid4(), **fields)


def supersedes_itself() -> Attempt:
    row = make.make_verdict()
    return change(row, supersedes=row.pk)


def tally(*, folded: bool = False) -> Tally:
    part = make.make_prediction()
    make.make_selection(inspection=part.inspection, registered_model=part.model_version.registered_model)
    if folded:
        fold()
    return Tally.objects.get(outcome="arrived")


def waiting(**fields: Any) -> Attempt:
    said = make.make_prediction()
    row = PendingDraw.objects.create(
        model_version=said.model_version, prediction=said, n_before=0, pi=0.5, floor_pi=0.02
    )
    return change(row, **fields)


SEEN: dict[str, list[Case]] = {
    "inspection_station_id_unique": [lambda: copy(make.make_inspection())],
    "inspection_attempt_unique": [lambda: copy(make.make_inspection(serial="S1"), inspection_id="other")],
    "inspection_id_said": [lambda: change(make.make_inspection(), inspection_id="")],
    "inspection_group_said": [lambda: change(make.make_inspection(), group_id="")],
    "inspection_attempt_from_1": [lambda: change(make.make_inspection(), attempt=0)],
    "inspection_purpose_known": [lambda: change(make.make_inspection(), purpose="fun")],
    "inspection_partition_known": [lambda: change(make.make_inspection(), partition="test")],
    "item_inspection_view_unique": [lambda: copy(make.make_item(), public_id=uuid.uuid4())],
    "item_view_said": [lambda: change(make.make_item(), view="")],
    "item_image_is_measured": [
        lambda: change(image(), width=None),
        lambda: change(image(), height=None),
        lambda: change(image(), width=0),
        lambda: change(image(), sha256=""),
        lambda: change(make.make_item(), image="images/x.png"),
    ],
    "item_image_status_known": [
        lambda: without("item_image_to_be_had_has_address", make.make_item(), image_status="lost")
    ],
    "item_image_there_iff_stored": [
        lambda: change(make.make_item(), image_status="stored"),
        lambda: change(image(), image_status="wanted"),
    ],
    "item_image_to_be_had_has_address": [
        lambda: change(make.make_item(), image_status="fetching"),
        lambda: change(make.make_item(), image_status="at_station"),
        lambda: change(make.make_item(), image_status="failed"),
    ],
    "item_image_deleted_at_iff_deleted": [
        lambda: change(image(), image_status="deleted", image=""),
        lambda: change(image(), image_deleted_at=make.NOW),
    ],
    "imagefetch_status_known": [lambda: change(make.make_fetch(), status="lost")],
    "imagefetch_finished_at_iff_over": [
        lambda: change(make.make_fetch(), status="done"),
        lambda: change(make.make_fetch(), finished_at=make.NOW),
    ],
    "prediction_inspection_version_unique": [lambda: copy(make.make_prediction())],
    "prediction_confidence_0_to_1": [
        lambda: change(make.make_prediction(), confidence=1.01),
        lambda: change(make.make_prediction(), confidence=-0.01),
        lambda: change(make.make_prediction(), confidence=float("nan")),
    ],
    "ingestbatch_key_unique": [lambda: copy(batch())],
    "ingestbatch_key_said": [lambda: change(batch(), key="")],
    "ingestbatch_finished_has_an_answer": [
        lambda: change(batch(), finished_at=make.NOW),
        lambda: change(batch(), answer=b"x"),
        lambda: change(batch(), finished_at=make.NOW, answer=b"x", http_status=200, body_sha256="x"),
    ],
    "disposition_known": [lambda: told(disposition="scrap")],
    "disposition_of_the_edge_once": [edge_answers_again],
    "disposition_of_a_review_stands_once": [lambda: copy(released())],
    "disposition_reported_once": [lambda: copy(reported())],
    "disposition_done_at_iff_reported": [lambda: told(done_at=make.NOW), lambda: change(reported(), done_at=None)],
    "disposition_origin_known": [lambda: told(origin="rumour")],
    "deployment_seen_once": [lambda: copy(deployment())],
    "deployment_last_after_first": [lambda: change(deployment(), last_seen_at=make.NOW - timedelta(seconds=1))],
}
DRAWN: dict[str, list[Case]] = {
    "samplingdesign_number_unique": [lambda: copy(make.make_model().designs.get(), is_active=False)],
    "samplingdesign_one_active": [lambda: copy(make.make_model().designs.get(), number=2)],
    "samplingdesign_one_active_of_a_name": [lambda: copy(make.make_campaign(), number=9)],
    "samplingdesign_kind_known": [
        lambda: without(
            "samplingdesign_campaign_has_name_and_end", make.make_model().designs.get(), kind="fun", audit_share=1
        )
    ],
    "samplingdesign_campaign_has_name_and_end": [
        lambda: design(name="x"),
        lambda: design(until=make.NOW),
        lambda: design(max_draws=1),
        lambda: change(make.make_campaign(), name=""),
        lambda: change(make.make_campaign(), max_draws=None),
    ],
    "samplingdesign_campaign_has_one_chance": [
        lambda: change(make.make_campaign(), audit_share=0.9),
        lambda: change(make.make_campaign(), budget_feedback=True),
    ],
    "samplingdesign_max_draws_from_1": [lambda: change(make.make_campaign(), max_draws=0)],
    "samplingdesign_code_version_known": [lambda: design(code_version="routing-0")],
    "designstate_drawn_at_most": [lambda: design_state(n_sampled=1, n_drawn=2)],
    "designstate_thinning_known": [lambda: design_state(thinning=0.3), lambda: design_state(thinning=0)],
    "samplingdesign_budget_range": [lambda: design(budget=0), lambda: design(budget=1.01)],
    "samplingdesign_audit_share_range": [lambda: design(audit_share=0.49), lambda: design(audit_share=1.01)],
    "routingstate_mean_range": [lambda: state(mean_uncertainty=0), lambda: state(mean_uncertainty=0.51)],
    "selection_one_draw_per_design": [lambda: copy(selection())],
    "selection_pi_range": [
        lambda: change(selection(u=0.5), pi=0),
        lambda: change(selection(), pi=1.01),
        lambda: change(selection(), pi=float("nan")),
    ],
    "selection_floor_pi_range": [lambda: change(selection(), floor_pi=0), lambda: change(selection(), floor_pi=1.01)],
    "selection_u_range": [lambda: change(selection(), u=-0.01), lambda: change(selection(u=0.9), u=1)],
    "selection_certainty_means_1": [
        lambda: change(selection(), stratum="certainty"),
        lambda: change(selection(), stratum="rumour"),
    ],
    "selection_thinning_range": [
        lambda: change(selection(), thinning=0),
        lambda: change(selection(), thinning=1.01),
        lambda: change(selection(pi=1.0, stratum="certainty"), thinning=0.5),
    ],
    "selection_drawn_iff_u_below_pi": [
        lambda: change(selection(), drawn=False),
        lambda: change(selection(u=0.9), drawn=True),
    ],
}
TALLIED: dict[str, list[Case]] = {
    "tally_one_folded_row_a_cell": [lambda: copy(tally(folded=True))],
    "tally_dimension_known": [lambda: change(tally(), dimension="mood")],
    "tally_label_iff_settled_with_one": [
        lambda: change(tally(), outcome="label"),
        lambda: change(tally(), outcome="rumour"),
    ],
    "tally_floor_pi_range": [lambda: change(tally(), floor_pi=0), lambda: change(tally(), floor_pi=1.01)],
    "pendingdraw_pi_iff_drawn": [
        lambda: waiting(prediction=None),
        lambda: waiting(pi=None),
        lambda: waiting(floor_pi=0),
    ],
}
REVIEWED: dict[str, list[Case]] = {
    "review_round_unique": [lambda: copy(make.make_review())],
    "review_claim_both_or_neither": [
        lambda: change(make.make_review(), claim_expires_at=make.NOW),
        lambda: change(claimed(), claim_expires_at=None),
    ],
    "review_closed_is_free": [lambda: change(claimed(), status="cancelled")],
    "review_blocking_has_deadline_and_default": [
        lambda: change(blocking(), deadline=None),
        lambda: change(blocking(), default_disposition=""),
    ],
    "review_settled_at_iff_settled": [
        lambda: change(make.make_review(), settled_at=make.NOW),
        lambda: change(make.make_review(), status="settled"),
    ],
    "review_reason_known": [lambda: change(make.make_review(), reason="whim")],
    "review_mode_known": [lambda: without("review_blocking_has_deadline_and_default", blocking(), mode="lazy")],
    "review_status_known": [lambda: change(make.make_review(), status="paused")],
    "review_default_known": [lambda: change(make.make_review(), default_disposition="scrap")],
    "review_release_of_a_settled_blocking_one": [
        lambda: change(blocking(), release_at=make.NOW),
        lambda: change(make.make_review(status="settled"), release_at=make.NOW),
    ],
    "review_round_from_1": [lambda: change(make.make_review(), round=0)],
    "reviewpolicy_votes_range": [lambda: policy(votes_needed=0), lambda: policy(votes_needed=10)],
    "reviewpolicy_lease_range": [lambda: policy(lease_seconds=9), lambda: policy(lease_seconds=86_401)],
    "reviewpolicy_blind_range": [lambda: policy(blind_share=-0.01), lambda: policy(blind_share=1.01)],
    "reviewpolicy_min_view_range": [lambda: policy(min_view_ms=10_001)],
    "reviewpolicy_buffer_range": [lambda: policy(buffer=0), lambda: policy(buffer=17)],
    "reviewpolicy_measuring_range": [lambda: policy(measuring_days=0), lambda: policy(measuring_days=366)],
    "reviewpolicy_blocking_from_1": [lambda: policy(blocking_minutes=0)],
    "reviewpolicy_pass_was_set_by_somebody": [
        lambda: policy(blocking_default="pass"),
        lambda: policy(blocking_default="pass", default_pass_by=make.make_user("lena")),
        lambda: policy(blocking_default="pass", default_pass_at=make.NOW),
        lambda: policy(default_pass_by=make.make_user("lena"), default_pass_at=make.NOW),
    ],
    "reviewpolicy_release_range": [lambda: policy(release_seconds=601)],
    "reviewpolicy_max_open_from_1": [lambda: policy(max_open=0)],
    "reviewpolicy_default_known": [lambda: policy(blocking_default="scrap"), lambda: policy(blocking_default="")],
}
SAID: dict[str, list[Case]] = {
    "verdict_label_iff_judged": [
        lambda: change(make.make_verdict(), label=None),
        lambda: change(make.make_verdict(), kind="unsure"),
    ],
    "verdict_one_chain_per_person_and_phase": [verdict_again],
    "verdict_supersedes_another": [supersedes_itself],
    "verdict_withdraws_something": [lambda: change(make.make_verdict(), kind="withdrawn", label=None)],
    "verdict_kind_known": [lambda: change(make.make_verdict(), kind="shrug", label=None)],
    "verdict_phase_known": [lambda: change(make.make_verdict(), phase="asleep")],
    "verdict_severity_0_to_3": [lambda: change(make.make_verdict(), severity=4)],
    "groundtruth_model_inspection_unique": [lambda: copy(make.make_ground_truth())],
    "groundtruth_label_iff_judgeable": [
        lambda: change(make.make_ground_truth(), label=None),
        lambda: change(make.make_ground_truth(), outcome="bad_image"),
        lambda: change(make.make_ground_truth(), outcome="rumour"),
    ],
    "groundtruth_has_verdicts": [lambda: change(make.make_ground_truth(), n_verdicts=0)],
}
LATE: dict[str, list[Case]] = {
    "outcome_natural_key_unique": [lambda: copy(make.make_outcome())],
    "outcome_names_one_part": [
        lambda: change(make.make_outcome(), named_id=""),
        lambda: change(make.make_outcome(), serial="S1"),
        lambda: change(make.make_outcome(), attempt=1),
    ],
    "declaredsample_within_population": [
        lambda: change(make.make_declared(), n_sampled=0),
        lambda: change(make.make_declared(), n_sampled=101),
    ],
    "declaredsample_note_said": [lambda: change(make.make_declared(), note="")],
    "declaredsample_withdrawn_after": [
        lambda: change(make.make_declared(), withdrawn_at=make.NOW - timedelta(seconds=1))
    ],
    "declaredpart_once": [lambda: copy(make.make_declared().parts.get())],
    "outcome_origin_known": [lambda: change(make.make_outcome(), origin="rumour")],
    "outcome_frozen_when_joined": [
        lambda: change(make.make_outcome(inspection=None), frozen_in=make.make_dataset(), inspection=None)
    ],
}
AUDITED: dict[str, list[Case]] = {
    "audit_file_once": [
        lambda: copy(make.make_audit(), station_id=make.make_station().pk, design_id=design_of_another())
    ],
    "audit_drawn_within_population": [
        lambda: change(make.make_audit(), n_drawn=0),
        lambda: change(make.make_audit(), n_drawn=101),
    ],
    "audit_fingerprint_is_one": [lambda: change(make.make_audit(), fingerprint="said.csv")],
}
PEOPLE: dict[str, list[Case]] = {
    "goldensample_one_per_label": [lambda: copy(make.make_golden())],
    "membership_model_role_unique": [lambda: copy(membership())],
    "membership_site_role_unique": [lambda: copy(membership(site=make.make_site()))],
    "membership_of_a_model_or_a_site": [
        lambda: change(membership(), registered_model=None),
        lambda: change(membership(), site=make.make_site()),
    ],
    "membership_role_known": [lambda: change(membership(), role="boss")],
    "apikey_models_null_or_some": [lambda: change(key(), only_models=[])],
    "apikey_verbs_null_or_known": [
        lambda: change(key(), only_verbs=[]),
        lambda: change(key(), only_verbs=["view", "fly"]),
    ],
    "apikey_limit_from_1": [lambda: change(key(), requests_per_minute=0)],
    "apikey_digest_hex": [lambda: change(key(), digest="secret")],
}
IMPORTED: dict[str, list[Case]] = {
    "import_status_known": [lambda: without("import_finished_at_iff_terminal", make.make_import(), status="paused")],
    "import_format_known": [lambda: change(make.make_import(), format="voc")],
    "import_lies_in_one_place": [lambda: change(make.make_import(), upload="a", path="/b")],
    "import_finished_at_iff_terminal": [
        lambda: change(make.make_import(), finished_at=make.NOW),
        lambda: change(make.make_import(), status="done"),
    ],
    "import_running_has_a_claim": [lambda: change(make.make_import(), status="running")],
}
TABLE = AUDITED | LATE | SEEN | DRAWN | TALLIED | REVIEWED | SAID | PEOPLE | IMPORTED | MEASURED | REGIONS
TABLE |= AT_STATIONS | SECOND_LOOKS | LEARNING
CASES = [pytest.param(name, case, id=f"{name}-{i}") for name, cases in TABLE.items() for i, case in enumerate(cases)]


def test_every_constraint_has_a_case() -> None:
    assert set(TABLE) == constraints_of("labeling")


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_database_refuses(name: str, case: Case) -> None:
    assert refused_by(case()) == name


def test_a_verdict_is_superseded_at_most_once_and_its_client_id_is_its_own() -> None:
    first = make.make_verdict()
    second = make.make_verdict(review=first.review, supersedes=first)
    assert refused_by(copy(second, client_id=uuid.uuid4())).startswith("labeling_verdict_supersedes")
    assert refused_by(change(second, client_id=first.client_id)).startswith("labeling_verdict_client_id")


def test_parts_without_a_serial_are_not_attempts_of_each_other() -> None:
    first = make.make_inspection()
    make.make_inspection(station=first.station)
