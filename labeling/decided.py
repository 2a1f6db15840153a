"""What came of a person's words where somebody else decided: the label, and why. Nobody is named, to either side."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labeling.models import Challenge, GroundTruth, Review, Verdict

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Key = tuple[int, int]  # an inspection and a registered model
LAST_WORDS, LAST_DOUBTS, SHOWN = 200, 20, 20


@dataclass(frozen=True, slots=True)
class CaseEnd:
    """One part that a second person decides, or has. ``truth``: None while a challenge of one's own waits.

    ``said``: one's own last word on it, None for who only challenged it. ``doubt``: why one challenged it, or empty.
    ``why``: what the person wrote who decided.
    """

    review: Review
    said: Verdict | None
    doubt: str
    truth: GroundTruth | None
    why: str

    @property
    def name(self) -> str:
        """What it was settled as."""
        if self.truth is None:
            return ""
        return self.truth.label.display_name if self.truth.label else str(self.truth.get_outcome_display())

    @property
    def said_name(self) -> str:
        if self.said is None:
            return ""
        return self.said.label.display_name if self.said.label else str(self.said.get_kind_display())

    @property
    def stood(self) -> bool:
        """Whether one's own word is what was settled."""
        mine, found = self.said, self.truth
        return mine is not None and found is not None and (mine.kind, mine.label_id) == (found.outcome, found.label_id)


def cases_of(user: User, said: Iterable[Verdict], parts: Collection[int] = ()) -> dict[Key, CaseEnd]:
    """The cases about what ``user`` ``said``, and those about ``parts`` that the person challenged.

    A colleague's decision is told once it is out, and a case that is still open only to who asked for it: whoever may
    still change a word is not told that others disagree. One query where there is no such case, which is nearly always.
    """
    words = {(one.review.inspection_id, one.review.registered_model_id): one for one in said}
    asked_for = {inspection for inspection, _ in words} | set(parts)
    rounds = Review.objects.filter(inspection__in=asked_for, reason=Review.Reason.ADJUDICATION)
    found: dict[Key, list[Review]] = {}
    open_too = rounds.exclude(status=Review.Status.CANCELLED).order_by("round")
    for one in open_too.select_related("inspection", "registered_model"):
        found.setdefault((one.inspection_id, one.registered_model_id), []).append(one)
    if not found:
        return {}
    ids = [one.pk for several in found.values() for one in several]
    doubts = dict(Challenge.objects.filter(review__in=ids, challenged_by=user).values_list("review", "reason"))
    decisions = {
        one.review_id: one
        for one in Verdict.objects.counting().filter(review__in=ids).exclude(reviewer=user).order_by("pk")
    }
    truths = {
        (one.inspection_id, one.registered_model_id): one
        for one in GroundTruth.objects.told().filter(inspection__in=[part for part, _ in found]).select_related("label")
    }
    ends = (_end(several, words.get(key), doubts, decisions, truths.get(key)) for key, several in found.items())
    return {(one.review.inspection_id, one.review.registered_model_id): one for one in ends if one is not None}


def _end(
    rounds: list[Review],
    said: Verdict | None,
    doubts: dict[int, str],
    decisions: dict[int, Verdict],
    truth: GroundTruth | None,
) -> CaseEnd | None:
    last = rounds[-1]
    doubt = next((doubts[one.pk] for one in reversed(rounds) if one.pk in doubts), "")
    decision = next((decisions[one.pk] for one in reversed(rounds) if one.pk in decisions), None)
    if last.status == Review.Status.OPEN:
        return CaseEnd(last, said, doubt, None, "") if doubt else None
    if truth is None or decision is None or not (said or doubt):
        return None
    return CaseEnd(last, said, doubt, truth, decision.note)


def own_cases(user: User) -> list[CaseEnd]:
    """For one's own page: those about one's last words and challenges, the newest first, at most `SHOWN`."""
    said = Verdict.objects.counting().filter(reviewer=user.pk).select_related("review", "label").order_by("-pk")
    words = list(said[:LAST_WORDS])
    doubts = Challenge.objects.filter(challenged_by=user.pk).select_related("review").order_by("-pk")[:LAST_DOUBTS]
    ends = cases_of(user, reversed(words), [one.review.inspection_id for one in doubts])
    waiting_first = sorted(ends.values(), key=lambda one: (one.truth is not None, -one.review.pk))
    return waiting_first[:SHOWN]
