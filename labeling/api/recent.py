"""A person's last verdicts, as the station lists them: what may be changed, what was decided, what may be doubted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from labeling.api.payloads import verdict_payload
from labeling.decided import CaseEnd, cases_of
from labeling.models import GroundTruth, Reveal, ReviewPolicy

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from labeling.querysets import VerdictQuerySet

LAST = 10


def recent_verdicts(user: User, said: VerdictQuerySet, *, now: datetime) -> list[dict[str, Any]]:
    """The last ten of what ``user`` ``said``."""
    details = said.filter(reviewer=user).select_related("review__inspection", "review__registered_model", "label")
    last = list(details.order_by("-pk")[:LAST])
    revealed = set(
        Reveal.objects.filter(person=user, review__in=[one.review_id for one in last]).values_list("review", flat=True)
    )
    policies = ReviewPolicy.objects.filter(registered_model__in={one.review.registered_model_id for one in last})
    minutes = dict(policies.values_list("registered_model", "undo_minutes"))
    truths = {
        (one.inspection_id, one.registered_model_id): one
        for one in GroundTruth.objects.told().filter(inspection__in={one.review.inspection_id for one in last})
    }
    ends = cases_of(user, reversed(last))
    rows = []
    for one in last:
        key = (one.review.inspection_id, one.review.registered_model_id)
        truth, end = truths.get(key), ends.get(key)
        until = one.received_at + timedelta(minutes=minutes.get(key[1], 0))
        is_bound = one.review_id in revealed or end is not None or bool(truth and truth.frozen_in_id) or now > until
        waits = end is not None and end.truth is None
        rows.append(
            verdict_payload(one, can_undo=not is_bound)
            | {"model": one.review.registered_model.slug, "case": case_end(end)}
            | {"can_challenge": truth is not None and not waits}
        )
    return rows


def case_end(end: CaseEnd | None) -> dict[str, Any] | None:
    if end is None:
        return None
    return {"state": "settled" if end.truth else "waiting", "settled_as": end.name or None, "why": end.why}
