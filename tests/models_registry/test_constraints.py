"""Every constraint of the registry, tried at the database. A new constraint without a case here fails."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest

from models_registry.models import LabelSet
from tests import factories as make
from tests.breaking import Attempt, change, constraints_of, copy, refused_by, without

pytestmark = pytest.mark.django_db

Case = Callable[[], Attempt]


def label() -> Any:
    return make.make_label_set().labels.get(slug="dent")


def champion_and_candidate() -> tuple[Any, Any]:
    champion = make.make_version()
    return champion, make.make_version(registered_model=champion.registered_model)


def comparison() -> Any:
    champion, candidate = champion_and_candidate()
    return make.make_comparison(candidate=candidate, champion=champion)


def against_itself() -> Attempt:
    row = comparison()
    return change(row, champion=row.candidate)


def replaces_itself() -> Attempt:
    row = promotion()
    return change(row, replaced=row.version)


def promotion() -> Any:
    return make.make_promotion(version=make.make_version())


def alias_named(name: str) -> Attempt:
    return change(make.make_alias(version=make.make_version()), name=name)


def mapping_twice() -> Attempt:
    old = make.make_label_set()
    new = make.make_label_set(slug=old.slug, version=2, replaces=old)
    return copy(new.mappings.create(old_label=old.labels.get(slug="dent"), new_label=new.labels.get(slug="dent")))


def itself(row: Any, field: str) -> Attempt:
    return change(row, **{field: row.pk})


def retraining(**fields: Any) -> Attempt:
    return change(make.make_model().retraining_policy, **fields)


def promoting(**fields: Any) -> Attempt:
    return change(make.make_model().promotion_policy, **fields)


EVALUATED: dict[str, list[Case]] = {
    "evaluation_value_iff_n": [
        lambda: change(make.make_evaluation(), value=None),
        lambda: change(make.make_evaluation(), ci_low=None),
        lambda: change(make.make_evaluation(), ci_high=None),
        lambda: change(make.make_evaluation(n=0), value=0.0),
        lambda: change(make.make_evaluation(n=0), ci_low=0.0),
        lambda: change(make.make_evaluation(n=0), ci_high=1.0),
    ],
    "evaluation_low_value_high": [
        lambda: change(make.make_evaluation(), ci_low=0.95),
        lambda: change(make.make_evaluation(), ci_high=0.93),
        lambda: change(make.make_evaluation(), ci_low=-0.01),
        lambda: change(make.make_evaluation(), ci_high=1.01),
        lambda: change(make.make_evaluation(), value=float("nan")),
    ],
    "evaluation_found_at_most_n": [lambda: change(make.make_evaluation(), n_found=401)],
    "evaluation_n_at_most_arrived": [lambda: change(make.make_evaluation(), n_arrived=399)],
    "evaluation_label_free_range": [
        lambda: change(make.make_evaluation(), label_free=1.01),
        lambda: change(make.make_evaluation(), label_free=-0.01),
    ],
    "evaluation_window_in_order": [lambda: change(make.make_evaluation(), window_start=make.NOW.replace(year=2100))],
}
DECIDED: dict[str, list[Case]] = {
    "comparison_two_versions": [against_itself],
    "comparison_counts_add_up": [lambda: change(comparison(), n_fixed=42)],
    "comparison_interval_around_gain": [
        lambda: change(comparison(), ci_low=0.02),
        lambda: change(comparison(), ci_high=0.01),
        lambda: change(comparison(), gain=None),
        lambda: change(comparison(), ci_low=None),
        lambda: change(comparison(), ci_high=None),
    ],
    "comparison_verdict_known": [lambda: change(comparison(), verdict="maybe")],
    "promotion_by_policy_or_person": [
        lambda: change(promotion(), automatic=False),
        lambda: change(promotion(), decided_by=make.make_user("lena")),
    ],
    "promotion_replaces_another": [replaces_itself],
    "promotion_action_known": [lambda: change(promotion(), action="demote")],
    "promotion_reason_said": [lambda: change(promotion(), reason="")],
    "promotionpolicy_margin_range": [lambda: promoting(margin=-0.01), lambda: promoting(margin=0.51)],
    "promotionpolicy_class_margin_range": [lambda: promoting(class_margin=-0.01), lambda: promoting(class_margin=1.01)],
    "promotionpolicy_source_margin_range": [
        lambda: promoting(source_margin=-0.01),
        lambda: promoting(source_margin=1.01),
    ],
    "promotionpolicy_comparison_budget_range": [
        lambda: promoting(comparison_budget=-0.01),
        lambda: promoting(comparison_budget=1.01),
    ],
    "promotionpolicy_latency_above_0": [lambda: promoting(max_latency_ms=0)],
    "promotionpolicy_size_above_0": [lambda: promoting(max_size_mb=0)],
    "comparison_of_a_dataset_or_a_window": [
        lambda: change(comparison(), dataset=None),
        lambda: change(comparison(), window_start=make.NOW, window_end=make.NOW),
        lambda: change(comparison(), kind="live"),
        lambda: change(comparison(), kind="other"),
        lambda: change(comparison(), kind="live", dataset=None, window_start=make.NOW, window_end=None),
        lambda: change(
            comparison(), kind="live", dataset=None, champion=None, window_start=make.NOW, window_end=make.NOW
        ),
    ],
    "comparison_look_from_1": [lambda: change(comparison(), look=0)],
    "comparison_confidence_range": [
        lambda: change(comparison(), confidence=0),
        lambda: change(comparison(), confidence=1),
    ],
    "modelalias_one_version": [lambda: copy(make.make_alias(version=make.make_version()))],
    "modelalias_name_shape": [
        partial(alias_named, "line 3"),
        partial(alias_named, ""),
        partial(alias_named, "a/b"),
    ],
    "cardtext_part_known": [
        lambda: change(make.make_card_text(version=make.make_version(), written_by=make.make_user()), part="poem"),
    ],
    "modelalias_name_not_reserved": [
        partial(alias_named, "champion"),
        partial(alias_named, "Latest"),
        partial(alias_named, "v3"),
    ],
    "mlflowpush_told_iff_pushed": [lambda: change(make.make_push(version=make.make_version()), pushed_at=None)],
    "mlflowpush_failure_has_reason_and_retry": [
        lambda: change(make.make_push(version=make.make_version()), n_failed=1),
        lambda: change(make.make_push(version=make.make_version()), problem="No answer."),
    ],
    "namechange_kind_known": [lambda: change(make.make_name_change(version=make.make_version()), kind="name")],
    "namechange_changes_something": [
        lambda: change(make.make_name_change(version=make.make_version()), after=None),
        lambda: change(make.make_name_change(version=make.make_version(), after="v1"), before="v1"),
    ],
    "versiontag_one_value": [lambda: copy(make.make_tag(version=make.make_version()))],
    "versiontag_key_shape": [lambda: change(make.make_tag(version=make.make_version()), key="")],
    "promotionpolicy_first_accuracy_range": [
        lambda: promoting(min_first_accuracy=-0.01),
        lambda: promoting(min_first_accuracy=1.01),
    ],
}
REPORTED: dict[str, list[Case]] = {
    "report_number_unique": [lambda: copy(make.make_report())],
    "report_number_from_1": [lambda: copy(make.make_report(), number=0)],
    "report_kind_known": [lambda: copy(make.make_report(), kind="rumour", number=2)],
    "report_sha256_is_one": [lambda: copy(make.make_report(), sha256="F" * 64, number=2)],
    "report_of_a_period_is_signed": [
        lambda: copy(make.make_report(), signed_by_id=None, number=2),
        lambda: copy(make.make_report(), model_version_id=None, number=2),
        lambda: copy(make.make_report(), first_day=None, last_day=None, number=2),
    ],
    "report_days_in_order": [
        lambda: copy(make.make_report(), first_day=date(2026, 12, 1), number=2),
        lambda: copy(make.make_report(kind="audit"), first_day=None, number=2),
    ],
    "reportaddendum_number_unique": [lambda: copy(make.make_addendum())],
    "reportaddendum_number_from_1": [lambda: copy(make.make_addendum(), number=0)],
    "reportaddendum_says_something": [lambda: copy(make.make_addendum(), message="", number=2)],
}
LABELLED: dict[str, list[Case]] = {
    "labelset_slug_version_unique": [lambda: copy(make.make_label_set())],
    "labelset_version_from_1": [lambda: change(make.make_label_set(), version=0)],
    "labelset_replaces_another": [lambda: itself(make.make_label_set(), "replaces")],
    "label_set_slug_unique": [lambda: copy(label(), hotkey="9")],
    "label_set_hotkey_unique": [lambda: copy(label(), slug="crack")],
    "label_severity_0_to_3": [lambda: change(label(), severity=4)],
    "label_disposition_known": [lambda: change(label(), disposition="scrap")],
    "label_slug_said": [lambda: change(label(), slug="")],
    "label_colour_rrggbb": [lambda: change(label(), colour="red"), lambda: change(label(), colour="#12345g")],
    "labelmapping_old_label_once": [mapping_twice],
}
TRAINED: dict[str, list[Case]] = {
    "imagefeatures_image_version_unique": [lambda: copy(make.make_image_features())],
    "imagefeatures_sha256_hex": [lambda: change(make.make_image_features(), sha256="F" * 64)],
    "imagefeatures_version_said": [lambda: change(make.make_image_features(), features_version="")],
    "imagefeatures_vector_not_empty": [lambda: change(make.make_image_features(), vector=b"")],
    "dataset_model_sha256_unique": [lambda: copy(make.make_dataset())],
    "dataset_sha256_hex": [
        lambda: change(make.make_dataset(), sha256="F" * 64),
        lambda: change(make.make_dataset(), sha256=""),
    ],
    "dataset_manifest_said": [lambda: change(make.make_dataset(), manifest="")],
    "trainingrun_number_unique": [lambda: copy(make.make_run(status="failed"))],
    "trainingrun_one_active": [
        lambda: copy(make.make_run(), number=2),
        lambda: copy(make.make_run(status="running"), number=2, status="queued"),
    ],
    "trainingrun_status_known": [
        lambda: without("trainingrun_finished_at_iff_terminal", make.make_run(), status="lost")
    ],
    "trainingrun_price_in_a_currency": [lambda: change(make.make_run(), hour_price=-2, currency="EUR")],
    "trainingrun_trigger_known": [lambda: change(make.make_run(), trigger="moon")],
    "trainingrun_calibration_keeps_a_model": [lambda: change(make.make_run(), trigger="calibration")],
    "trainingrun_finished_at_iff_terminal": [
        lambda: change(make.make_run(), finished_at=make.NOW),
        lambda: change(make.make_run(status="failed"), finished_at=None),
    ],
    "trainingrun_running_has_a_claim": [
        lambda: change(make.make_run(status="running"), claim=None),
        lambda: change(make.make_run(status="running"), started_at=None),
        lambda: change(make.make_run(status="running"), heartbeat_at=None),
    ],
    "remotetraining_status_known": [
        lambda: without("remotetraining_finished_at_iff_over", make.make_remote(), status="lost")
    ],
    "remotetraining_finished_at_iff_over": [
        lambda: change(make.make_remote(), finished_at=make.NOW),
        lambda: change(make.make_remote(), status="failed"),
    ],
    "remotetraining_artifact_iff_finished": [
        lambda: change(make.make_remote(), artifact="artifacts/a.onnx"),
        lambda: change(make.make_remote(), status="finished", finished_at=make.NOW),
    ],
    "trainingstep_run_name_unique": [lambda: copy(make.make_steps(run=make.make_run())[0])],
    "trainingstep_progress_0_to_1": [
        lambda: change(make.make_steps(run=make.make_run())[0], progress=1.01),
        lambda: change(make.make_steps(run=make.make_run())[0], progress=-0.01),
        lambda: change(make.make_steps(run=make.make_run())[0], progress=float("nan")),
    ],
    "trainingstep_status_known": [lambda: change(make.make_steps(run=make.make_run())[0], status="paused")],
    "trainingstep_name_known": [lambda: change(make.make_steps(run=make.make_run())[0], name="deploy")],
    "retrainingpolicy_min_new_labels_from_1": [lambda: retraining(min_new_labels=0)],
    "retrainingpolicy_min_total_from_2": [lambda: retraining(min_total_labels=1)],
    "retrainingpolicy_search_seconds_range": [lambda: retraining(search_seconds=3601)],
    "retrainingpolicy_hour_price_range": [lambda: retraining(hour_price=-0.01)],
    "retrainingpolicy_min_per_class_from_1": [lambda: retraining(min_per_class=0)],
    "retrainingpolicy_share_range": [lambda: retraining(new_labels_share=1.01)],
    "retrainingpolicy_rare_from_1": [lambda: retraining(rare_class_labels=0)],
    "retrainingpolicy_drift_fall_range": [lambda: retraining(drift_fall=-0.01)],
    "retrainingpolicy_agreement_range": [lambda: retraining(min_agreement=1.01)],
    "retrainingpolicy_schedule_five_fields": [
        lambda: retraining(schedule="0 2 * *", schedule_since=make.NOW),
        lambda: retraining(schedule="* 0 2 * * *", schedule_since=make.NOW),
    ],
    "retrainingpolicy_schedule_has_a_start": [lambda: retraining(schedule="0 2 * * 0")],
    "retrainingdecision_cause_known": [lambda: copy(make.make_decision(), cause="moon")],
    "retrainingdecision_run_iff_yes": [
        lambda: copy(make.make_decision(), retrain=True, cause="drift"),
        lambda: copy(make.make_decision(), run_id=make.make_run().pk),
        lambda: copy(make.make_decision(), retrain=True, run_id=make.make_run().pk),
    ],
    "retrainingdecision_reason_said": [lambda: copy(make.make_decision(), reason="")],
    "retrainingrequest_expires_after_it_came": [lambda: change(make.make_request(), expires_at=make.NOW)],
    "retrainingrequest_reason_said": [lambda: change(make.make_request(), reason="")],
    "policychange_policy_known": [lambda: copy(make.make_policy_change(), policy="pay")],
    "policychange_via_known": [lambda: copy(make.make_policy_change(), via="phone")],
    "policychange_changes_something": [lambda: copy(make.make_policy_change(), fields={})],
    "policychange_by_somebody": [lambda: copy(make.make_policy_change(), changed_by_id=None)],
}
REGISTERED: dict[str, list[Case]] = {
    "costmatrix_number_unique": [lambda: copy(make.make_costs(), is_active=False)],
    "costmatrix_one_active": [lambda: copy(make.make_costs(), number=2)],
    "costmatrix_number_from_1": [lambda: change(make.make_costs(), number=0)],
    "costmatrix_currency_code": [
        lambda: change(make.make_costs(), currency="eur"),
        lambda: change(make.make_costs(), currency="€"),
    ],
    **{
        f"costmatrix_{name}_range": [
            lambda name=name: change(make.make_costs(), **{name: -1}),  # type: ignore[misc]
            lambda name=name: change(make.make_costs(), **{name: 1_000_000_001}),  # type: ignore[misc]
        ]
        for name in ("escape", "overkill", "confusion")
    },
    "registeredmodel_kind_known": [lambda: change(make.make_model(), kind="regression")],
    "registeredmodel_target_between_0_and_1": [
        lambda: change(make.make_model(), target_accuracy=0),
        lambda: change(make.make_model(), target_accuracy=1),
    ],
    "modelversion_number_unique": [lambda: copy(make.make_version(), external_name="other", stage="retired")],
    "modelversion_external_name_unique": [lambda: copy(make.make_version(), number=2, stage="retired")],
    "modelversion_one_champion": [lambda: change(champion_and_candidate()[1], stage="champion")],
    "modelversion_number_from_1": [lambda: change(make.make_version(), number=0)],
    "modelversion_artifact_and_hash": [
        lambda: change(make.make_version(), artifact="artifacts/a.skops"),
        lambda: change(make.make_version(), artifact_sha256="a" * 64),
        lambda: change(make.make_version(), artifact="artifacts/a.skops", artifact_sha256="A" * 64),
    ],
    "modelversion_origin_known": [lambda: change(make.make_version(), origin="found")],
    "modelversion_score_kind_known": [lambda: change(make.make_version(), score_kind="logits")],
    "modelversion_stage_known": [lambda: change(make.make_version(), stage="canary")],
    "escapelimit_one_per_class": [lambda: copy(make.make_limit()), lambda: copy(make.make_limit(label=""))],
    "escapelimit_rate_range": [
        lambda: change(make.make_limit(), max_rate=0),
        lambda: change(make.make_limit(), max_rate=1),
        lambda: change(make.make_limit(), max_rate=float("nan")),
    ],
    "monitor_one_runs_per_guard": [lambda: copy(make.make_monitor())],
    "monitor_state_known": [lambda: change(make.make_monitor(), state="calm")],
    "monitor_has_something_to_watch": [lambda: change(make.make_monitor(), p0=None)],
    "monitor_p0_range": [lambda: change(make.make_monitor(), p0=0), lambda: change(make.make_monitor(), p0=1)],
    "monitor_accepted_range": [lambda: change(make.make_monitor(), accepted=1)],
    "monitor_floor_pi_range": [lambda: change(make.make_monitor(), floor_pi=0)],
    "monitor_run_length_from_1": [lambda: change(make.make_monitor(), run_length=0.5)],
    "monitor_evidence_below_its_peak": [
        lambda: change(make.make_monitor(), evidence=2),
        lambda: change(make.make_monitor(), evidence=-1),
    ],
    "monitor_counts_in_order": [
        lambda: change(make.make_monitor(), n_errors=1),
        lambda: change(make.make_monitor(), n_drawn=1),
        lambda: change(make.make_monitor(), n_fed=3, n_drawn=2, n_errors=1, n_unanswered=2),
    ],
    "monitor_ends_after_start": [lambda: change(make.make_monitor(), ended_at=make.NOW.replace(year=2000))],
    "monitortransition_changes_something": [lambda: change(make.make_transition(), to_state="ok")],
    "monitortransition_states_known": [lambda: change(make.make_transition(), to_state="calm")],
    "monitortransition_cause_known": [lambda: change(make.make_transition(), cause="mood")],
    "alert_one_open_per_kind_and_slice": [lambda: copy(make.make_alert())],
    "alert_kind_known": [lambda: change(make.make_alert(), kind="mood")],
    "alert_resolved_after_opened": [lambda: change(make.make_alert(), resolved_at=make.NOW.replace(year=2000))],
}
SENT: dict[str, list[Case]] = {
    "webhook_events_known": [
        lambda: change(make.make_webhook(), events=["review.settled", "moon.rose"]),
        lambda: change(make.make_webhook(), events=[]),
    ],
    "webhook_url_http": [lambda: change(make.make_webhook(), url="ftp://mes.example.com/")],
    "webhook_secret_said": [lambda: change(make.make_webhook(), secret="")],
    "webhook_former_secret_ends": [
        lambda: change(make.make_webhook(), former_secret="whsec_old"),
        lambda: change(make.make_webhook(), former_secret_until=make.NOW),
    ],
    "webhook_held_both_or_neither": [
        lambda: change(make.make_webhook(), held_by=uuid.uuid4()),
        lambda: change(make.make_webhook(), held_until=make.NOW),
    ],
    "webhook_failing_since_iff_failures": [
        lambda: change(make.make_webhook(), n_failures=1),
        lambda: change(make.make_webhook(), failing_since=make.NOW),
    ],
    "event_name_known": [lambda: change(make.make_event(), name="moon.rose")],
    "event_object_said": [lambda: change(make.make_event(), object_id="")],
    "delivery_event_webhook_unique": [lambda: copy(make.make_delivery())],
    "delivery_status_known": [lambda: change(make.make_delivery(), status="lost", finished_at=make.NOW)],
    "delivery_finished_at_iff_over": [
        lambda: change(make.make_delivery(), status="delivered"),
        lambda: change(make.make_delivery(), finished_at=make.NOW),
    ],
    "deliveryattempt_number_unique": [lambda: copy(make.make_attempt())],
}
TABLE = REPORTED | SENT | EVALUATED | DECIDED | LABELLED | TRAINED | REGISTERED
CASES = [pytest.param(name, case, id=f"{name}-{i}") for name, cases in TABLE.items() for i, case in enumerate(cases)]


def test_every_constraint_has_a_case() -> None:
    assert set(TABLE) == constraints_of("models_registry")


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_database_refuses(name: str, case: Case) -> None:
    assert refused_by(case()) == name


def test_what_partial_constraints_leave_free_stays_free() -> None:
    """A closed alert may open again, runs that ended may be many, labels without a key too."""
    alert = make.make_alert(resolved_at=make.NOW)
    copy(alert)()
    run = make.make_run(status="failed")
    make.make_run(dataset=run.dataset, status="cancelled")
    labels: LabelSet = make.make_label_set(labels=(("ok", "OK", ""), ("dent", "Dent", "")))
    assert labels.labels.count() == 2


@pytest.mark.parametrize("row", [make.make_report, make.make_addendum, make.make_decision, make.make_policy_change])
def test_what_was_issued_is_neither_changed_nor_removed(row: Callable[[], Any]) -> None:
    issued = row()
    table, frozen = type(issued)._base_manager.filter(pk=issued.pk), f"{type(issued).__name__.lower()}_frozen"
    assert refused_by(change(issued, id=7)) == frozen
    assert refused_by(lambda: table._raw_delete("default")) == frozen
