"""A new API key for a user, printed once: `manage.py issue_key line-3 --model surface --verb ingest --days 365`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labeling.access import Verb
from labeling.keys import issue_key
from models_registry.models import RegisteredModel


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="whose rights the key has; give that user the role integration")
        parser.add_argument("--name", default="", help="what people call the key (the user's name)")
        parser.add_argument("--model", action="append", default=[], help="only this model; may be repeated")
        parser.add_argument("--verb", action="append", default=[], choices=get_args(Verb), help="only this; repeatable")
        parser.add_argument("--days", type=int, help="how long it works (for ever)")
        parser.add_argument("--per-minute", type=int, help="how many requests a minute (as the settings say)")

    def handle(self, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        models = list(RegisteredModel.objects.filter(slug__in=options["model"]))
        if missing := set(options["model"]) - {one.slug for one in models}:
            raise CommandError(f"There is no model {', '.join(sorted(missing))}.")
        for name in ("days", "per_minute"):
            if options[name] is not None and not 1 <= options[name] <= 1_000_000:
                raise CommandError(f"--{name.replace('_', '-')} is a number from 1 to 1000000.")
        now = timezone.now()
        _, text = issue_key(
            user=user, name=options["name"] or user.username, now=now,
            expires_at=now + timedelta(days=options["days"]) if options["days"] else None,
            models=models, verbs=set(options["verb"]), requests_per_minute=options["per_minute"],
        )  # fmt: skip
        self.stderr.write("This is the key. It is not shown again.")
        self.stdout.write(text)
