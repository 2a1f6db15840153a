"""A settled part is doubted from a page: with a reason, and decided by somebody who has not spoken."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from labeling.access import require_review
from labeling.adjudication import challenge, checked_reason
from models_registry.views.permissions import person
from reviewapp.errors import ReviewAppError

TOLD = (400, 409)  # what is said on the page that one came from


@login_required
@require_POST
def challenge_part(request: HttpRequest, pk: int) -> HttpResponse:
    user = person(request)
    review = require_review(user, "review", pk)
    try:
        reason = checked_reason(request.POST.get("reason", ""))
        made, is_new = challenge(review_id=pk, by=user, reason=reason, now=timezone.now())
    except ReviewAppError as error:
        if error.http_status not in TOLD:
            raise
        messages.error(request, error.message)
    else:
        part = {"part": made.review.inspection.part}
        done = _("Part %(part)s goes to somebody who has not spoken. The label stands until that person decides.")
        messages.success(request, (done if is_new else _("You have challenged part %(part)s already.")) % part)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back) if is_ours else redirect("model-reviews", slug=review.registered_model.slug)
