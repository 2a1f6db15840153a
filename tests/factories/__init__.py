"""Plain factory functions: keyword-only, sensible defaults, one row each (and what it cannot do without).

The cast: alice (inspector), bob (second inspector), lena (ML lead), charlie (no rights).
"""

from tests.factories.base import (
    NOW,
    next_number,
    sha256,
)
from tests.factories.costs import make_costs
from tests.factories.inspections import (
    make_deployment,
    make_fetch,
    make_ground_truth,
    make_import,
    make_inspection,
    make_item,
    make_prediction,
    make_review,
    make_selection,
    make_site,
    make_source,
    make_station,
    make_verdict,
    png,
    surface,
)
from tests.factories.judged import make_judged
from tests.factories.monitors import make_limit, make_monitor, make_transition
from tests.factories.outcomes import make_declared, make_outcome
from tests.factories.people import (
    PASSWORD,
    make_member,
    make_user,
)
from tests.factories.quality import make_features, make_quality, make_reference
from tests.factories.registry import (
    LABELS,
    label_of,
    make_alert,
    make_campaign,
    make_label_set,
    make_model,
    make_version,
)
from tests.factories.reports import make_addendum, make_audit, make_report
from tests.factories.training import (
    make_comparison,
    make_dataset,
    make_evaluation,
    make_promotion,
    make_run,
    make_steps,
)
from tests.factories.webhooks import (
    make_attempt,
    make_delivery,
    make_event,
    make_webhook,
)

__all__ = [
    "LABELS",
    "NOW",
    "PASSWORD",
    "label_of",
    "make_addendum",
    "make_alert",
    "make_attempt",
    "make_audit",
    "make_campaign",
    "make_comparison",
    "make_costs",
    "make_dataset",
    "make_declared",
    "make_delivery",
    "make_deployment",
    "make_evaluation",
    "make_event",
    "make_features",
    "make_fetch",
    "make_ground_truth",
    "make_import",
    "make_inspection",
    "make_item",
    "make_judged",
    "make_label_set",
    "make_limit",
    "make_member",
    "make_model",
    "make_monitor",
    "make_outcome",
    "make_prediction",
    "make_promotion",
    "make_quality",
    "make_reference",
    "make_report",
    "make_review",
    "make_run",
    "make_selection",
    "make_site",
    "make_source",
    "make_station",
    "make_steps",
    "make_transition",
    "make_user",
    "make_verdict",
    "make_version",
    "make_webhook",
    "next_number",
    "png",
    "sha256",
    "surface",
]
