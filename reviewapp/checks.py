"""System checks: what the settings allow, but an operator should know. None of them asks a database or a network.

The settings themselves refuse what is unsafe; these explain what will not work, or not well.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from reviewapp import embedded


def folder_of_data(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """reviewapp.E001: nothing can be written where data, or the embedded servers, are meant to live."""
    var = Path(settings.VAR)
    nearest = next(folder for folder in (var, *var.parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return []
    needs = "The embedded servers and the image store live" if _is_embedded() else "The image store lives"
    return [
        Error(
            f"{var} cannot be written. {needs} there.",
            hint="Give this user the right to write, or set REVIEWAPP_VAR to another folder.",
            id="reviewapp.E001",
        )
    ]


def _is_embedded() -> bool:
    own = {embedded.database_url(settings.VAR), embedded.redis_url(settings.VAR)}
    return bool(own & {settings.DATABASE_URL, settings.REDIS_URL})


def image_roots(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """reviewapp.W001, W002: folders that clients may name images from, missing or far too wide."""
    found: list[CheckMessage] = []
    for root in settings.IMAGE_ROOTS:
        if not root.is_dir():
            hint = "Images that clients name there are refused. Mount the folder or correct REVIEWAPP_IMAGE_ROOTS."
            found.append(Warning(f"The image folder {root} does not exist.", hint=hint, id="reviewapp.W001"))
        elif root.resolve() == Path(root.resolve().anchor):
            hint = "Name the folders that hold images in REVIEWAPP_IMAGE_ROOTS, not the whole disk."
            found.append(Warning("Clients may name any file of the server.", hint=hint, id="reviewapp.W002"))
    return found


def s3_client(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """reviewapp.E002: a bucket is named and the library that talks to it is missing."""
    if not settings.S3_BUCKET or importlib.util.find_spec("boto3") is not None:
        return []
    hint = "pip install -r requirements-s3.txt, or leave REVIEWAPP_S3_BUCKET empty to keep images in a folder."
    return [Error("REVIEWAPP_S3_BUCKET is set, but boto3 is not installed.", hint=hint, id="reviewapp.E002")]


def plain_http(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """reviewapp.W003: passwords and images travel readable in production."""
    if not (settings.IN_PRODUCTION and settings.PLAIN_HTTP):
        return []
    hint = "Put a proxy with a certificate in front (REVIEWAPP_BEHIND_PROXY=1) and unset REVIEWAPP_INSECURE_HTTP."
    text = "REVIEWAPP_INSECURE_HTTP is on: passwords, keys and images can be read on the network."
    return [Warning(text, hint=hint, id="reviewapp.W003")]


def silence_before_takeover(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """reviewapp.W004: a healthy training run would be taken from its worker between two heartbeats."""
    beat, lost = settings.TRAINING_HEARTBEAT_SECONDS, settings.TRAINING_LOST_AFTER_SECONDS
    if lost >= 3 * beat:
        return []
    hint = f"Set REVIEWAPP_TRAINING_LOST_AFTER_SECONDS to at least {3 * beat}, three heartbeats."
    text = f"A training run counts as lost after {lost} s of silence, and its heart beats every {beat} s."
    return [Warning(text, hint=hint, id="reviewapp.W004")]


def embedded_in_production(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """reviewapp.W005: one machine's servers carry production."""
    if not (settings.IN_PRODUCTION and _is_embedded()):
        return []
    hint = "Fine on one machine with backups of REVIEWAPP_VAR; for more machines set DATABASE_URL and REDIS_URL."
    return [Warning("Production runs on an embedded server.", hint=hint, id="reviewapp.W005")]


ALL = (folder_of_data, image_roots, s3_client, plain_http, silence_before_takeover, embedded_in_production)
