"""What the page of a case and the grid say by themselves; `{name}` and the like are filled in by words.js."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

CASE_WORDS = {
    "choose_first": _("Choose what it is"),
    "settle_as": _("Settle as {name}"),
    "settle_unsure": _("Leave it open: it cannot be told"),
    "settle_bad_image": _("Settle: bad image"),
    "settled_as": _("Settled as {name}, part {part}."),
    "left_open": _("Part {part} goes to another person, since it cannot be told."),
    "with_colleague": _("A colleague has this case open"),
    "with_colleague_why": _("Take another one; this one comes back to the list when it is not decided."),
    "case_closed": _("This case is closed"),
    "not_settled_offline": _("Not settled: there is no connection. Press again when it is back."),
    "not_settled": _("Not settled: {message}"),
    "the_model_said": _("The model said {name} ({version})."),
    "the_model_said_sure": _("The model said {name}, {n} % ({version})."),
    "show_what_it_said": _("Show what the model said"),
}
