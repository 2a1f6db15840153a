"""Who gets looked at: one keyed, reproducible draw per inspection and design, with its probability (STATISTICS §1).

The probability rests on what was known before the truth: the label, the model's confidence, what the part is, and what
was counted over PAST inspections. The draw is a keyed hash, so a resend draws the same and no client can foresee it.
"""

from labeling.routing.chances import (
    THINNINGS,
    allowance,
    error_guess,
    inclusion_probability,
    proposed_audit_share,
    thinning_of,
    uncertainty,
    union_probability,
)
from labeling.routing.draws import (
    Columns,
    Past,
    Routing,
    after_the_part_left,
    draw_columns,
    route,
    route_many,
)
from labeling.routing.groups import GroupDraws, draw_groups
from labeling.routing.rules import DesignRules, Only, PartRule, PredictionFacts, problems_of_rules, rules_of
from labeling.routing.uniforms import CODE_VERSION, CODE_VERSIONS, keyed_uniform, keyed_uniforms, partition

__all__ = [
    "CODE_VERSION", "CODE_VERSIONS", "THINNINGS", "Columns", "DesignRules", "GroupDraws", "Only", "PartRule", "Past",
    "PredictionFacts", "Routing", "after_the_part_left", "allowance", "draw_columns", "draw_groups", "error_guess",
    "inclusion_probability", "keyed_uniform", "keyed_uniforms", "partition", "problems_of_rules",
    "proposed_audit_share", "route", "route_many", "rules_of", "thinning_of", "uncertainty", "union_probability",
]  # fmt: skip
