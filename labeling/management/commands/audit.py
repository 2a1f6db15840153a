"""The first honest number: draws from a file of predictions, opens the queue, and writes the page when all is judged.

Run it again with the same file to go on, or to have the page again. Without --predictions the images of a folder are
labelled before there is a model.
"""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError
from django.urls import reverse
from django.utils import timezone

from labeling.audit.opening import DEFAULT_BUDGET, Wanted, open_audit
from labeling.audit.people import let_judge
from labeling.audit.result import issue_audit
from labeling.audit.standing import standing_of
from labeling.management.progress import Progress
from labeling.models import Audit
from models_registry.models import Report
from models_registry.reporting import wording
from models_registry.reporting.content import read_content
from models_registry.services.reports import pdf_of
from reviewapp.errors import ReviewAppError

LOOK_AGAIN = 2.0  # seconds


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--predictions", type=Path, metavar="FILE", help="CSV with the columns id, image, label")
        parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="where the images lie")
        parser.add_argument("--budget", type=_from_1, help=f"how many parts to judge ({DEFAULT_BUDGET})")
        parser.add_argument("--pdf", type=Path, metavar="OUT", help="where the page is written (audit-….pdf)")
        parser.add_argument("--wait", action="store_true", help="stay until all is judged, then write the page")
        parser.add_argument("--seed", type=_seed, help="draw so that everybody can draw it again (0 to 2^63 - 1)")
        parser.add_argument("--model", default="", metavar="SLUG", help="the model it is about, made if missing")
        parser.add_argument(
            "--model-version", default="", metavar="NAME", help="what the version is called (as the file)"
        )
        parser.add_argument("--label", action="append", default=[], help="a label that the file does not name")
        parser.add_argument("--ok-label", default="", help="the label of a good part, if its name does not say so")
        parser.add_argument("--inspector", default="inspector", help="who judges; the account is made if missing")
        parser.add_argument("--signed-by", default="", metavar="USER", help="whose name the page carries")
        parser.add_argument("--time-zone", default="UTC", help="of times without one, and of the production days")
        parser.add_argument("--close", action="store_true", help="write the page though some parts are not settled")

    def handle(self, **options: Any) -> None:
        try:
            audit = self._open(options)
            if options["wait"] and audit.report_id is None:
                self._wait(audit)
            if options["close"] or audit.report_id or standing_of(audit).is_done:
                self._finish(audit, options)
        except ReviewAppError as error:
            raise CommandError(error.message) from error
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(
                "The database does not answer, or its tables are not there yet. Start the product in another terminal "
                "(python -m reviewapp.up) and try again once it tells its address."
            ) from error

    def _open(self, options: dict[str, Any]) -> Audit:
        if options["time_zone"] not in available_timezones():
            raise CommandError(f"{options['time_zone']} is no time zone, for example Europe/Berlin.")
        wanted = Wanted(
            images=options["images"], predictions=options["predictions"], budget=options["budget"],
            seed=options["seed"], model=options["model"], version=options["model_version"], labels=options["label"],
            ok_label=options["ok_label"], zone=options["time_zone"],
        )  # fmt: skip
        audit, is_new = open_audit(wanted, now=timezone.now())
        if is_new:
            of = f"{audit.n_drawn:,} of {audit.n_population:,} parts"
            self.stdout.write(f"Drawn: {of} in {audit.file_name}, each with the same chance.")
        self._tell_where(audit, options["inspector"])
        return audit

    def _tell_where(self, audit: Audit, inspector: str) -> None:
        standing = standing_of(audit)
        self.stdout.write(f"{standing.words()}.")
        if audit.report_id or standing.is_done:
            return
        password = let_judge(audit.registered_model, username=inspector)
        place = f"http://127.0.0.1:{settings.WEB_PORT}{reverse('station', args=[audit.registered_model.slug])}"
        who = f"as {inspector}" + (f", password {password} (shown once)" if password else "")
        self.stdout.write(f"Judge at {place} {who}.")
        if standing.n_second:
            self.stdout.write("A second opinion is somebody else's: give an adjudicator the role in the admin.")
        self.stdout.flush()

    def _wait(self, audit: Audit) -> None:
        standing = standing_of(audit)
        progress = Progress(self.stderr, "Judged", total=standing.n_drawn)
        while not standing.is_done:
            progress.tell(standing.n_settled)
            time.sleep(LOOK_AGAIN)
            standing = standing_of(audit)
        progress.tell(standing.n_settled, last=True)

    def _finish(self, audit: Audit, options: dict[str, Any]) -> None:
        by = User.objects.filter(username=options["signed_by"]).first()
        if options["signed_by"] and by is None:
            raise CommandError(f"There is nobody called {options['signed_by']} here.")
        report = issue_audit(audit, by=by, close=options["close"], now=timezone.now())
        path = options["pdf"] or Path(f"{audit.registered_model.slug}.pdf"[-200:])
        try:
            path.write_bytes(pdf_of(report))
        except OSError as error:
            raise CommandError(
                f"{path} cannot be written: {error.strerror}. The report is kept: run it again."
            ) from error
        self._say(report, path)

    def _say(self, report: Report, path: Path) -> None:
        content = read_content(report.content)
        first = content.figures[0]
        self.stdout.write(f"{first.name}: {' '.join(wording.headline(first)).strip()} ({wording.interval(first)}).")
        for sentence in [*content.can[:1], *content.cannot[:1]]:
            self.stdout.write(sentence)
        self.stdout.write(f"{path}: report {report.number}, SHA-256 {report.sha256}")


def _from_1(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise ArgumentTypeError("is a number from 1 to 1,000,000")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**63:
        raise ArgumentTypeError("is a number from 0 to 2^63 - 1")
    return int(text)
