"""Forms of the admin refuse, in words, what the rest of the product could not work with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from labeling.keymap import ACTIONS, NAMED
from labeling.models import ReviewPolicy, SamplingDesign
from models_registry.models import Label, LabelMapping, LabelSet, RegisteredModel
from models_registry.services.label_sets import STATION_KEYS
from tests import factories as make
from tests.admin.doors import act, address, form_of, said

pytestmark = pytest.mark.django_db


def save_label_set(root: Client, label_set: LabelSet, change: Callable[[dict[str, Any]], None]) -> Any:
    body = form_of(root, label_set)
    change(body)
    return root.post(address(LabelSet, "change", label_set.pk), body)


def test_a_set_that_nothing_refers_to_can_be_changed_freely(root: Client) -> None:
    label_set = make.make_label_set()
    assert save_label_set(root, label_set, lambda body: body.update({"labels-1-slug": "scrape"})).status_code == 302
    assert label_set.labels.filter(slug="scrape").exists()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"labels-1-slug": "scrape"}, "is in use: predictions or verdicts say it"),
        ({"labels-1-DELETE": "on"}, "no label can be taken out"),
        ({"slug": "renamed"}, "keeps its slug and version"),
    ],
)
@pytest.mark.parametrize("used_by", ["prediction", "verdict", "ground truth", "dataset"])
def test_a_set_in_use_keeps_its_slugs_and_the_form_says_what_to_do(
    change: dict[str, str], refusal: str, used_by: str, root: Client
) -> None:
    model = make.make_model()
    uses: dict[str, Callable[[], object]] = {
        "prediction": lambda: make.make_prediction(version=make.make_version(registered_model=model), label="dent"),
        "verdict": lambda: make.make_verdict(review=make.make_review(registered_model=model), label="dent"),
        "ground truth": lambda: make.make_ground_truth(registered_model=model, label="dent"),
        "dataset": lambda: make.make_dataset(registered_model=model),
    }
    uses[used_by]()
    before = list(Label.objects.values())
    page = save_label_set(root, model.label_set, lambda body: body.update(change)).content.decode()
    assert refusal in page
    assert "Make the next version of the set" in page
    assert list(Label.objects.values()) == before


def test_a_set_in_use_may_get_other_names_and_colours(root: Client) -> None:
    model = make.make_model()
    make.make_dataset(registered_model=model)
    change = {"labels-1-name": "Long scratch", "labels-1-colour": "#3fd2ff"}
    assert save_label_set(root, model.label_set, lambda body: body.update(change)).status_code == 302
    assert model.label_set.labels.get(slug="scratch").name == "Long scratch"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"labels-1-hotkey": "3"}, "Two labels have the key"),
        ({"labels-1-slug": "dent"}, "Two labels are called"),
        ({"labels-1-hotkey": "u"}, "review station uses this key"),
        ({"labels-1-translations": "[1]"}, "Write names by language"),
    ],
)
def test_labels_that_cannot_work_are_explained_by_the_form(change: dict[str, str], refusal: str, root: Client) -> None:
    answer = save_label_set(root, make.make_label_set(), lambda body: body.update(change))
    assert refusal in answer.content.decode()


def test_the_next_version_of_a_set_is_a_copy_with_the_mapping(root: Client) -> None:
    label_set = make.make_label_set()
    child = label_set.labels.get(slug="dent")
    Label.objects.filter(pk=child.pk).update(parent=label_set.labels.get(slug="scratch"))
    assert "was made" in act(root, [label_set], "next_version")[0]
    newer = LabelSet.objects.get(version=2)
    assert newer.replaces == label_set
    assert [label.slug for label in newer.labels.all()] == ["ok", "scratch", "dent"]
    assert newer.labels.get(slug="dent").parent == newer.labels.get(slug="scratch")
    assert LabelMapping.objects.filter(label_set=newer, old_label__label_set=label_set).count() == 3


def test_changing_a_design_that_was_drawn_with_makes_the_next_one(root: Client) -> None:
    model = make.make_model()
    design = model.designs.get()
    make.make_selection(inspection=make.make_inspection(), registered_model=model)
    body = {"budget": "0.1", "audit_share": "0.8", "rules": '{"certainty_labels": ["dent"]}'}
    answer = root.post(address(SamplingDesign, "change", design.pk), body)
    assert answer.status_code == 302
    assert any("Design 2 holds from now on" in message for message in said(answer))
    old, new = SamplingDesign.objects.order_by("number")
    assert (old.pk, old.number, old.budget, old.is_active) == (design.pk, 1, 0.05, False)
    assert (new.number, new.budget, new.is_active) == (2, 0.1, True)
    assert new.secret != old.secret


def test_changing_a_design_that_was_never_drawn_with_changes_it(root: Client) -> None:
    design = make.make_model().designs.get()
    body = {"budget": "0.1", "audit_share": "0.8", "rules": "{}"}
    assert root.post(address(SamplingDesign, "change", design.pk), body).status_code == 302
    assert [(one.pk, one.budget, one.is_active) for one in SamplingDesign.objects.all()] == [(design.pk, 0.1, True)]


def test_saving_a_design_unchanged_changes_nothing(root: Client) -> None:
    model = make.make_model()
    design = model.designs.get()
    make.make_selection(inspection=make.make_inspection(), registered_model=model)
    assert root.post(address(SamplingDesign, "change", design.pk), form_of(root, design)).status_code == 302
    assert model.designs.count() == 1


def test_an_added_design_becomes_the_active_one(root: Client) -> None:
    model = make.make_model()
    body = {"registered_model": model.pk, "kind": "main", "budget": "0.2", "audit_share": "1", "rules": "{}"}
    assert root.post(address(SamplingDesign, "add"), body).status_code == 302
    assert [(one.number, one.is_active) for one in model.designs.order_by("number")] == [(1, False), (2, True)]


def test_a_campaign_is_added_beside_the_main_design_changed_and_ended(root: Client) -> None:
    model = make.make_model()
    body = {"registered_model": model.pk, "kind": "campaign", "name": "dents", "budget": "0.2", "audit_share": "1"}
    body |= {"max_draws": "50", "rules": '{"only": {"labels": ["dent"]}}'}
    assert root.post(address(SamplingDesign, "add"), body).status_code == 302
    campaign = model.designs.get(name="dents")
    assert (campaign.number, campaign.is_active, model.designs.get(number=1).is_active) == (2, True, True)

    make.make_selection(inspection=make.make_inspection(), registered_model=model, design=campaign)
    change = form_of(root, campaign) | {"budget": "0.4"}
    assert root.post(address(SamplingDesign, "change", campaign.pk), change).status_code == 302
    assert [(one.number, one.budget, one.is_active) for one in model.designs.filter(name="dents")] == [
        (3, 0.4, True), (2, 0.2, False),
    ]  # fmt: skip

    assert any("1 campaigns ended" in message for message in act(root, list(model.designs.all()), "end_campaigns"))
    assert model.designs.get(is_active=True).kind == "main"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"name": ""}, "Say what it is for"),
        ({"max_draws": ""}, "Say when it ends"),
        ({"max_draws": "0"}, "From 1 on"),
        ({"until_0": "2020-01-01", "until_1": "00:00"}, "Lies in the past"),
        ({"audit_share": "0.8"}, "1 in a campaign"),
        ({"budget_feedback": "on"}, "A campaign has an end instead"),
        ({"rules": '{"certainty_labels": ["dent"]}'}, "a campaign has no such rule"),
        ({"rules": '{"only": {"confidence_from": 0.9, "confidence_to": 0.1}}'}, "no part would concern it"),
    ],
)
def test_a_campaign_that_cannot_work_is_explained_by_the_form(
    change: dict[str, str], refusal: str, root: Client
) -> None:
    body = {"registered_model": str(make.make_model().pk), "kind": "campaign", "name": "dents", "budget": "0.2"}
    body |= {"audit_share": "1", "max_draws": "50", "rules": "{}"} | change
    assert refusal in root.post(address(SamplingDesign, "add"), body).content.decode()


def test_a_design_says_what_the_models_own_numbers_advise(root: Client) -> None:
    version = make.make_version()
    page = address(SamplingDesign, "change", version.registered_model.designs.get().pk)
    assert "Advised now: 0.8, since no error rate is known yet" in root.get(page).content.decode()

    make.make_evaluation(version=version, n=1000, n_found=30, n_arrived=2000, value=0.97, ci_low=0.96, ci_high=0.98)
    assert "Advised now: 0.5, since 1000 verdicts in its last window at 3 %" in root.get(page).content.decode()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"budget": "0"}, "Above 0"),
        ({"budget": "1.5"}, "Above 0"),
        ({"audit_share": "0.4"}, "From 0.5"),
        ({"rules": "[1]"}, "Rules are an object"),
        ({"rules": '{"certanty_labels": []}'}, "Not known: certanty_labels. Known: certainty_labels,"),
        ({"rules": '{"certainty_below": 2}'}, "certainty_below: expected `float`"),
        ({"rules": '{"certainty_below": true}'}, "certainty_below: expected `float | null`, got `bool`"),
        ({"rules": '{"blocking_labels": "dent"}'}, "blocking_labels: expected `array`, got `str`"),
        ({"rules": '{"blocking_labels": ["crack"]}'}, "Not in the label set: crack"),
        ({"rules": '{"certainty_sources": ["cam-9"]}'}, "No such source: cam-9"),
        ({"rules": '{"certainty_where": [{"reason": "new"}]}'}, "rule 1: say a recipe, a lot_prefix or metadata"),
        ({"rules": '{"certainty_where": [{"recipes": "A"}]}'}, "unknown field `recipes`"),
        ({"rules": '{"only": {"labels": ["dent"]}}'}, "only a campaign has that rule"),
        ({"rules": '{"certainty_where": [{"metadata": {"a": "\\u0000"}}]}'}, "cannot be stored"),
        ({"rules": '{"certainty_where": [{"metadata": {"a": NaN}}]}'}, "not finite"),
        ({"max_draws": "10"}, "Only a campaign has that"),
    ],
)
def test_a_design_that_cannot_work_is_explained_by_the_form(change: dict[str, str], refusal: str, root: Client) -> None:
    design = make.make_model().designs.get()
    body = {"budget": "0.05", "audit_share": "0.8", "rules": "{}"} | change
    assert refusal in root.post(address(SamplingDesign, "change", design.pk), body).content.decode()


def test_a_model_is_made_with_its_policies_and_members_on_one_page(root: Client) -> None:
    model, alice = make.make_model(), make.make_user("alice")
    body = form_of(root, model) | {
        "target_accuracy": "0.96",
        "review_policy-0-votes_needed": "2",
        "memberships-TOTAL_FORMS": "1",
        "memberships-0-user": alice.pk,
        "memberships-0-role": "inspector",
    }
    assert root.post(address(RegisteredModel, "change", model.pk), body).status_code == 302
    model.refresh_from_db()
    assert (model.target_accuracy, model.review_policy.votes_needed) == (0.96, 2)
    assert model.memberships.get().user == alice


def test_a_member_twice_on_one_page_is_explained_by_the_form(root: Client) -> None:
    model, alice = make.make_model(), make.make_user("alice")
    body = form_of(root, model) | {"memberships-TOTAL_FORMS": "2"}
    for number in (0, 1):
        body |= {f"memberships-{number}-user": alice.pk, f"memberships-{number}-role": "inspector"}
    assert b"same role twice" in root.post(address(RegisteredModel, "change", model.pk), body).content


@pytest.mark.parametrize("both", [True, False])
def test_a_membership_is_of_a_model_or_a_site_and_the_form_says_so(both: bool, root: Client) -> None:
    model, site = make.make_model(), make.make_site()
    body = {"user": make.make_user("alice").pk, "role": "inspector"}
    body |= {"registered_model": model.pk, "site": site.pk} if both else {}
    assert b"Choose a model or a site" in root.post("/admin/labeling/membership/add/", body).content


def test_the_keys_that_labels_cannot_have_are_the_stations_own() -> None:
    assert {key for keys in ACTIONS.values() for key in keys} - NAMED == STATION_KEYS


@pytest.mark.parametrize("page", ["policy", "model"])
def test_a_default_of_pass_carries_the_name_of_who_set_it(root: Client, page: str) -> None:
    model = make.make_model()
    row = model.review_policy if page == "policy" else model
    field = "blocking_default" if page == "policy" else "review_policy-0-blocking_default"

    def save(default: str) -> ReviewPolicy:
        answer = root.post(address(type(row), "change", row.pk), form_of(root, row) | {field: default})
        assert answer.status_code == 302
        return ReviewPolicy.objects.get(registered_model=model)

    policy = save("pass")
    assert policy.default_pass_by is not None
    assert (policy.default_pass_by.pk, policy.blocking_default) == (int(root.session["_auth_user_id"]), "pass")
    assert policy.default_pass_at is not None
    assert save("hold").default_pass_by is None
