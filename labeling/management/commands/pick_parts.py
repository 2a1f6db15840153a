"""Start a round of active learning and carry it out here and now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labeling.learning_rounds import carry_out, request_round
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError


class Command(BaseCommand):
    help = "Pick unlabelled parts whose labels teach a model most, and open their reviews."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="the model's slug")
        parser.add_argument("--n", type=int, default=50, help="how many parts (50)")
        parser.add_argument("--random-share", type=float, default=0.2, help="share drawn by chance (0.2)")

    def handle(self, *args: Any, **options: Any) -> None:
        model = RegisteredModel.objects.filter(slug=options["model"]).first()
        if model is None:
            raise CommandError(f"There is no model “{options['model']}”.")
        try:
            asked = request_round(
                registered_model=model, n=options["n"], random_share=options["random_share"], by=None,
                now=timezone.now(),
            )  # fmt: skip
        except ReviewAppError as error:
            raise CommandError(error.message) from error
        carry_out(asked.pk, now=timezone.now())
        asked.refresh_from_db()
        self.stdout.write(f"Round {asked.number}: {asked.get_status_display()}. {asked.detail}.")
