"""Make the present state what YAML files want: sites, label sets, models with policies, members, webhooks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labeling.configuration import Change, ConfigurationRefused, apply_documents, read_documents

SOMETHING_TO_DO = 2  # as terraform's -detailed-exitcode says it


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, help="files, or folders of *.yaml")
        parser.add_argument("--plan", action="store_true", help="say what would change: exit code 2 if anything would")

        parser.add_argument("--by", metavar="USERNAME", help="who lets parts pass that nobody has looked at")

    def handle(self, **options: Any) -> None:
        only_plan, name = bool(options["plan"]), options["by"]
        by = User.objects.filter(username=name).first() if name else None
        if name and by is None:
            raise CommandError(f"There is no user {name}.")
        try:
            documents = read_documents(_files(options["files"]))
            changes = apply_documents(documents, environment=os.environ, now=timezone.now(), by=by, only_plan=only_plan)
        except ConfigurationRefused as refused:
            raise CommandError(
                f"{refused.message}\n{len(refused.problems)} problems. Nothing was changed."
            ) from refused
        for change in changes:
            self.stdout.write(_in_words(change))
        self.stdout.write(_summary(changes, only_plan))
        if only_plan and changes:
            raise SystemExit(SOMETHING_TO_DO)


def _files(named: Iterable[Path]) -> list[Path]:
    return [file for one in named for file in (sorted(one.glob("*.yaml")) if one.is_dir() else [one])]


def _in_words(change: Change) -> str:
    sign = "+" if change.is_new else "~"
    lines = [f"{sign} {change.name}  ({change.file}:{change.line})"]
    for name, (old, new) in change.fields.items():
        lines.append(f"    {name}: {_shown(new)}" if change.is_new else f"    {name}: {_shown(old)} -> {_shown(new)}")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def _summary(changes: list[Change], only_plan: bool) -> str:
    n_new = sum(change.is_new for change in changes)
    if not changes:
        return "No change."
    done = "to create, {} to change. Nothing was done yet." if only_plan else "created, {} changed."
    return f"{n_new} {done.format(len(changes) - n_new)}"
