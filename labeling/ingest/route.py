"""The draws of parts that come in, by every design that concerns them. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from labeling.catalog import PRIOR_UNCERTAINTY, ModelCatalog
from labeling.designs import ActiveDesign
from labeling.ingest.parts import Part
from labeling.ingest.submission import Submission
from labeling.models import Review
from labeling.routing import (
    PredictionFacts,
    Routing,
    after_the_part_left,
    keyed_uniform,
    route_many,
    union_probability,
)

Draw = tuple[int, Routing]  # of a design, by its key


class Routed(NamedTuple):
    """One part's draws, the main design's first, and what they come to: looked at, with what chance, and why."""

    draws: tuple[Draw, ...]
    drawn: bool
    probability: float
    reason: str

    @property
    def main(self) -> Routing:
        return self.draws[0][1]

    @property
    def is_blocking(self) -> bool:
        return self.main.review == "blocking"


def route_parts(parts: Sequence[Part], now: datetime) -> list[Routed]:
    """The draws of all parts, model by model: each model has its own designs."""
    routed: dict[int, Routed] = {}
    of_model: dict[int, list[int]] = {}
    for place, part in enumerate(parts):
        of_model.setdefault(part.key[2], []).append(place)
    for places in of_model.values():
        mine = [parts[place] for place in places]
        routed.update(zip(places, route_of_model(mine, mine[0].lead.catalog, now), strict=True))
    return [routed[place] for place in range(len(parts))]


def route_of_model(parts: Sequence[Part], catalog: ModelCatalog, now: datetime) -> list[Routed]:
    """The draws of parts that no design has drawn of before."""
    main, *campaigns = catalog.designs
    facts = [facts_of(one) for one in parts]
    draws = [[(main.design.id, one)] for one in _of_main(parts, facts, catalog, main)]
    if catalog.made_draws is not None:  # of a finite population, and no campaign looks at it
        return [_routed(one) for one in draws]
    for campaign in campaigns:
        for place, routing in _of_campaign(parts, facts, catalog, campaign, now):
            draws[place].append((campaign.design.id, routing))
    return [_routed(one) for one in draws]


def facts_of(part: Part) -> PredictionFacts:
    """What the rules of a design may ask of a part; `lead` speaks for it."""
    lead, said = part.lead, part.said
    sources = (lead.source.slug,) if len(part.views) == 1 else tuple({one.source.slug for one in part.views})
    if lead.version is None:
        return PredictionFacts(None, None, False, sources, said.recipe, said.lot, said.metadata)
    label = lead.catalog.labels[str(lead.row.label)]
    return PredictionFacts(
        lead.row.label, lead.confidence, label.is_defect, sources, said.recipe, said.lot, said.metadata
    )


def draw_key(lead: Submission) -> str:
    """What names an inspection in its draws."""
    return f"{lead.source.station_id}/{lead.row.inspection_id}"


def priority_of(routed: Routed) -> int:
    """0 comes first: a part that waits, then what is always checked, then what chance drew."""
    if routed.is_blocking:
        return 0
    return 3 if routed.main.stratum == "certainty" else 5


def review_reason(predicted: bool, routed: Routed) -> str:
    """Why people look; the main draw's reason where there are several."""
    if not predicted:
        return Review.Reason.FIRST_LABELS
    return Review.Reason.CERTAINTY if routed.main.stratum == "certainty" else Review.Reason.DRAWN


def blind_draw(lead: Submission, routed: Routed) -> bool:
    """Audit draws are always judged blind, and a campaign's draws are such; of the others the policy's share, by a draw
    of its own (STATISTICS §4)."""
    if any(one.u < one.floor_pi for _, one in routed.draws):
        return True
    secret = bytes.fromhex(lead.catalog.design.secret)
    return keyed_uniform(secret, f"blind|{draw_key(lead)}") < lead.catalog.review_policy.blind_share


def _of_main(
    parts: Sequence[Part], facts: Sequence[PredictionFacts], catalog: ModelCatalog, main: ActiveDesign
) -> list[Routing]:
    if catalog.made_draws is not None:
        return [catalog.made_draws[draw_key(one.lead)] for one in parts]
    routings = _draw(parts, facts, catalog, main)
    pairs = zip(parts, routings, strict=True)
    return [after_the_part_left(one) if part.lead.row.late else one for part, one in pairs]


def _of_campaign(
    parts: Sequence[Part],
    facts: Sequence[PredictionFacts],
    catalog: ModelCatalog,
    campaign: ActiveDesign,
    now: datetime,
) -> Iterator[tuple[int, Routing]]:
    """The draws of those that it concerns, by place, until its draws are used up: then the others are not in it."""
    if not campaign.draws_at(now):
        return
    places = [place for place, one in enumerate(facts) if campaign.rules.only.holds(one)]
    routings = _draw([parts[place] for place in places], [facts[place] for place in places], catalog, campaign)
    for place, routing in zip(places, routings, strict=True):
        if not campaign.draws_at(now):
            return
        if routing.drawn and campaign.left is not None:
            campaign.left -= 1
        yield place, routing


def _draw(
    parts: Sequence[Part], facts: Sequence[PredictionFacts], catalog: ModelCatalog, active: ActiveDesign
) -> list[Routing]:
    leads = [one.lead for one in parts]
    return route_many(
        facts,
        active.rules,
        secret=bytes.fromhex(active.design.secret),
        keys=[draw_key(one) for one in leads],
        design_key=f"{catalog.registered_model.slug}/{active.design.number}",
        mean_u=[catalog.mean_uncertainty(one.version) if one.version else PRIOR_UNCERTAINTY for one in leads],
        past=active.past,
        code_version=active.design.code_version,
    )


def _routed(draws: Sequence[Draw]) -> Routed:
    main = draws[0][1]
    if len(draws) == 1:
        return Routed(tuple(draws), main.drawn, main.pi, main.reason)
    looked_at = next((one for _, one in draws if one.drawn), None)
    chance = union_probability([one.pi for _, one in draws])
    return Routed(tuple(draws), looked_at is not None, chance, (looked_at or main).reason)
