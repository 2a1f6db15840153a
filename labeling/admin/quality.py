"""What was measured of images. A camera that was changed has its limits learned anew."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from labeling.images.quality import learn_anew
from labeling.models import ItemQuality, QualityReference
from models_registry.admin.base import HistoryAdmin, attempt


@admin.register(ItemQuality)
class ItemQualityAdmin(HistoryAdmin):
    list_display = ("item", "flags", "measured_at")
    list_select_related = ("item__inspection",)
    list_filter = ("item__source",)
    search_fields = ("=item__inspection__inspection_id", "=item__inspection__serial")


@admin.register(QualityReference)
class QualityReferenceAdmin(HistoryAdmin):
    list_display = ("source", "n", "learning_since", "frozen_at")
    list_select_related = ("source",)
    search_fields = ("source__name", "source__slug")
    actions = ("learn_anew",)

    @admin.action(description=_lazy("Learn the limits anew from images to come"), permissions=["learn_anew"])
    def learn_anew(self, request: HttpRequest, queryset: QuerySet[QualityReference]) -> None:
        def deed(reference: QualityReference) -> str:
            if not learn_anew(reference=reference, now=timezone.now()):
                return _("%(source)s: nothing to do, its limits are being learned.") % {"source": reference.source}
            return _("%(source)s is learned anew.") % {"source": reference.source}

        attempt(self, request, queryset.select_related("source"), deed)

    def has_learn_anew_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("labeling.change_qualityreference")
