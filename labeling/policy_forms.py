"""The policies as forms: plain words, percent and hours where people think in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from models_registry.models import PromotionPolicy, RegisteredModel, RetrainingPolicy
from models_registry.services.policies import Policy, offered_trainers
from models_registry.training.declared import BUILTIN

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    from django.forms import ModelForm

FROM = {"min_new_labels": 1, "min_total_labels": 2, "min_per_class": 1, "rare_class_labels": 1}


class Percent(forms.FloatField):
    """A share between 0 and 1, shown in percent."""

    def __init__(self, label: Any, *, most: float = 100, required: bool = True) -> None:
        super().__init__(label=label, min_value=0, max_value=most, required=required)

    def prepare_value(self, value: Any) -> Any:
        return f"{100 * value:.6g}" if isinstance(value, float) else value

    def clean(self, value: Any) -> Any:
        said = super().clean(value)
        return None if said is None else round(said / 100, 8)


class Hours(forms.FloatField):
    """Whole minutes, shown in hours."""

    def __init__(self, label: Any) -> None:
        super().__init__(label=label, min_value=0, max_value=24 * 365)

    def prepare_value(self, value: Any) -> Any:
        return f"{round(value / 60, 2):g}" if isinstance(value, int) else value  # the minute comes back exactly

    def clean(self, value: Any) -> Any:
        return round(super().clean(value) * 60)


class Plain(forms.FloatField):
    """A number without a point where it has none."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value:.10g}" if isinstance(value, float) else value


class RetrainingForm(ModelForm):
    new_labels_share = Percent(_("and at least, % of what the last run learned from"))
    drift_fall = Percent(_("Fall by the model's own word that counts, points"))
    cooldown_minutes = Hours(_("Hours between two runs"))
    trainer = forms.ChoiceField(label=_("Trainer"))

    class Meta:
        model = RetrainingPolicy
        field_classes = {"search_seconds": Plain}
        labels = {
            "enabled": _("Runs start by themselves"),
            "min_new_labels": _("New labels that ask for a run, at least"),
            "rare_class_labels": _("New labels of one rare defect that ask for a run"),
            "on_alarm": _("An alarm about accuracy asks for a run"),
            "on_drift": _("Drift asks for a run, if the model also believes less of itself"),
            "on_calibration": _("Confidence that is off is fitted anew, without a new model"),
            "schedule": _("Schedule (cron: minute, hour, day, month, weekday)"),
            "schedule_zone": _("Time zone of the schedule"),
            "on_request": _("Systems may ask for a run"),
            "min_total_labels": _("Labels in all, at least"),
            "min_per_class": _("Labels of the rarest class, at least"),
            "min_between": _("New labels since the last successful run, at least"),
            "monthly_budget": _("Runs in 30 days, at most"),
            "min_agreement": _("Agreement of people beyond chance, at least (0 to 1)"),
            "hold_on_bad_images": _("No run while images of one of its cameras are unusual"),
            "balanced": _("Every class counts as equally common (built-in trainer)"),
            "search_seconds": _("Seconds of search for hyper-parameters (built-in trainer)"),
            "hour_price": _("What an hour of training costs"),
        }
        fields = (*labels, "new_labels_share", "drift_fall", "cooldown_minutes")
        help_texts = dict.fromkeys(labels, "")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, low in FROM.items():  # the database has these too, but knows no field to say it at
            self.fields[name].validators.append(MinValueValidator(low))
        model = self.instance.registered_model
        offered, trainer = offered_trainers(model), self.fields["trainer"]
        assert isinstance(trainer, forms.ChoiceField)  # noqa: S101 - as declared above
        trainer.choices = [(name, _("built-in") if name == BUILTIN else name) for name in offered]
        trainer.initial = model.trainer

    @property
    def thresholds(self) -> dict[str, Any]:
        """After `is_valid`: what the policy holds. The trainer is the model's."""
        return {name: value for name, value in self.cleaned_data.items() if name != "trainer"}


class PromotionForm(ModelForm):
    margin = Percent(_("Loss of accuracy that is allowed, points"), most=50)
    class_margin = Percent(_("Rise of escapes of one defect that is allowed, points"))
    source_margin = Percent(_("Loss at one camera that is allowed, points"))
    min_first_accuracy = Percent(_("Accuracy that a first version needs, %"), required=False)
    comparison_budget = Percent(_("Parts that people look at to compare a candidate, %"))

    class Meta:
        model = PromotionPolicy
        labels = {
            "automatic": _("A candidate that passes becomes champion by itself"),
            "require_superiority": _("It must be surely better, not only not worse"),
            "guard_defects": _("No defect may escape more often"),
            "min_items": _("Parts compared, at least"),
            "guard_sources": _("No camera may lose accuracy"),
            "max_latency_ms": _("Milliseconds an image, at most"),
            "max_size_mb": _("Megabytes of its file, at most"),
            "min_live_items": _("Judged parts of the line compared, at least"),
            "rolls_back": _("The former champion comes back when the new one's alarm is critical"),
        }
        fields = (*labels, "margin", "class_margin", "source_margin", "min_first_accuracy", "comparison_budget")
        help_texts = dict.fromkeys(labels, "")


ASKS = (
    "enabled", "min_new_labels", "new_labels_share", "rare_class_labels", "on_alarm", "on_drift", "drift_fall",
    "on_calibration", "schedule", "schedule_zone", "on_request",
)  # fmt: skip
TRAINS = ("trainer", "balanced", "search_seconds", "hour_price")


@dataclass(frozen=True, slots=True)
class Row:
    """A field, and what somebody else has set meanwhile (None: nothing else than what is asked for here)."""

    field: forms.BoundField
    now: Any = None

    @property
    def is_check(self) -> bool:
        return self.field.widget_type == "checkbox"


@dataclass(frozen=True, slots=True)
class Group:
    title: Any
    checks: Sequence[Row]
    thresholds: Sequence[Row]


@dataclass(frozen=True, slots=True)
class PolicyForms:
    """Both policies of a model, as they are or as somebody would have them."""

    retraining: RetrainingForm
    promotion: PromotionForm

    @classmethod
    def of(cls, registered_model: RegisteredModel, said: QueryDict | None = None) -> PolicyForms:
        retraining = RetrainingPolicy.objects.filter(registered_model=registered_model).first()
        promotion = PromotionPolicy.objects.filter(registered_model=registered_model).first()
        return cls(
            RetrainingForm(said, instance=retraining or RetrainingPolicy(registered_model=registered_model)),
            PromotionForm(said, instance=promotion or PromotionPolicy(registered_model=registered_model)),
        )

    def is_valid(self) -> bool:
        return all([self.retraining.is_valid(), self.promotion.is_valid()])

    @property
    def wanted(self) -> dict[type[Policy], dict[str, Any]]:
        """After `is_valid`."""
        return {RetrainingPolicy: self.retraining.thresholds, PromotionPolicy: self.promotion.cleaned_data}

    @property
    def trainer(self) -> str:
        """After `is_valid`."""
        return str(self.retraining.cleaned_data["trainer"])

    def rows(self, stored: PolicyForms | None = None) -> Iterator[Group]:
        """The fields by what they are about, yes and no apart from numbers; ``stored``: each says where it differs."""
        retraining = self._rows(self.retraining, stored.retraining if stored else None)
        promotion = self._rows(self.promotion, stored.promotion if stored else None)
        asks = [row for name in ASKS for row in retraining if row.field.name == name]
        yield _group(_("What asks for a run"), asks)
        yield _group(_("What holds a run back"), [row for row in retraining if row.field.name not in (*ASKS, *TRAINS)])
        yield _group(_("Who trains, and how"), [row for row in retraining if row.field.name in TRAINS])
        yield _group(_("Which candidate may become champion"), promotion)

    def _rows(self, form: ModelForm, stored: ModelForm | None) -> list[Row]:
        return [Row(field, _differs(field, stored[field.name]) if stored else None) for field in form]


def _group(title: Any, rows: Sequence[Row]) -> Group:
    return Group(title, [row for row in rows if row.is_check], [row for row in rows if not row.is_check])


def _differs(asked: forms.BoundField, stored: forms.BoundField) -> Any:
    """What is stored, in words, where it is something else."""
    mine, theirs = asked.field.clean(asked.value()), stored.field.clean(stored.value())
    if mine == theirs:
        return None
    if isinstance(theirs, bool):
        return _("yes") if theirs else _("no")
    return _("nothing") if stored.value() in (None, "") else stored.value()
