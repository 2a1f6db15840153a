"""One row of every table, tied together as the product would: for tests that walk over all of them."""

from __future__ import annotations

from django.db.models import Model

from labeling.keys import issue_key
from labeling.models import (
    ApiKey,
    Arrival,
    DesignState,
    DispositionRecord,
    IngestBatch,
    Membership,
    PendingDraw,
    Prediction,
    ReviewPolicy,
    RoutingState,
    SamplingDesign,
    Tally,
)
from models_registry.models import (
    Label,
    LabelMapping,
    LabelSet,
    ModelVersion,
    PromotionPolicy,
    RegisteredModel,
    RetrainingPolicy,
)
from tests.factories.at_stations import (
    make_badge,
    make_device,
    make_figures,
    make_note,
    make_pause,
    make_pin,
    make_switch,
)
from tests.factories.base import NOW, next_number
from tests.factories.canaries import make_canary, make_canary_lot
from tests.factories.comparing import make_shadow_design, make_shadow_draw
from tests.factories.costs import make_costs
from tests.factories.desks import make_golden, make_key_map
from tests.factories.inspections import (
    make_deployment,
    make_fetch,
    make_file_to_delete,
    make_ground_truth,
    make_import,
    make_inspection,
    make_item,
    make_prediction,
    make_review,
    make_selection,
    make_shadow,
    make_source,
    make_verdict,
)
from tests.factories.learning_rounds import make_pick
from tests.factories.monitors import make_limit, make_monitor, make_transition
from tests.factories.outcomes import make_declared, make_outcome
from tests.factories.people import make_member, make_qualification, make_user
from tests.factories.policies import make_decision, make_hourly, make_policy_change, make_request, make_standing
from tests.factories.quality import make_quality, make_reference
from tests.factories.regions import make_region_match
from tests.factories.registry import (
    make_alert,
    make_alias,
    make_label_set,
    make_model,
    make_name_change,
    make_push,
    make_tag,
    make_version,
)
from tests.factories.reports import make_addendum, make_audit, make_report
from tests.factories.second_looks import make_challenge, make_reveal
from tests.factories.training import (
    make_card_text,
    make_comparison,
    make_dataset,
    make_evaluation,
    make_image_features,
    make_promotion,
    make_remote,
    make_run,
    make_steps,
)
from tests.factories.webhooks import make_attempt, make_delivery, make_event, make_webhook


def make_one_of_each() -> dict[type[Model], Model]:
    """By class. Each call makes rows of its own; the cast (alice, lena) is shared."""
    model = make_model()
    rows = [model, model.label_set, model.label_set.labels.get(slug="scratch")]
    rows += [ReviewPolicy.objects.get(registered_model=model), SamplingDesign.objects.get(registered_model=model)]
    rows += [RetrainingPolicy.objects.get(registered_model=model), PromotionPolicy.objects.get(registered_model=model)]
    rows += [make_costs(registered_model=model), *_of_webhooks(model), *_of_reports(model)]
    rows += [*_of_training(model), *_of_a_part(model), *_of_people(model), *_at_a_station(), _mapping(model.label_set)]
    return {type(row): row for row in rows}


def _of_training(model: RegisteredModel) -> list[Model]:
    champion = make_version(registered_model=model)
    run = make_run(dataset=make_dataset(registered_model=model), status="succeeded")
    candidate = make_version(registered_model=model, training_run=run, origin="trained")
    comparison = make_comparison(candidate=candidate, champion=champion)
    monitor, canary = make_monitor(version=champion), make_canary(candidate=candidate, champion=champion)
    design = make_shadow_design(candidate=candidate, champion=champion)
    return [
        canary, make_canary_lot(canary=canary), design, make_shadow_draw(design=design), make_remote(run=run),
        run.dataset, run, make_steps(run=run)[0], make_evaluation(version=champion), comparison,
        make_promotion(version=champion), make_alert(registered_model=model), candidate,
        make_alias(version=candidate), make_tag(version=candidate), make_name_change(version=candidate),
        make_push(version=candidate),
        make_card_text(version=candidate, written_by=make_user()),
        RoutingState.objects.create(model_version=champion, mean_uncertainty=0.2),
        make_image_features(), make_limit(registered_model=model), monitor, make_transition(monitor=monitor),
        DesignState.objects.create(design=model.designs.get(is_active=True), n_sampled=100, n_drawn=5),
        make_decision(registered_model=model), make_standing(registered_model=model),
        make_request(registered_model=model), make_policy_change(registered_model=model),
        make_hourly(registered_model=model),
    ]  # fmt: skip


def _of_a_part(model: RegisteredModel) -> list[Model]:
    source, champion = make_source(), model.versions.get(stage="champion")
    inspection = make_inspection(station=source.station)
    prediction = make_prediction(version=champion, inspection=inspection)
    declared = make_declared(registered_model=model, station=source.station)
    review = make_review(prediction=prediction)
    told = DispositionRecord.objects.create(
        inspection=inspection, prediction=prediction, disposition="reject", created_at=NOW
    )
    return [
        source, source.station, source.station.site, inspection, make_item(inspection=inspection, source=source),
        make_fetch(), make_file_to_delete(), make_quality(), make_reference(), *_of_learning(),
        prediction, told, review, make_selection(inspection=inspection, registered_model=model),
        *_of_rollups(champion, prediction), make_region_match(prediction=prediction),
        make_shadow(prediction=prediction), make_verdict(review=review),
        make_reveal(review=review), make_challenge(),
        make_ground_truth(registered_model=model, inspection=inspection),
        make_deployment(station=source.station, version=champion), make_import(registered_model=model, source=source),
        make_outcome(registered_model=model, inspection=inspection), declared, declared.parts.get(),
    ]  # fmt: skip


def _of_learning() -> list[Model]:
    pick = make_pick()
    return [pick, pick.round]


def _of_rollups(version: ModelVersion, prediction: Prediction) -> list[Model]:
    """Made by the database while the rows above were; the queue by hand."""
    waiting = PendingDraw.objects.create(
        model_version=version, prediction=prediction, n_before=0, pi=0.5, floor_pi=0.02
    )
    return [Tally.objects.earliest("pk"), Arrival.objects.earliest("pk"), waiting]


def _of_reports(model: RegisteredModel) -> list[Model]:
    report = make_report(version=make_version(registered_model=model, stage="retired"))
    return [report, make_addendum(report=report), make_audit(registered_model=model)]


def _of_webhooks(model: RegisteredModel) -> list[Model]:
    event, webhook = make_event(registered_model=model), make_webhook(registered_model=model)
    delivery = make_delivery(event=event, webhook=webhook)
    return [event, webhook, delivery, make_attempt(delivery=delivery)]


def _of_people(model: RegisteredModel) -> list[Model]:
    user = make_member("inspector", registered_model=model)
    membership = Membership.objects.get(user=user, registered_model=model)
    key: ApiKey = issue_key(user=user, name="line 3", now=NOW)[0]
    batch = IngestBatch.objects.create(submitted_by=user, key=f"batch-{next_number()}", started_at=NOW)
    keys = make_key_map(user=make_user(f"keys-{next_number()}"))
    learnt = make_qualification(registered_model=model)
    return [membership, key, batch, keys, make_golden(registered_model=model), learnt]


def _at_a_station() -> list[Model]:
    device = make_device()
    return [
        device, make_badge(), make_pin(), make_switch(device=device), make_pause(), make_note(station=device.station),
        make_figures(),
    ]  # fmt: skip


def _mapping(old: LabelSet) -> LabelMapping:
    newer = make_label_set(slug=old.slug, version=old.version + 1, replaces=old)
    labels = {label.label_set_id: label for label in Label.objects.filter(label_set__in=[old, newer], slug="dent")}
    return LabelMapping.objects.create(label_set=newer, old_label=labels[old.pk], new_label=labels[newer.pk])
