"""Inspections, their images, what was predicted and what the line was told: all of it history."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from labeling.images.fetch import fetch_again
from labeling.models import (
    DispositionRecord,
    FileToDelete,
    ImageFetch,
    IngestBatch,
    Inspection,
    Item,
    Prediction,
    ShadowPrediction,
)
from models_registry.admin.base import HistoryAdmin, ReadOnly, TabularInline, attempt


class ItemInline(ReadOnly, TabularInline):
    model = Item
    fields = ("view", "source", "image_status", "content_type", "width", "height", "created_at")
    extra = 0


@admin.register(Inspection)
class InspectionAdmin(HistoryAdmin):
    list_display = ("inspection_id", "serial", "attempt", "station", "lot", "purpose", "partition", "captured_at")
    list_select_related = ("station",)
    list_filter = ("purpose", "partition", "station")
    search_fields = ("=inspection_id", "=serial", "=lot")
    search_help_text = "Inspection id, serial or lot, in full"
    inlines = (ItemInline,)


@admin.register(Item)
class ItemAdmin(HistoryAdmin):
    list_display = ("inspection", "view", "source", "image_status", "content_type", "width", "height", "created_at")
    list_select_related = ("inspection", "source")
    list_filter = ("image_status", "view", "content_type", "source")
    search_fields = ("=inspection__inspection_id", "=inspection__serial", "=sha256")


@admin.register(FileToDelete)
class FileToDeleteAdmin(HistoryAdmin):
    list_display = ("key", "created_at")
    search_fields = ("=key", "=sha256")


@admin.register(ImageFetch)
class ImageFetchAdmin(HistoryAdmin):
    list_display = ("item", "status", "n_attempts", "next_attempt_at", "code", "reason", "finished_at")
    list_select_related = ("item__inspection",)
    list_filter = ("status", "code")
    search_fields = ("=item__inspection__inspection_id", "=item__inspection__serial")
    actions = ("fetch_again",)

    @admin.action(description=_lazy("Fetch again"), permissions=["fetch_again"])
    def fetch_again(self, request: HttpRequest, queryset: QuerySet[ImageFetch]) -> None:
        def deed(fetch: ImageFetch) -> str:
            if not fetch_again(fetch=fetch, now=timezone.now()):
                return _("%(fetch)s: nothing to do, it did not fail.") % {"fetch": fetch}
            return _("%(fetch)s is fetched again.") % {"fetch": fetch}

        attempt(self, request, queryset.select_related("item__inspection"), deed)

    def has_fetch_again_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("labeling.change_imagefetch")


@admin.register(Prediction)
class PredictionAdmin(HistoryAdmin):
    list_display = ("inspection", "model_version", "label", "confidence", "predicted_at")
    list_select_related = ("inspection", "model_version__registered_model", "label")
    list_filter = ("model_version__registered_model",)
    search_fields = ("=inspection__inspection_id", "=inspection__serial")


@admin.register(ShadowPrediction)
class ShadowPredictionAdmin(HistoryAdmin):
    """What candidates said beside the champion."""

    list_display = ("inspection", "model_version", "label", "disagrees", "problem", "scored_at")
    list_select_related = ("inspection", "model_version__registered_model", "label")
    list_filter = ("disagrees", "model_version__registered_model")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")


@admin.register(DispositionRecord)
class DispositionRecordAdmin(HistoryAdmin):
    list_display = ("inspection", "disposition", "origin", "reason", "created_at", "done_at", "revoked_at")
    list_select_related = ("inspection",)
    list_filter = ("disposition", "origin")
    search_fields = ("=inspection__inspection_id", "=inspection__serial")


@admin.register(IngestBatch)
class IngestBatchAdmin(HistoryAdmin):
    """Requests that named an `Idempotency-Key`."""

    list_display = ("key", "submitted_by", "started_at", "finished_at", "http_status")
    list_select_related = ("submitted_by",)
    exclude = ("answer",)
    search_fields = ("=key",)
