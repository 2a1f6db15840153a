"""Limits of escapes in the admin panel."""

from __future__ import annotations

from django.test import Client

import tests.factories as make
from models_registry.models import EscapeLimit
from tests.admin.doors import address


def test_a_limit_is_set_for_a_defect_class_and_refused_for_any_other(root: Client) -> None:
    body = {"registered_model": make.make_model().pk, "max_rate": "0.0001"}
    refused = root.post(address(EscapeLimit, "add"), body | {"label": "ok"})
    assert "“ok” is no defect class of the label set." in refused.content.decode()
    assert root.post(address(EscapeLimit, "add"), body | {"label": "dent", "max_rate": "1"}).status_code == 200
    assert not EscapeLimit.objects.exists()

    assert root.post(address(EscapeLimit, "add"), body | {"label": "dent"}).status_code == 302
    assert root.post(address(EscapeLimit, "add"), body | {"label": ""}).status_code == 302
    assert dict(EscapeLimit.objects.values_list("label", "max_rate")) == {"dent": 0.0001, "": 0.0001}
