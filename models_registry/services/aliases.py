"""Aliases and tags: names that lead to a version, notes at one. Each change stays, with who made it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from models_registry.models import ModelAlias, ModelVersion, NameChange, RegisteredModel, VersionTag
from models_registry.models.aliases import ALIAS, RESERVED, TAG_KEY
from reviewapp.errors import Conflict, NotFound, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_TAGS = 100
MOST_ALIASES = 100
MOST_CHARACTERS = 1000


@transaction.atomic
def set_alias(
    *, registered_model: RegisteredModel, name: str, version: ModelVersion, now: datetime, by: User | None = None
) -> ModelAlias:
    """Let a name lead to a version of the model, wherever it led before. ``by`` None: a command.

    :raises ReviewAppError: no name for an alias. :raises NotFound: another model's version.
    """
    if not re.fullmatch(ALIAS, name) or re.match(RESERVED, name, re.IGNORECASE):
        said = _("Letters, digits, - and _, at most 80. A number, “latest” and “champion” are taken.")
        raise ReviewAppError(said, code="alias_refused", fields={"alias": said})
    if version.registered_model_id != registered_model.pk:
        raise NotFound(_("There is no such version of this model."))
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
    aliases = ModelAlias.objects.filter(registered_model=registered_model)
    if not aliases.filter(name=name).exists() and aliases.count() >= MOST_ALIASES:
        raise Conflict(_("At most %(n)s aliases lead to versions of a model.") % {"n": MOST_ALIASES})
    alias, is_new = aliases.select_related("version").get_or_create(
        name=name, defaults={"registered_model": registered_model, "version": version, "moved_at": now}
    )
    if is_new or alias.version_id != version.pk:
        before = None if is_new else alias.version.short_name
        alias.version, alias.moved_at = version, now
        alias.save(update_fields=["version", "moved_at"])
        _note(version, NameChange.Kind.ALIAS, name, before, version.short_name, by, now)
    return alias


@transaction.atomic
def drop_alias(*, registered_model: RegisteredModel, name: str, now: datetime, by: User | None = None) -> bool:
    """False: there was none."""
    if not re.fullmatch(ALIAS, name):
        return False
    aliases = ModelAlias.objects.filter(registered_model=registered_model, name=name).select_related("version")
    alias = aliases.select_for_update(of=("self",)).first()
    if alias is None:
        return False
    alias.delete()
    _note(alias.version, NameChange.Kind.ALIAS, name, alias.version.short_name, None, by, now)
    return True


@transaction.atomic
def set_tag(*, version: ModelVersion, key: str, value: str, now: datetime, by: User | None = None) -> VersionTag:
    """Note a value under a key. :raises ReviewAppError: no key for a tag, or too long a value."""
    if not re.fullmatch(TAG_KEY, key):
        said = _("Letters, digits, space and . _ - /, at most 120.")
        raise ReviewAppError(said, code="tag_refused", fields={"key": said})
    if len(value) > MOST_CHARACTERS or "\x00" in value:
        said = _("At most %(n)s characters, and no NUL.") % {"n": MOST_CHARACTERS}
        raise ReviewAppError(said, code="tag_refused", fields={"value": said})
    ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    tags = VersionTag.objects.filter(version=version)
    known = tags.filter(key=key).first()
    if known is None and tags.count() >= MOST_TAGS:
        raise Conflict(_("At most %(n)s tags stand at a version.") % {"n": MOST_TAGS})
    before = known.value if known else None
    tag = known or VersionTag(version=version, key=key)
    if before != value:
        tag.value = value
        tag.save()
        _note(version, NameChange.Kind.TAG, key, before, value, by, now)
    return tag


@transaction.atomic
def drop_tag(*, version: ModelVersion, key: str, now: datetime, by: User | None = None) -> bool:
    """False: there was none."""
    if not re.fullmatch(TAG_KEY, key):
        return False
    tag = VersionTag.objects.filter(version=version, key=key).select_for_update().first()
    if tag is None:
        return False
    tag.delete()
    _note(version, NameChange.Kind.TAG, key, tag.value, None, by, now)
    return True


def _note(
    version: ModelVersion, kind: str, name: str, before: str | None, after: str | None, by: User | None, now: datetime
) -> None:
    NameChange.objects.create(
        version=version, kind=kind, name=name, before=before, after=after, changed_by=by, changed_at=now
    )
