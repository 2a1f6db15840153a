"""How commands name a row."""

from __future__ import annotations

import re

from django.core.management.base import CommandError

from models_registry.models import Dataset


def dataset_named(text: str) -> Dataset:
    """By number, or by the first digits of its sha256. :raises CommandError: none, or several."""
    if text.isascii() and text.isdecimal() and len(text) < 8:
        found = list(Dataset.objects.filter(pk=int(text)))
    elif re.fullmatch(r"[0-9a-f]{8,64}", text):
        found = list(Dataset.objects.filter(sha256__startswith=text)[:2])
    else:
        raise CommandError(f"“{text}” is neither a number nor the beginning of a sha256.")
    if len(found) != 1:
        raise CommandError(f"There are several datasets “{text}…”." if found else f"There is no dataset “{text}”.")
    return found[0]
