"""Reviews, verdicts and ground truth: what people were asked, what they said, what was settled."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import Challenge, GroundTruth, Reveal, Review, Verdict
from models_registry.admin.base import HistoryAdmin, ReadOnly, TabularInline


class VerdictInline(ReadOnly, TabularInline):
    model = Verdict
    fields = ("reviewer", "phase", "kind", "label", "note", "said_at")
    extra = 0


@admin.register(Review)
class ReviewAdmin(HistoryAdmin):
    list_display = ("inspection", "registered_model", "reason", "mode", "status", "claimed_by", "created_at")
    list_select_related = ("inspection", "registered_model", "claimed_by")
    list_filter = ("status", "mode", "reason", "registered_model")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")
    inlines = (VerdictInline,)


@admin.register(Verdict)
class VerdictAdmin(HistoryAdmin):
    list_display = ("review", "reviewer", "phase", "surface", "kind", "label", "lease_lost", "said_at")
    list_select_related = ("review__inspection", "reviewer", "label")
    list_filter = ("kind", "phase", "surface", "lease_lost", "review__registered_model")
    search_fields = ("=review__inspection__inspection_id", "=review__inspection__serial", "reviewer__username")
    date_hierarchy = "said_at"


@admin.register(Reveal)
class RevealAdmin(HistoryAdmin):
    list_display = ("review", "person", "was_decided", "shown_at")
    list_select_related = ("review__inspection", "person")
    list_filter = ("was_decided", "review__registered_model")
    search_fields = ("=review__inspection__inspection_id", "person__username")


@admin.register(Challenge)
class ChallengeAdmin(HistoryAdmin):
    list_display = ("review", "challenged_by", "reason", "created_at")
    list_select_related = ("review__inspection", "challenged_by")
    list_filter = ("review__registered_model",)
    search_fields = ("=review__inspection__inspection_id", "challenged_by__username")


@admin.register(GroundTruth)
class GroundTruthAdmin(HistoryAdmin):
    list_display = ("inspection", "registered_model", "outcome", "label", "n_verdicts", "method", "decided_at")
    list_select_related = ("inspection", "registered_model", "label")
    list_filter = ("outcome", "method", "by_grid", "registered_model")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")
    date_hierarchy = "decided_at"
