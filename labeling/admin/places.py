"""Sites, stations and cameras. What a line was seen to run is history."""

from __future__ import annotations

from django.contrib import admin

from labeling.models import Deployment, Site, Source, Station
from models_registry.admin.base import HistoryAdmin, ModelAdmin, TabularInline


class StationInline(TabularInline):
    model = Station
    extra = 0
    show_change_link = True


class SourceInline(TabularInline):
    model = Source
    extra = 0


@admin.register(Site)
class SiteAdmin(ModelAdmin):
    list_display = ("name", "slug", "time_zone")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (StationInline,)


@admin.register(Station)
class StationAdmin(ModelAdmin):
    list_display = ("name", "slug", "site")
    list_select_related = ("site",)
    list_filter = ("site",)
    search_fields = ("name", "slug", "site__name")
    autocomplete_fields = ("site",)
    prepopulated_fields = {"slug": ("name",)}
    inlines = (SourceInline,)


@admin.register(Source)
class SourceAdmin(ModelAdmin):
    list_display = ("name", "slug", "station")
    list_select_related = ("station",)
    list_filter = ("station__site",)
    search_fields = ("name", "slug", "station__name")
    autocomplete_fields = ("station",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Deployment)
class DeploymentAdmin(HistoryAdmin):
    list_display = ("model_version", "station", "first_seen_at", "last_seen_at")
    list_select_related = ("model_version__registered_model", "station")
    list_filter = ("registered_model", "station__site")
    search_fields = ("station__name", "registered_model__name", "model_version__external_name")
