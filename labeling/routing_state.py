"""What the draws to come rest on: counted over past draws by the loop, never by the inspection that is being drawn.

Nothing here scans: the mean looks at the newest draws, the counts add what came since, the queue is counted to a limit.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Avg, Count, F, Q

from labeling.designs import n_draws
from labeling.models import DesignState, Review, ReviewPolicy, RoutingState, SamplingDesign, Selection, ShadowDraw
from labeling.routing import THINNINGS, thinning_of, union_probability
from models_registry.models import RegisteredModel

RECENT = 5000  # draws of the model that the mean uncertainty looks back on
ENOUGH = 50  # of a version among them; before, the hold-out's mean knows better
SETTLED = timedelta(minutes=1)  # draws younger than this may stand behind one that is not committed yet


def refresh_routing(registered_model: RegisteredModel, *, now: datetime) -> None:
    """Remember what was counted of the past, for the draws to come."""
    refresh_mean_uncertainties(registered_model)
    refresh_design_states(registered_model, now=now)


def refresh_mean_uncertainties(registered_model: RegisteredModel) -> None:
    """The mean uncertainty of the latest draws of each version that is at work (STATISTICS §1.1)."""
    newest = Selection.objects.filter(registered_model=registered_model).order_by("-created_at")[:RECENT]
    mine = Q(inspection__predictions__model_version__registered_model=registered_model)
    means = (
        Selection.objects.filter(mine, pk__in=newest.values("pk"), stratum="sampled", design__kind="main")
        .order_by()
        .values_list("inspection__predictions__model_version")
        .annotate(Avg("uncertainty"), Count("pk"))
    )
    for version, mean, n in means:
        if n >= ENOUGH:
            kept = {"mean_uncertainty": float(np.clip(mean, 1e-3, 0.5)), "n": n}
            RoutingState.objects.update_or_create(model_version_id=version, defaults=kept)


def refresh_design_states(registered_model: RegisteredModel, *, now: datetime) -> None:
    """Count what was drawn since the last count, and how far chances are thinned; end the campaigns that are over."""
    designs = list(SamplingDesign.objects.filter(registered_model=registered_model, is_active=True))
    newest = (
        Selection.objects.filter(registered_model=registered_model, created_at__lte=now - SETTLED)
        .order_by("-created_at", "-pk")  # a list is drawn in one moment
        .values_list("pk", flat=True)
        .first()
    ) or 0
    thinning = _thinning(registered_model)
    for design in designs:
        state, is_new = DesignState.objects.get_or_create(design=design, defaults={"counted_to": newest})
        if not is_new:
            _count(state, to=newest)
        DesignState.objects.filter(pk=state.pk).exclude(thinning=thinning).update(thinning=thinning)
    _end_campaigns(registered_model, now=now)


def _count(state: DesignState, *, to: int) -> None:
    """Add the draws up to ``to``, once: whoever counts at the same time finds them counted."""
    if to <= state.counted_to:
        return
    since = Selection.objects.filter(
        design=state.design_id, pk__gt=state.counted_to, pk__lte=to, stratum=Selection.Stratum.SAMPLED
    ).aggregate(n=Count("pk"), n_drawn=Count("pk", filter=Q(drawn=True)))
    DesignState.objects.filter(pk=state.pk, counted_to=state.counted_to).update(
        n_sampled=F("n_sampled") + since["n"], n_drawn=F("n_drawn") + since["n_drawn"], counted_to=to
    )


def _thinning(registered_model: RegisteredModel) -> float:
    """By the reviews that are open, counted no further than matters."""
    policy = ReviewPolicy.objects.filter(registered_model=registered_model).first()
    if policy is None or policy.max_open is None:
        return thinning_of(0, None)
    matters = int(policy.max_open / THINNINGS[-2]) + 1  # more than that and the chances are at their least
    n_open = Review.objects.open().filter(registered_model=registered_model).order_by()[:matters].count()
    return thinning_of(n_open, policy.max_open)


def _end_campaigns(registered_model: RegisteredModel, *, now: datetime) -> None:
    running = SamplingDesign.objects.filter(
        registered_model=registered_model, is_active=True, kind=SamplingDesign.Kind.CAMPAIGN
    )
    running.filter(until__lte=now).update(is_active=False)
    for design in running.filter(max_draws__isnull=False):
        most = design.max_draws or 0
        if n_draws(design, at_most=most) >= most:
            running.filter(pk=design.pk).update(is_active=False)


def chances_of_drawn(registered_model: RegisteredModel) -> dict[int, float]:
    """The chance of every inspection that was drawn, by its key: that of all its designs together, those included that
    compare candidates. Chosen because two versions differ, a part would else stand for itself among parts that stand
    for many.
    """
    of_main = Selection.objects.filter(registered_model=registered_model)
    of_shadows = ShadowDraw.objects.filter(design__candidate__registered_model=registered_model)
    looked_at = Q(inspection__in=of_main.filter(drawn=True).values("inspection")) | Q(
        inspection__in=of_shadows.filter(drawn=True).values("inspection")
    )
    pis: dict[int, list[float]] = defaultdict(list)
    for table in (of_main, of_shadows):
        for inspection, pi in table.filter(looked_at).values_list("inspection_id", "pi"):
            pis[inspection].append(pi)
    return {inspection: union_probability(mine) for inspection, mine in pis.items()}
