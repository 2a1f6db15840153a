"""Trainers that the operator declares in a file on the server. Pages and the API choose one by its name and no more.

    [trainers.gpu]
    kind = "command"
    command = ["/opt/gpu/bin/python", "/opt/gpu/train.py"]

    [trainers.airflow]
    kind = "webhook"
    url = "https://airflow.example.com/reviewapp"
    secret = "whsec_…"

All fields stand in docs/trainers.md. What the file does not know is refused, so that a typing error is not a default.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from reviewapp.errors import ReviewAppError

BUILTIN = "builtin"
Positive = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class TrainerUnknown(ReviewAppError):
    """No trainer of this name is declared here (any more), or the file cannot be read."""

    code = "trainer_unknown"
    http_status = 409


class CommandTrainer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="command"):
    """A program on this machine. Limits are on the program with all its children; memory is what is resident."""

    command: Annotated[list[str], msgspec.Meta(min_length=1)]
    environment: dict[str, str] = {}
    minutes: Positive = 120
    silent_minutes: Positive = 30
    memory_mb: Positive = 8_000
    disk_mb: Positive = 4_000
    log_mb: Positive = 64
    config: dict[str, Any] = {}


class WebhookTrainer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="webhook"):
    """An orchestrator elsewhere. ``callback`` is the address of this server as that one sees it."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://")]
    secret: Annotated[str, msgspec.Meta(pattern=r"^whsec_")]
    callback: Annotated[str, msgspec.Meta(pattern=r"^https?://")]
    minutes: Positive = 720
    artifact_mb: Positive = 512
    config: dict[str, Any] = {}


Trainer = CommandTrainer | WebhookTrainer


class _File(msgspec.Struct, forbid_unknown_fields=True):
    trainers: dict[Name, Trainer] = {}


def read(path: Path | None) -> dict[str, Trainer]:
    """The declared trainers by name; none without a file. :raises TrainerUnknown: says what is wrong with the file."""
    if path is None:
        return {}
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=_File).trainers
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise TrainerUnknown(f"The file of trainers {path} cannot be used: {error}") from error
    if BUILTIN in found:
        raise TrainerUnknown(f"The file of trainers {path} cannot be used: “{BUILTIN}” is the name of our own.")
    for name, trainer in found.items():
        if isinstance(trainer, WebhookTrainer) and not _is_key(trainer.secret):
            raise TrainerUnknown(f"The file of trainers {path} cannot be used: the secret of “{name}” is no base64.")
    return found


def find(path: Path | None, name: str) -> Trainer:
    """:raises TrainerUnknown: names those that there are."""
    trainers = read(path)
    if name not in trainers:
        raise unknown(name, names(path))
    return trainers[name]


def names(path: Path | None) -> list[str]:
    """Every trainer that a model may have, our own first. :raises TrainerUnknown: the file cannot be used."""
    return [BUILTIN, *sorted(read(path))]


def unknown(name: str, known: Sequence[str]) -> TrainerUnknown:
    return TrainerUnknown(f"No trainer “{name}” is declared on this server. There are: {', '.join(known)}.")


def _is_key(secret: str) -> bool:
    try:
        return len(b64decode(secret.removeprefix("whsec_"), validate=True)) >= 16
    except binascii.Error:
        return False
