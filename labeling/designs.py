"""Designs of the draw. One that was drawn with is never changed: a change makes the next design."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from labeling.models import SamplingDesign, Selection
from labeling.models.sampling import new_secret
from models_registry.models import RegisteredModel


@transaction.atomic
def save_design(design: SamplingDesign) -> None:
    """Save a new or a changed design and make it the model's active one.

    A stored design that inspections were drawn with stays as it is, and ``design`` becomes the next one.
    """
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=design.registered_model_id)
    designs = SamplingDesign.objects.select_for_update().filter(registered_model=design.registered_model_id)
    list(designs)  # held, so that no draw refers to this one between the question and the answer
    if design.pk is None or Selection.objects.filter(design=design.pk).exists():
        design.pk, design.secret = None, new_secret()
        design.number = (designs.aggregate(Max("number"))["number__max"] or 0) + 1
        design._state.adding = True
    SamplingDesign.objects.filter(registered_model=design.registered_model_id, is_active=True).update(is_active=False)
    design.is_active = True
    design.save()
