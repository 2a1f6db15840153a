"""The admin's sidebar: pages grouped by what a person comes for. It lists only what the person may see."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import site
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

PAGES = (
    (_("Needs a person"), (("models_registry", "alert"), ("labeling", "review"))),
    (
        _("Models"),
        (
            ("models_registry", "registeredmodel"),
            ("models_registry", "modelversion"),
            ("models_registry", "modelalias"),
            ("models_registry", "versiontag"),
            ("models_registry", "namechange"),
            ("models_registry", "cardtext"),
        ),
    ),
    (
        _("Labels"),
        (
            ("models_registry", "labelset"),
            ("models_registry", "label"),
            ("models_registry", "labelmapping"),
            ("labeling", "goldensample"),
        ),
    ),
    (
        _("Policies"),
        (
            ("models_registry", "retrainingpolicy"),
            ("models_registry", "promotionpolicy"),
            ("models_registry", "policychange"),
            ("models_registry", "costmatrix"),
            ("models_registry", "escapelimit"),
            ("labeling", "reviewpolicy"),
            ("labeling", "samplingdesign"),
        ),
    ),
    (_("Places"), (("labeling", "site"), ("labeling", "station"), ("labeling", "source"), ("labeling", "deployment"))),
    (
        _("People"),
        (
            ("labeling", "membership"),
            ("labeling", "qualification"),
            ("labeling", "apikey"),
            ("labeling", "keymap"),
            ("auth", "user"),
            ("auth", "group"),
        ),
    ),
    (
        _("At the stations"),
        (
            ("labeling", "stationdevice"),
            ("labeling", "badge"),
            ("labeling", "pin"),
            ("labeling", "switch"),
            ("labeling", "pause"),
            ("labeling", "handovernote"),
            ("labeling", "personfigures"),
        ),
    ),
    (
        _("Webhooks"),
        (
            ("models_registry", "webhook"),
            ("models_registry", "delivery"),
            ("models_registry", "deliveryattempt"),
            ("models_registry", "event"),
            ("models_registry", "mlflowpush"),
        ),
    ),
    (
        _("What was seen"),
        (
            ("labeling", "inspection"),
            ("labeling", "item"),
            ("labeling", "imagefetch"),
            ("labeling", "filetodelete"),
            ("labeling", "itemquality"),
            ("labeling", "qualityreference"),
            ("labeling", "prediction"),
            ("labeling", "selection"),
            ("labeling", "routingstate"),
            ("labeling", "designstate"),
            ("labeling", "dispositionrecord"),
            ("labeling", "import"),
            ("labeling", "ingestbatch"),
            ("labeling", "tally"),
            ("labeling", "regionmatch"),
            ("labeling", "pendingdraw"),
            ("labeling", "hourlyfacts"),
        ),
    ),
    (
        _("What people said"),
        (
            ("labeling", "verdict"),
            ("labeling", "groundtruth"),
            ("labeling", "reveal"),
            ("labeling", "challenge"),
            ("labeling", "outcome"),
            ("labeling", "declaredsample"),
        ),
    ),
    (
        _("Reports"),
        (("models_registry", "report"), ("models_registry", "reportaddendum"), ("labeling", "audit")),
    ),
    (
        _("Training"),
        (
            ("models_registry", "trainingrun"),
            ("models_registry", "trainingstep"),
            ("models_registry", "dataset"),
            ("models_registry", "imagefeatures"),
            ("labeling", "learninground"),
            ("labeling", "learningpick"),
            ("models_registry", "evaluation"),
            ("models_registry", "monitor"),
            ("models_registry", "monitortransition"),
            ("models_registry", "comparison"),
            ("models_registry", "promotion"),
            ("labeling", "shadowdesign"),
            ("labeling", "shadowdraw"),
            ("labeling", "canary"),
            ("labeling", "canarylot"),
            ("models_registry", "retrainingdecision"),
            ("models_registry", "retrainingrequest"),
            ("models_registry", "retrainingstanding"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Named in ``UNFOLD["SIDEBAR"]``; called for every page of the admin."""
    return [{"title": title, "separator": True, "items": _items(request, pages)} for title, pages in PAGES]


def _items(request: HttpRequest, pages: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    registered = {(model._meta.app_label, model._meta.model_name): one for model, one in site._registry.items()}
    seen = [(page, registered[page]) for page in pages if registered[page].has_view_permission(request)]
    return [
        {"title": one.model._meta.verbose_name_plural.capitalize(), "link": reverse(f"admin:{app}_{name}_changelist")}
        for (app, name), one in seen
    ]
