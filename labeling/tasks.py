"""Shells around the loop: what beat calls."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from labeling import feedback
from models_registry.models import RegisteredModel
from models_registry.tasks import nudge_trainer

logger = logging.getLogger(__name__)


@shared_task(name="labeling.close_the_loop")
def close_the_loop() -> None:
    """Measure every model, decide, and start what is due. One model's trouble does not stop the others."""
    for registered_model in RegisteredModel.objects.filter(is_active=True).select_related("label_set"):
        try:
            step = feedback.close_the_loop(registered_model=registered_model, now=timezone.now())
        except Exception:
            logger.exception("the loop of %s failed", registered_model.slug)
            continue
        if step.run is not None:
            nudge_trainer(step.run.pk)
