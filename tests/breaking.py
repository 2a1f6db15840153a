"""Breaks a constraint at the database, past every form, and says which one stopped it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

Attempt = Callable[[], object]


def constraints_of(app: str) -> set[str]:
    """The names of all constraints that the models of ``app`` declare."""
    models = apps.get_app_config(app).get_models()
    return {constraint.name for model in models for constraint in model._meta.constraints}


def refused_by(attempt: Attempt) -> str:
    """The name of the constraint that refuses ``attempt``."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        attempt()
    diagnosis = refusal.value.__cause__.diag  # type: ignore[union-attr]
    return str(diagnosis.constraint_name)


def change(row: Model, **fields: Any) -> Attempt:
    """An UPDATE of one row."""
    return lambda: type(row)._base_manager.filter(pk=row.pk).update(**fields)


def copy(row: Model, **fields: Any) -> Attempt:
    """An INSERT of the same row once more, but for ``fields``."""
    values = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    return lambda: type(row)._base_manager.bulk_create([type(row)(**{**values, **fields})])


def without(constraint: str, row: Model, **fields: Any) -> Attempt:
    """An UPDATE with another constraint out of the way that refuses the same and is asked first (by its name)."""

    def attempt() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f'ALTER TABLE "{row._meta.db_table}" DROP CONSTRAINT "{constraint}"')
        change(row, **fields)()

    return attempt
