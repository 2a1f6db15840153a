"""Take a version of MLflow's registry in as external, by reference: `manage.py pull_mlflow surface steel @champion`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from models_registry.mlflow import open_mlflow
from models_registry.models import RegisteredModel
from models_registry.services.mlflow_link import pull
from reviewapp.errors import ReviewAppError

SECONDS = 30.0


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="the slug of the model here")
        parser.add_argument("name", help="the registered model in MLflow")
        parser.add_argument("version", help="its version number, or an alias as @alias")

    def handle(self, **options: Any) -> None:
        if not settings.MLFLOW_URL:
            raise CommandError("REVIEWAPP_MLFLOW_URL is not set.")
        model = RegisteredModel.objects.filter(slug=options["model"]).first()
        if model is None:
            raise CommandError(f"There is no model {options['model']}.")
        try:
            with open_mlflow(settings.MLFLOW_URL, token=settings.MLFLOW_TOKEN, seconds=SECONDS) as client:
                version, is_new = pull(
                    registered_model=model, name=options["name"], wanted=options["version"], client=client,
                    now=timezone.now(),
                )  # fmt: skip
        except ReviewAppError as error:
            raise CommandError(error.message) from error
        what = "Registered" if is_new else "Known"
        self.stdout.write(f"{what} as {version.short_name}, “{version.external_name}”: predictions name it so.")
