"""A person's own keys at the station: one row a person, whichever model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from labeling.keymap import NAMES, OF_A_LABEL, LabelKey, Refusal, cap, why_refused
from labeling.models import KeyMap
from models_registry.models import Label, RegisteredModel
from reviewapp.errors import Conflict

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_KEYS = 500


def label_keys(labels: Iterable[Label]) -> list[LabelKey]:
    return [LabelKey(label.slug, label.display_name, label.hotkey) for label in labels]


def own_keys(user: User) -> dict[str, str]:
    row = KeyMap.objects.filter(user=user).first()
    return dict(row.keys) if row else {}


def change_keys(*, user: User, registered_model: RegisteredModel, keys: Mapping[str, str], now: datetime) -> None:
    """Replace a person's keys; those of labels that this model does not have stay as they are.

    :raises Conflict: code ``key_taken``; `fields` says of each action which other one has its key.
    """
    labels = label_keys(registered_model.label_set.labels.all())
    wrong = {name: _in_words(refusal, labels) for name, refusal in why_refused(labels, keys).items()}
    if wrong:
        raise Conflict(" ".join(wrong.values()), code="key_taken", fields=wrong)
    here = {label.action for label in labels}
    elsewhere = {k: v for k, v in own_keys(user).items() if k.startswith(OF_A_LABEL) and k not in here}
    kept = dict(list({**elsewhere, **keys}.items())[-MOST_KEYS:])
    KeyMap.objects.update_or_create(user=user, defaults={"keys": kept, "updated_at": now})


def _in_words(refusal: Refusal, labels: Iterable[LabelKey]) -> str:
    if refusal.cause == "unknown":
        return _("There is no such action here.")
    if refusal.cause == "no_key":
        return _("A key is one sign that is typed, in small letters, or Enter, Backspace, Delete, Home or End.")
    names = {**NAMES, **{label.action: label.name for label in labels}}
    return _("%(key)s is the key of “%(name)s”.") % {"key": cap(refusal.key), "name": names[refusal.holder]}
