"""Imports labels (and predictions) that were given elsewhere into a model (docs/exchange.md).

A second run finds everything known; what a killed run has stored stays, and the next run does the rest.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labeling.exchange import jobs
from labeling.exchange.places import import_camera, new_model
from labeling.management.progress import Progress
from labeling.models import Import
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="slug of the model")
        parser.add_argument("path", type=Path, help="folder, zip archive or annotation file")
        parser.add_argument("--format", required=True, choices=list(jobs.READERS))
        parser.add_argument("--source", default="", help="camera that the parts are said to come from")
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")
        parser.add_argument("--create-model", metavar="NAME", help="make the model when there is none")
        parser.add_argument("--create-labels", action="store_true", help="for a model that has no data yet")
        parser.add_argument("--ok-label", default="", help="what an image without a mark is")

    def handle(self, **options: Any) -> None:
        path = options["path"].resolve()
        try:
            registered_model = self._model(options["model"], options["create_model"])
            wanted = jobs.Wanted(
                format=options["format"], file_name=path.name, path=str(path), dry_run=options["dry_run"],
                create_labels=options["create_labels"], ok_label=options["ok_label"],
            )  # fmt: skip
            job = jobs.request_import(
                registered_model=registered_model, camera=import_camera(registered_model, options["source"]),
                wanted=wanted, requested_by=None, now=timezone.now(),
            )  # fmt: skip
        except ReviewAppError as error:
            raise CommandError(error.message) from error
        self._run(job)

    def _model(self, slug: str, name: str | None) -> RegisteredModel:
        found = RegisteredModel.objects.filter(slug=slug).first()
        if found is None and name is None:
            raise CommandError(f"There is no model “{slug}”. Make it in the admin, or with --create-model NAME.")
        return found or new_model(slug=slug, name=name or slug)

    def _run(self, job: Import) -> None:
        progress = Progress(self.stderr, "Importing", total=None)
        mine = jobs.claim(job.pk, now=timezone.now(), lost_after=timedelta(0))
        if mine is None:
            raise CommandError("A worker has taken the import over; the admin shows how it goes.")
        jobs.work(mine, clock=timezone.now, tell=lambda one: progress.tell(one.n_done, total=one.n_total))
        mine.refresh_from_db()
        progress.tell(mine.n_done, last=True)
        for one in jobs.listed(mine)[:20]:
            row = "" if one["row"] is None else f", row {one['row']}"
            self.stderr.write(f"{one['kind']}: {one['file']}{row}, {one['field']} {one['message']}")
        if mine.status != Import.Status.DONE:
            raise CommandError(mine.outcome)
        self.stdout.write(mine.outcome)
