"""How the tests walk through the admin: addresses, actions of a list, and the form as a browser would send it."""

from __future__ import annotations

from typing import Any

from django.contrib.messages import get_messages
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse


def address(model: type[Model], page: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def act(client: Client, rows: list[Model], action: str, **fields: str) -> list[str]:
    """Run an action of a list on ``rows``; what the page then says."""
    client.cookies.pop("messages", None)  # what was said before
    body = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
    answer = client.post(address(type(rows[0]), "changelist"), body)
    assert answer.status_code == 302
    return said(answer)


def said(answer: Any) -> list[str]:
    request: HttpRequest = answer.wsgi_request
    return [message.message for message in get_messages(request)]


def form_of(client: Client, row: Model) -> dict[str, Any]:
    """What a browser would send back if nobody touched the form."""
    context = client.get(address(type(row), "change", row.pk)).context
    forms = [context["adminform"].form]
    for formset in (one.formset for one in context["inline_admin_formsets"]):
        forms += [formset.management_form, *formset.forms]
    sent = {}
    for form in forms:
        for field in form:
            value = field.value()
            sent[field.html_name] = "" if value is None else value
            if field.field.show_hidden_initial:
                sent[field.html_initial_name] = sent[field.html_name]
    return {name: value for name, value in sent.items() if value is not False}
