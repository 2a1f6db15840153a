"""Where every model stands: versions, champion, reviews, accuracy, runs. For people, and with --json for scripts."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from labeling.status import fleet_status, status_payload
from models_registry.models import RegisteredModel


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, **options: Any) -> None:
        models = [
            status_payload(one) for one in fleet_status(RegisteredModel.objects.order_by("slug"), now=timezone.now())
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"models": models}, indent=2))
            return
        for model in models:
            self.stdout.write(_in_words(model))
        if not models:
            self.stdout.write("No model yet. Add one in the admin, or start `make demo`.")


def _in_words(model: dict[str, Any]) -> str:
    accuracy = model["accuracy"]
    measured = "not measurable yet"
    if accuracy["value"] is not None:
        measured = f"{accuracy['value']:.1%} ({accuracy['low']:.1%} to {accuracy['high']:.1%}, n {accuracy['n']})"
    champion = f"v{model['champion']}" if model["champion"] else "none"
    return (
        f"{model['model']}: {model['state']}. {model['why']}\n"
        f"  champion {champion} of {model['versions']} versions, accuracy {measured}\n"
        f"  {model['n_inspections']} inspections, {model['n_reviews_open']} reviews open, "
        f"{model['n_verdicts']} verdicts, {model['n_new_labels']} new labels, "
        f"runs {model['runs'] or 'none'}, {model['promotions']} promotions"
    )
