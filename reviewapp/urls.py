"""Every address of the product: pages, API, admin."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from labeling.views.adjudicate import adjudicate
from labeling.views.canary import canary, canary_stop
from labeling.views.challenge import challenge_part
from labeling.views.fleet import fleet
from labeling.views.grid import grid
from labeling.views.learning import learning, start_round
from labeling.views.me import me, own_pin, pause
from labeling.views.model import how, model, outlook, retrain_now, slices, table
from labeling.views.people import SignIn, change_person, handover, screens
from labeling.views.plan import review_plan
from labeling.views.policy import policy, policy_preview
from labeling.views.reports import report, report_amend, report_csv, report_file, reports
from labeling.views.reviewed import model_reviews
from labeling.views.station import review_queues, station
from labeling.views.station_queue import station_queue
from models_registry.views.cards import card_file, card_text, version, versions
from models_registry.views.comparisons import comparison
from models_registry.views.datasets import dataset, dataset_changes, datasets
from models_registry.views.names import alias, tag
from models_registry.views.remote import (
    remote_artifact,
    remote_failed,
    remote_image,
    remote_manifest,
    remote_progress,
    remote_training,
)
from models_registry.views.runs import run, run_progress, runs
from models_registry.views.versions import approve, refuse, register_version, roll_back
from reviewapp.views import healthz, manifest, page_not_allowed, page_not_found, page_server_error

handler403 = page_not_allowed
handler404 = page_not_found
handler500 = page_server_error

urlpatterns = [
    path("api/v1/", include("labeling.api.urls")),
    path("", fleet, name="fleet"),
    path("models/<slug:slug>/", model, name="model"),
    path("models/<slug:slug>/how/", how, name="model-how"),
    path("models/<slug:slug>/learning/", learning, name="model-learning"),
    path("models/<slug:slug>/policy/", policy, name="policy"),
    path("models/<slug:slug>/policy/preview/", policy_preview, name="policy-preview"),
    path("models/<slug:slug>/outlook/", outlook, name="model-outlook"),
    path("models/<slug:slug>/slices/", slices, name="model-slices"),
    path("models/<slug:slug>/tables/<slug:name>.csv", table, name="model-table"),
    path("models/<slug:slug>/reviews/", model_reviews, name="model-reviews"),
    path("models/<slug:slug>/plan/", review_plan, name="plan"),
    path("models/<slug:slug>/canary/", canary, name="canary"),
    path("models/<slug:slug>/canary/stop/", canary_stop, name="canary-stop"),
    path("models/<slug:slug>/retrain/", retrain_now, name="retrain"),
    path("reviews/<int:pk>/challenge/", challenge_part, name="challenge"),
    path("models/<slug:slug>/rounds/", start_round, name="start-round"),
    path("adjudicate/<slug:slug>/", adjudicate, name="adjudicate"),
    path("adjudicate/<slug:slug>/<int:pk>/", adjudicate, name="case"),
    path("review/", review_queues, name="review"),
    path("review/<slug:slug>/", station, name="station"),
    path("review/station/<slug:slug>/", station_queue, name="station-queue"),
    path("review/<slug:slug>/grid/", grid, name="grid"),
    path("stations/<slug:slug>/change/", change_person, name="change-person"),
    path("stations/<slug:slug>/screens/", screens, name="screens"),
    path("stations/<slug:slug>/handover/", handover, name="handover"),
    path("training-requests/<uuid:uid>/", remote_training, name="remote-training"),
    path("training-requests/<uuid:uid>/manifest/", remote_manifest, name="remote-manifest"),
    path("training-requests/<uuid:uid>/images/<str:name>", remote_image, name="remote-image"),
    path("training-requests/<uuid:uid>/progress/", remote_progress, name="remote-progress"),
    path("training-requests/<uuid:uid>/failed/", remote_failed, name="remote-failed"),
    path("training-requests/<uuid:uid>/artifact/", remote_artifact, name="remote-artifact"),
    path("me/", me, name="me"),
    path("me/pause/", pause, name="pause"),
    path("me/pin/", own_pin, name="own-pin"),
    path("reports/", reports, name="reports"),
    path("reports/<int:pk>/", report, name="report"),
    path("reports/<int:pk>/report.pdf", report_file, name="report-pdf"),
    path("reports/<int:pk>/report.csv", report_csv, name="report-csv"),
    path("reports/<int:pk>/addenda/", report_amend, name="report-amend"),
    path("comparisons/<int:pk>/", comparison, name="comparison"),
    path("datasets/", datasets, name="datasets"),
    path("datasets/<int:pk>/", dataset, name="dataset"),
    path("datasets/<int:pk>/changes/", dataset_changes, name="dataset-changes"),
    path("runs/", runs, name="runs"),
    path("runs/<int:pk>/", run, name="run"),
    path("runs/<int:pk>/progress/", run_progress, name="run-progress"),
    path("models/<slug:slug>/versions/", versions, name="versions"),
    path("models/<slug:slug>/versions/register/", register_version, name="register-version"),
    path("versions/<int:pk>/", version, name="version"),
    path("models/<slug:slug>/aliases/", alias, name="alias"),
    path("versions/<int:pk>/tags/", tag, name="tag"),
    path("versions/<int:pk>/card/", card_text, name="card-text"),
    re_path(r"^versions/(?P<pk>\d{1,18})/card\.(?P<extension>md|html|pdf)$", card_file, name="card-file"),
    path("versions/<int:pk>/approve/", approve, name="approve"),
    path("versions/<int:pk>/refuse/", refuse, name="refuse"),
    path("versions/<int:pk>/roll-back/", roll_back, name="roll-back"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", require_POST(set_language), name="language"),
    path("healthz", healthz, name="healthz"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", login_required(SpectacularSwaggerSplitView.as_view(url_name="schema")), name="docs"),
    path("admin/", admin.site.urls),
]
