"""Register a version from an ONNX file: `manage.py register_onnx surface model.onnx --name resnet-3`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from models_registry.models import RegisteredModel
from models_registry.services.registering import MOST_BYTES, register_file
from models_registry.tasks import nudge_recompare
from reviewapp.errors import ReviewAppError


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="the slug of the model")
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", default="", help="what the sending system calls it")

    def handle(self, **options: Any) -> None:
        model = RegisteredModel.objects.filter(slug=options["model"]).first()
        if model is None:
            raise CommandError(f"There is no model {options['model']}.")
        try:
            with options["file"].open("rb") as file:
                content = file.read(MOST_BYTES + 1)
            version, is_new = register_file(registered_model=model, content=content, name=options["name"], by=None)
        except (ReviewAppError, OSError) as error:
            raise CommandError(str(error)) from error
        if is_new:
            nudge_recompare(version.pk)
        self.stdout.write(f"{'Registered as' if is_new else 'Known as'} {version.short_name}.")
