"""A label set as wanted. What changes the meaning of a set that is in use makes its next version."""

from __future__ import annotations

from typing import Any

from labeling.configuration.documents import LabelOf, LabelSetDocument
from labeling.configuration.rows import Refused, Rows
from models_registry.models import Label, LabelMapping, LabelSet
from models_registry.services.label_sets import STATION_KEYS, is_in_use, make_next_set

MEANING = ("parent", "is_defect", "severity", "disposition")  # what was said before meant something else then


def change_labels(wanted: LabelSetDocument, rows: Rows) -> None:
    """The labels of the file, in its order, are the labels of the newest version of the set."""
    _refuse_twins(wanted)
    name = f"label set {wanted.slug}"
    newest = LabelSet.objects.select_for_update().filter(slug=wanted.slug).order_by("-version").first()
    if newest is not None and _changes_meaning(newest, wanted) and is_in_use(newest):
        old, newest = newest, make_next_set(newest)
        rows.note(name, {"version": (old.version, newest.version)}, ())
    key = {"slug": wanted.slug, "version": newest.version if newest else 1}
    label_set = rows.settle(LabelSet, name, key, wanted.said("slug", "labels"))
    _take_out(label_set, wanted, rows)
    _free_keys(label_set, wanted)
    for position, one in enumerate(wanted.labels):
        _label(label_set, one, position, rows)
    for position, one in enumerate(wanted.labels):
        _parent(label_set, one, position, rows)


def _refuse_twins(wanted: LabelSetDocument) -> None:
    slugs = [one.slug for one in wanted.labels]
    keys = [one.hotkey for one in wanted.labels if isinstance(one.hotkey, str) and one.hotkey]
    problems: list[tuple[tuple[str | int, ...], str]] = []
    for n, one in enumerate(wanted.labels):
        if slugs.index(one.slug) != n:
            problems.append((("labels", n, "slug"), f"Two labels are called “{one.slug}”."))
        if isinstance(one.hotkey, str) and one.hotkey and keys.count(one.hotkey) > 1:
            problems.append((("labels", n, "hotkey"), f"Two labels have the key “{one.hotkey}”."))
        if isinstance(one.hotkey, str) and one.hotkey.lower() in STATION_KEYS and one.hotkey:
            problems.append((("labels", n, "hotkey"), "The review station uses this key itself."))
        if isinstance(one.parent, str) and one.parent not in slugs:
            problems.append((("labels", n, "parent"), f"“{one.parent}” is not in the set."))
    if problems:
        raise Refused(problems=problems)


def _changes_meaning(label_set: LabelSet, wanted: LabelSetDocument) -> bool:
    known = {label.slug: label for label in label_set.labels.select_related("parent")}
    if set(known) != {one.slug for one in wanted.labels}:
        return True
    return any(
        _present(known[one.slug], name) != value
        for one in wanted.labels
        for name, value in one.said().items()
        if name in MEANING
    )


def _present(label: Label, name: str) -> Any:
    return (label.parent.slug if label.parent else None) if name == "parent" else getattr(label, name)


def _take_out(label_set: LabelSet, wanted: LabelSetDocument, rows: Rows) -> None:
    """Labels that the file does not name leave; one that has a new name keeps what was said with it."""
    slugs = {one.slug for one in wanted.labels}
    renamed = {one.was: one for one in wanted.labels if one.was and one.was not in slugs}
    for label in label_set.labels.exclude(slug__in=slugs):
        new = renamed.get(label.slug)
        if new is not None and not label_set.labels.filter(slug=new.slug).exists():
            Label.objects.filter(pk=label.pk).update(slug=new.slug)
            rows.note(f"label {new.slug} of {label_set.slug}", {"slug": (label.slug, new.slug)}, ("labels",))
            continue
        label_set.labels.filter(parent=label).update(parent=None)
        LabelMapping.objects.filter(label_set=label_set, new_label=label).update(new_label=None)
        label.delete()
        rows.note(f"label {label.slug} of {label_set.slug}", {"in the set": (True, False)}, ("labels",))


def _free_keys(label_set: LabelSet, wanted: LabelSetDocument) -> None:
    """A key that goes from one label to another is taken off the first: keys are unique."""
    for one in wanted.labels:
        if isinstance(one.hotkey, str) and one.hotkey:
            label_set.labels.filter(hotkey=one.hotkey).exclude(slug=one.slug).update(hotkey="")


def _label(label_set: LabelSet, one: LabelOf, position: int, rows: Rows) -> None:
    fields = {"position": position, **one.said("slug", "was", "parent")}
    key = {"label_set": label_set, "slug": one.slug}
    rows.settle(Label, f"label {one.slug} of {label_set.slug}", key, fields, ("labels", position))


def _parent(label_set: LabelSet, one: LabelOf, position: int, rows: Rows) -> None:
    if "parent" in one.said():
        parent = label_set.labels.get(slug=one.parent) if one.parent else None
        key = {"label_set": label_set, "slug": one.slug}
        rows.settle(
            Label, f"label {one.slug} of {label_set.slug}", key, {"parent": parent}, ("labels", position, "parent")
        )
