"""Label sets change by a next version, with the mapping through which what was said with the old one is read."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Model

from models_registry.models import Label, LabelMapping, LabelSet

STATION_KEYS = frozenset("ubzh?+-0")  # the review station's own; a test compares them with the station's list


def is_in_use(label_set: LabelSet) -> bool:
    """True once a dataset, or anything that was said with a label of the set, refers to it.

    Asked of whichever tables point at labels, so that the registry needs not know which they are.
    """
    if label_set.datasets.exists():
        return True
    own: tuple[type[Model], ...] = (Label, LabelMapping)
    said = [relation for relation in Label._meta.related_objects if relation.related_model not in own]
    return any(
        relation.related_model._base_manager.filter(**{f"{relation.field.name}__label_set": label_set}).exists()
        for relation in said
    )


@transaction.atomic
def make_next_set(label_set: LabelSet) -> LabelSet:
    """A copy of a set under the next version, with the mapping through which old verdicts are read."""
    held = list(LabelSet.objects.select_for_update().filter(slug=label_set.slug).order_by("pk"))
    number = 1 + max(one.version for one in LabelSet.objects.filter(slug=held[0].slug))
    newer = LabelSet.objects.create(slug=label_set.slug, version=number, name=label_set.name, replaces=label_set)
    old_labels = list(label_set.labels.all())
    copies = {old.pk: _copy_of(old, newer) for old in old_labels}
    for old in old_labels:
        if old.parent_id in copies:
            Label.objects.filter(pk=copies[old.pk].pk).update(parent=copies[old.parent_id])
        LabelMapping.objects.create(label_set=newer, old_label=old, new_label=copies[old.pk])
    return newer


def _copy_of(label: Label, label_set: LabelSet) -> Label:
    kept = {name: getattr(label, name) for name in (
        "slug", "name", "is_defect", "severity", "disposition", "hotkey", "colour", "position", "translations"
    )}  # fmt: skip
    return Label.objects.create(label_set=label_set, **kept)
