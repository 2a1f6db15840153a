"""The cache of image features: to look at, never to write."""

from __future__ import annotations

from django.contrib import admin

from models_registry.admin.base import HistoryAdmin
from models_registry.models import ImageFeatures


@admin.register(ImageFeatures)
class ImageFeaturesAdmin(HistoryAdmin):
    list_display = ("sha256", "features_version", "made_at")
    list_filter = ("features_version",)
    search_fields = ("=sha256",)
    fields = ("sha256", "features_version", "made_at")
