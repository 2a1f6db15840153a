"""Write a part of a version's card. What it was before stays as its history."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from models_registry.models import CardText, ModelVersion
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST = 10_000  # characters


@transaction.atomic
def write_card_text(*, version: ModelVersion, part: str, text: str, by: User, now: datetime) -> CardText | None:
    """The new row; None where the part says that already. :raises ReviewAppError: no such part, or too long."""
    text = text.replace("\r\n", "\n").strip()
    if part not in CardText.Part.values:
        raise ReviewAppError(_("There is no such part of a card."), code="invalid", fields={"part": _("Unknown.")})
    if len(text) > MOST or "\x00" in text:
        what = _("At most %(n)s characters.") % {"n": MOST}
        raise ReviewAppError(what, code="invalid", fields={"text": what})
    ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)  # of two at once the second sees the first
    newest = version.card_texts.filter(part=part).order_by("-pk").first()
    if text == (newest.text if newest else ""):
        return None
    return CardText.objects.create(version=version, part=part, text=text, written_by=by, written_at=now)
