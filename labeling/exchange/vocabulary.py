"""The labels and versions that an import may name: all unknown ones are told at once, with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Max

from labeling.exchange.errors import LabelsUnknown
from labeling.exchange.labels import is_good
from labeling.exchange.parts import ImportedPart
from labeling.models import GroundTruth, Prediction, Review
from models_registry.models import Label, ModelVersion, RegisteredModel
from models_registry.models.labels import Disposition
from models_registry.services.versions import create_version

MAX_NAMES = 1000


@dataclass
class Survey:
    """What a first look found: how many parts, which labels, and whether some parts are good without saying so."""

    n: int = 0
    names: Counter[str] = field(default_factory=Counter)
    n_unmarked: int = 0

    def see(self, part: ImportedPart) -> None:
        self.n += 1
        self.n_unmarked += part.is_judged and not (part.labels or part.regions or part.is_bad_image)
        for name in part.names():
            if name in self.names or len(self.names) < MAX_NAMES:
                self.names[name] += 1


@dataclass
class Vocabulary:
    """A model's labels, by slug, and its versions, by the names that files use."""

    registered_model: RegisteredModel
    labels: dict[str, Label]
    ok: Label | None
    invents: bool = False  # a dry run that would create labels speaks of them without writing any
    versions: dict[str, ModelVersion] = field(default_factory=dict)

    @classmethod
    def of(cls, registered_model: RegisteredModel, ok_label: str, *, invents: bool = False) -> Vocabulary:
        labels = {label.slug: label for label in registered_model.label_set.labels.all()}
        good = [label for label in labels.values() if not label.is_defect]
        ok = labels.get(ok_label) if ok_label else good[0] if len(good) == 1 else None
        versions = list(ModelVersion.objects.filter(registered_model=registered_model))
        by_name = {key: one for one in versions for key in (str(one.number), one.short_name)}
        by_name |= {one.external_name: one for one in versions if one.external_name}
        return cls(registered_model, labels, ok, invents, by_name)

    def gravest(self, names: Iterable[str]) -> Label | None:
        """The label that speaks for the part: a defect before a good part, then the severity, then the set's order."""
        found = [self.label(name) for name in names]
        return max(found, key=lambda one: (one.is_defect, one.severity, -one.position, one.slug), default=None)

    def label(self, name: str) -> Label:
        """The label of this name. The survey has seen to it that there is one."""
        if name not in self.labels and self.invents:
            self.labels[name] = new_label(name, position=len(self.labels))
        return self.labels[name]

    def good(self) -> Label:
        """What a part without a mark is."""
        if self.ok is None:
            self.ok = next((one for one in self.labels.values() if not one.is_defect), None) or self.label("ok")
        return self.ok

    def key(self, version: str) -> str:
        """The same for every name of a version."""
        return f"#{self.versions[version].pk}" if version in self.versions else version

    def version(self, name: str) -> ModelVersion:
        """The version of this name (or number); one that is new was trained elsewhere and decides nothing here."""
        if name not in self.versions:
            self.versions[name] = create_version(
                registered_model=self.registered_model, origin=ModelVersion.Origin.EXTERNAL, external_name=name,
                stage=ModelVersion.Stage.OBSERVED, score_kind=ModelVersion.ScoreKind.INDEPENDENT,
            )  # fmt: skip
        return self.versions[name]


def settle_labels(survey: Survey, vocabulary: Vocabulary, *, create: bool, ok_label: str) -> None:
    """See to it that every name has a label. Inside a transaction.

    :raises LabelsUnknown: names all that are missing; codes ``unknown_labels``, ``ok_label_missing``,
        ``label_set_in_use``.
    """
    missing = sorted(set(survey.names) - set(vocabulary.labels), key=lambda name: (not is_good(name), name))
    needs_ok = bool(survey.n_unmarked) and vocabulary.ok is None
    if needs_ok and not any(is_good(name) for name in missing) and create:
        missing.insert(0, ok_label or "ok")
    if missing and create:
        _refuse_change_of_a_set_in_use(vocabulary.registered_model, missing)
        if not vocabulary.invents:
            _create(vocabulary, missing)
        return
    if missing:
        raise _unknown(survey, vocabulary, missing)
    if needs_ok:
        raise LabelsUnknown(
            f"{survey.n_unmarked} parts have no mark, so they are good, but which label says so? Name it: ok_label "
            f"(one of {', '.join(vocabulary.labels)}).", code="ok_label_missing", fields={"ok_label": "Required."},
        )  # fmt: skip


def _unknown(survey: Survey, vocabulary: Vocabulary, missing: list[str]) -> LabelsUnknown:
    named = ", ".join(f"“{name}” ({survey.names[name]} times)" for name in missing[:50])
    more = f" and {len(missing) - 50} more" if len(missing) > 50 else ""
    return LabelsUnknown(
        f"These labels are not in the label set of {vocabulary.registered_model}: {named}{more}. It has "
        f"{', '.join(vocabulary.labels) or 'none'}. Rename them in the file, add them to a new version of the label "
        "set in the admin, or, for a model that has no data yet, import with create_labels.",
        fields=dict.fromkeys(missing[:50], "Not in the label set."),
    )


def _refuse_change_of_a_set_in_use(registered_model: RegisteredModel, missing: list[str]) -> None:
    """A label set that something was said with never changes: its next version does."""
    mine = {"registered_model": registered_model}
    in_use = (
        GroundTruth.objects.filter(**mine).exists()
        or Review.objects.filter(**mine).exists()
        or Prediction.objects.filter(model_version__registered_model=registered_model).exists()
        or registered_model.datasets.exists()
        or RegisteredModel.objects.filter(label_set=registered_model.label_set_id)
        .exclude(pk=registered_model.pk)
        .exists()
    )
    if in_use:
        raise LabelsUnknown(
            f"{registered_model} has data already, or shares its label set, so create_labels is not for it. Missing: "
            f"{', '.join(missing[:50])}. Add them to a new version of the label set in the admin.",
            code="label_set_in_use", fields=dict.fromkeys(missing[:50], "Not in the label set."),
        )  # fmt: skip


def _create(vocabulary: Vocabulary, names: list[str]) -> None:
    label_set = vocabulary.registered_model.label_set
    last = label_set.labels.aggregate(Max("position"))["position__max"]
    taken = set(label_set.labels.values_list("hotkey", flat=True))
    free = [key for key in "123456789" if key not in taken] + [""] * len(names)
    for position, (name, hotkey) in enumerate(zip(names, free, strict=False), start=0 if last is None else last + 1):
        label = new_label(name, position=position)
        label.label_set, label.hotkey = label_set, hotkey
        label.save()
        vocabulary.labels[name] = label


def new_label(name: str, *, position: int) -> Label:
    """A label that a file names: good by its name, else a defect."""
    good = is_good(name)
    return Label(
        slug=name, name=name, is_defect=not good, severity=0 if good else 1, position=position,
        disposition=Disposition.PASS if good else Disposition.REJECT,
    )  # fmt: skip
