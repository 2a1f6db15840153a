"""Label sets change by a next version, with the mapping through which what was said with the old one is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Model

from models_registry.models import Label, LabelMapping, LabelSet

# the review station's own; a test compares them with the station's list
STATION_KEYS = frozenset("xubznschgfrmv+=-\N{MINUS SIGN}0[]{}ip?")
Reading = Mapping[int, str | None]
"""Slugs by the key of a label, of a set and of those before it. None: the label has no counterpart any more. A label
that no mapping names is not in it.
"""


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


def readings_of(label_sets: Collection[int]) -> dict[int, Reading]:
    """How labels are read through each of these sets, by its key. As many queries for many sets as for one."""
    replaces: dict[int, int | None] = dict(LabelSet.objects.values_list("pk", "replaces"))
    own: defaultdict[int, dict[int, str | None]] = defaultdict(dict)
    for owner, label, slug in Label.objects.filter(label_set__in=label_sets).values_list("label_set", "pk", "slug"):
        own[owner][label] = slug
    mapped: defaultdict[int, list[tuple[int, int | None]]] = defaultdict(list)
    for through, old, new in LabelMapping.objects.values_list("label_set", "old_label", "new_label"):
        mapped[through].append((old, new))
    for label_set in label_sets:
        found, seen = own[label_set], set[int]()
        newer: int | None = label_set
        while newer is not None and newer not in seen:
            seen.add(newer)
            for old_label, today in mapped[newer]:
                found.setdefault(old_label, None if today is None else found.get(today))
            newer = replaces.get(newer)
    return dict(own)


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
