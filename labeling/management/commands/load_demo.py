"""Makes the demo: images, a plant, a model, people, the first labels and the first version.

A second call does nothing; a call after a broken-off one goes on where that one stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labeling.demo import first_labels, surfaces
from labeling.demo.setup import create_demo
from labeling.demo.state import is_loaded
from labeling.demo.stream import DemoStream
from labeling.management.simulating import ACCESS

N_IMAGES = 2400


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data", default="", help="a folder in class/file.jpg layout instead of generated surfaces"
        )
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, **options: Any) -> None:
        if is_loaded():
            self.stdout.write("The demo is loaded.")
            return
        folder = self._folder(options["data"], options["seed"])
        try:
            stream = DemoStream(folder)
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error
        name = "Surface" if not options["data"] else folder.name.replace("_", " ").capitalize()
        model, access = create_demo(
            name=name, labels=stream.labels, folder=folder, access_file=settings.VAR / ACCESS, now=timezone.now()
        )
        labeller, lead = User.objects.get(username=access.inspectors[0]), User.objects.get(username="lena")
        first_labels.label_first_images(model, stream, labeller=labeller, report=self.progress)
        self.progress("Training the first version", 0.5)
        first_labels.train_first_version(model, by=lead)
        self.progress("Training the first version", 1.0)
        first_labels.predict_some(model, stream, report=self.progress)

    def _folder(self, data: str, seed: int) -> Path:
        if data:
            return Path(data).absolute()
        folder = settings.VAR / "demo" / "surfaces"
        if len(list(folder.glob("*/*"))) < N_IMAGES:
            surfaces.write_folder(
                folder,
                seed=seed,
                count=N_IMAGES,
                report=lambda n, of: self.progress("Making 2,400 surface images", n / of),
            )
        return folder

    def progress(self, what: str, share: float) -> None:
        """A bar on a terminal, a line a tenth elsewhere."""
        filled = round(share * 20)
        if self.stdout.isatty():
            end = "\n" if share >= 1 else ""
            self.stdout.write(f"\r{what:<32} {'█' * filled}{'·' * (20 - filled)} {share:4.0%}", ending=end)
            sys.stdout.flush()
        elif getattr(self, "_told", None) != (what, int(share * 10)):
            self._told = (what, int(share * 10))
            self.stdout.write(f"{what}: {share:.0%}")
            self.stdout.flush()
