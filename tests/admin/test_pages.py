"""Every page of the admin opens for who may see it, history stays history, lists stay fast."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from models_registry.admin.base import ReadOnly
from models_registry.models import LabelSet
from tests import factories as make
from tests.admin.doors import address
from tests.factories.everything import make_one_of_each

pytestmark = pytest.mark.django_db

OURS = [model for app in ("models_registry", "labeling") for model in apps.get_app_config(app).get_models()]
HISTORY = [model for model in OURS if isinstance(admin.site._registry.get(model), ReadOnly)]
MUST_BE_HISTORY = {
    "Verdict", "GroundTruth", "Selection", "Evaluation", "Comparison", "Promotion", "Prediction", "DispositionRecord",
    "Dataset", "TrainingRun", "TrainingStep", "Inspection", "Item", "Deployment", "RoutingState", "Review", "Import",
    "Delivery", "DeliveryAttempt", "Event", "Outcome", "DeclaredPart", "Report", "ReportAddendum", "Audit",
    "Switch", "Pause", "HandoverNote",
}  # fmt: skip

Rows = dict[type[Model], Model]


@pytest.fixture(scope="module")
def rows(standing: None, django_db_blocker: Any) -> Rows:
    """A row of every table, which stands in each test of this file."""
    with django_db_blocker.unblock():
        return make_one_of_each()


def named(models: list[type[Model]]) -> dict[str, Any]:
    return {"argvalues": models, "ids": [model.__name__ for model in models]}


def test_every_table_has_a_page() -> None:
    assert [model.__name__ for model in OURS if model not in admin.site._registry] == []


def test_what_is_history_is_declared_so() -> None:
    assert {model.__name__ for model in HISTORY} >= MUST_BE_HISTORY


def test_the_factories_make_a_row_of_every_table(rows: Rows) -> None:
    assert set(rows) == set(OURS)


@pytest.mark.parametrize("model", **named(OURS))
def test_every_page_opens_for_a_superuser(model: type[Model], root: Client, rows: Rows) -> None:
    row, registered = rows[model], admin.site._registry[model]
    pages = [address(model, "changelist"), address(model, "change", row.pk), address(model, "history", row.pk)]
    if registered.has_add_permission(root.get("/admin/").wsgi_request):
        pages.append(address(model, "add"))
    if registered.search_fields:
        pages.append(address(model, "changelist") + "?q=scratch")
    assert {page: root.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)


@pytest.mark.parametrize("model", **named(HISTORY))
def test_history_refuses_every_write_even_of_a_superuser(model: type[Model], root: Client, rows: Rows) -> None:
    row = rows[model]
    before = model._base_manager.filter(pk=row.pk).values().get()
    pages = [address(model, "add"), address(model, "change", row.pk), address(model, "delete", row.pk)]
    assert [root.post(page, {"post": "yes"}).status_code for page in pages] == [403, 403, 403]
    act_on_list = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    root.post(address(model, "changelist"), act_on_list)
    assert model._base_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("model", **named(OURS))
def test_staff_without_permissions_are_refused(model: type[Model], client: Client, rows: Rows) -> None:
    row = rows[model]
    client.force_login(make.make_user("charlie", is_staff=True))
    pages = [address(model, "changelist"), address(model, "change", row.pk), address(model, "add")]
    assert [client.get(page).status_code for page in pages] == [403, 403, 403]


def test_people_who_are_not_staff_are_sent_to_the_login(client: Client) -> None:
    client.force_login(make.make_member("lead"))
    answer = client.get("/admin/")
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))


def test_the_sidebar_lists_only_what_a_person_may_see(client: Client, root: Client) -> None:
    assert str(address(LabelSet, "changelist")) in root.get("/admin/").content.decode()
    client.force_login(make.make_user("charlie", is_staff=True))
    page = client.get("/admin/").content.decode()
    assert not re.search(r"/admin/(labeling|models_registry|auth)/", page)


def test_a_list_takes_no_more_queries_for_more_rows(root: Client, rows: Rows) -> None:
    def queries() -> dict[str, int]:
        counts = {}
        for model in OURS:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert root.get(address(model, "changelist")).status_code == 200
            counts[model.__name__] = len(captured)
        return counts

    queries()  # fills the caches of content types
    with_few = queries()
    for _ in range(4):
        make_one_of_each()
    assert queries() == with_few
