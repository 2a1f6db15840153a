"""`/api/v1/`."""

from django.urls import path

from labeling.api.accuracy import ModelAccuracy, ModelConfusion, ModelRegions, ModelReliability, ModelSlices
from labeling.api.bulk import BulkPredictions
from labeling.api.campaigns import Campaigns
from labeling.api.canaries import Canaries, CanaryStop, Serving
from labeling.api.cases import Cases, Challenge, Reveal, TakeCase
from labeling.api.containment import Containment
from labeling.api.datasets import DatasetArchive, DatasetDiffView, DatasetList, DatasetManifest, DatasetOne
from labeling.api.declared import DeclaredSamples
from labeling.api.designs import DesignEnd, Designs
from labeling.api.desks import Golden, OwnKeys
from labeling.api.dispositions import Dispositions
from labeling.api.export import GroundTruthExport
from labeling.api.grid import ClaimTiles
from labeling.api.heatmaps import Heatmaps, ItemHeatmap
from labeling.api.image_upload import Images
from labeling.api.images import ItemImage, ItemTile
from labeling.api.imports import ImportDetail, Imports
from labeling.api.ingest import Inspections, Predict, Predictions
from labeling.api.learning_curve import ModelLearningCurve
from labeling.api.lists import GroundTruthList, Incidents, ReviewList, Versions
from labeling.api.mlflow import MlflowVersions
from labeling.api.models import ModelDetail, Models
from labeling.api.monitors import Monitors
from labeling.api.outcomes import Outcomes
from labeling.api.pauses import OwnPause
from labeling.api.plan import ReviewPlan
from labeling.api.registering import RegisterVersion
from labeling.api.reports import IssueReport, ReportCsv, ReportDetail, ReportList, ReportPdf
from labeling.api.retraining import Recalibrations, Retraining, RetrainingDecisions, RetrainingRequests
from labeling.api.reviews import Claim, Heartbeat, MyModels, Release, ReviewDetail, Undo, Verdicts
from labeling.api.stations import StationClaim
from labeling.api.trainer import Trainer
from labeling.api.versions import Alias, Aliases, Promote, Promotions, Refuse, RollBack, Tag, Tags

urlpatterns = [
    # what is asked all day is found first
    path("verdicts/", Verdicts.as_view(), name="api-verdicts"),
    path("models/<slug:slug>/reviews/claim/", Claim.as_view(), name="api-claim"),
    path("predictions/", Predictions.as_view(), name="api-predictions"),
    path("outcomes/", Outcomes.as_view(), name="api-outcomes"),
    path("predictions/bulk/", BulkPredictions.as_view(), name="api-predictions-bulk"),
    path("inspections/", Inspections.as_view(), name="api-inspections"),
    path("dispositions/", Dispositions.as_view(), name="api-dispositions"),
    path("images/", Images.as_view(), name="api-images"),
    path("models/", Models.as_view(), name="api-models"),
    path("models/<slug:slug>/", ModelDetail.as_view(), name="api-model"),
    path("models/<slug:slug>/accuracy/", ModelAccuracy.as_view(), name="api-accuracy"),
    path("models/<slug:slug>/confusion/", ModelConfusion.as_view(), name="api-confusion"),
    path("models/<slug:slug>/slices/", ModelSlices.as_view(), name="api-slices"),
    path("models/<slug:slug>/regions/", ModelRegions.as_view(), name="api-regions"),
    path("models/<slug:slug>/learning-curve/", ModelLearningCurve.as_view(), name="api-learning-curve"),
    path("models/<slug:slug>/reliability/", ModelReliability.as_view(), name="api-reliability"),
    path("models/<slug:slug>/ground-truth/export/", GroundTruthExport.as_view(), name="api-export"),
    path("models/<slug:slug>/imports/", Imports.as_view(), name="api-imports"),
    path("models/<slug:slug>/imports/<int:pk>/", ImportDetail.as_view(), name="api-import"),
    path("models/<slug:slug>/declared-samples/", DeclaredSamples.as_view(), name="api-declared"),
    path("models/<slug:slug>/designs/", Designs.as_view(), name="api-designs"),
    path("models/<slug:slug>/designs/<int:number>/end/", DesignEnd.as_view(), name="api-design-end"),
    path("models/<slug:slug>/campaigns/", Campaigns.as_view(), name="api-campaigns"),
    path("models/<slug:slug>/incidents/", Incidents.as_view(), name="api-incidents"),
    path("models/<slug:slug>/monitors/", Monitors.as_view(), name="api-monitors"),
    path("models/<slug:slug>/retraining/", Retraining.as_view(), name="api-retraining"),
    path("models/<slug:slug>/retraining/decisions/", RetrainingDecisions.as_view(), name="api-retraining-decisions"),
    path("models/<slug:slug>/recalibrations/", Recalibrations.as_view(), name="api-recalibrations"),
    path("models/<slug:slug>/retraining-requests/", RetrainingRequests.as_view(), name="api-retraining-requests"),
    path("models/<slug:slug>/trainer/", Trainer.as_view(), name="api-trainer"),
    path("models/<slug:slug>/plan/", ReviewPlan.as_view(), name="api-plan"),
    path("models/<slug:slug>/predict/", Predict.as_view(), name="api-predict"),
    path("models/<slug:slug>/keys/", OwnKeys.as_view(), name="api-keys"),
    path("models/<slug:slug>/golden/", Golden.as_view(), name="api-golden"),
    path("models/<slug:slug>/reviews/claim-tiles/", ClaimTiles.as_view(), name="api-claim-tiles"),
    path("models/<slug:slug>/cases/", Cases.as_view(), name="api-cases"),
    path("models/<slug:slug>/reports/", IssueReport.as_view(), name="api-issue-report"),
    path("reports/", ReportList.as_view(), name="api-reports"),
    path("reports/<int:pk>/", ReportDetail.as_view(), name="api-report"),
    path("reports/<int:pk>/pdf/", ReportPdf.as_view(), name="api-report-pdf"),
    path("reports/<int:pk>/csv/", ReportCsv.as_view(), name="api-report-csv"),
    path("datasets/", DatasetList.as_view(), name="api-datasets"),
    path("datasets/<int:pk>/", DatasetOne.as_view(), name="api-dataset"),
    path("datasets/<int:pk>/diff/", DatasetDiffView.as_view(), name="api-dataset-diff"),
    path("datasets/<int:pk>/manifest/", DatasetManifest.as_view(), name="api-dataset-manifest"),
    path("datasets/<int:pk>/archive/", DatasetArchive.as_view(), name="api-dataset-archive"),
    path("containment/", Containment.as_view(), name="api-containment"),
    path("stations/<slug:slug>/reviews/claim/", StationClaim.as_view(), name="api-station-claim"),
    path("versions/", Versions.as_view(), name="api-versions"),
    path("versions/<int:pk>/promote/", Promote.as_view(), name="api-promote"),
    path("versions/<int:pk>/refuse/", Refuse.as_view(), name="api-refuse"),
    path("versions/<int:pk>/tags/", Tags.as_view(), name="api-tags"),
    path("versions/<int:pk>/tags/<path:key>/", Tag.as_view(), name="api-tag"),
    path("models/<slug:slug>/versions/", RegisterVersion.as_view(), name="api-register-version"),
    path("models/<slug:slug>/roll-back/", RollBack.as_view(), name="api-roll-back"),
    path("models/<slug:slug>/canaries/", Canaries.as_view(), name="api-canaries"),
    path("models/<slug:slug>/canaries/<int:pk>/stop/", CanaryStop.as_view(), name="api-canary-stop"),
    path("models/<slug:slug>/serving/", Serving.as_view(), name="api-serving"),
    path("models/<slug:slug>/mlflow-versions/", MlflowVersions.as_view(), name="api-mlflow-versions"),
    path("models/<slug:slug>/promotions/", Promotions.as_view(), name="api-promotions"),
    path("models/<slug:slug>/aliases/", Aliases.as_view(), name="api-aliases"),
    path("models/<slug:slug>/aliases/<str:alias>/", Alias.as_view(), name="api-alias"),
    path("ground-truth/", GroundTruthList.as_view(), name="api-ground-truth"),
    path("queues/", MyModels.as_view(), name="api-queues"),
    path("me/pause/", OwnPause.as_view(), name="api-pause"),
    path("reviews/", ReviewList.as_view(), name="api-reviews"),
    path("reviews/release/", Release.as_view(), name="api-release"),
    path("reviews/<int:pk>/", ReviewDetail.as_view(), name="api-review"),
    path("reviews/<int:pk>/heartbeat/", Heartbeat.as_view(), name="api-heartbeat"),
    path("reviews/<int:pk>/reveal/", Reveal.as_view(), name="api-reveal"),
    path("reviews/<int:pk>/challenge/", Challenge.as_view(), name="api-challenge"),
    path("reviews/<int:pk>/take/", TakeCase.as_view(), name="api-take"),
    path("verdicts/<uuid:client_id>/undo/", Undo.as_view(), name="api-undo"),
    path("heatmaps/", Heatmaps.as_view(), name="api-heatmaps"),
    path("items/<uuid:public_id>/heatmaps/<str:sha256>/", ItemHeatmap.as_view(), name="item-heatmap"),
    path("items/<uuid:public_id>/image/", ItemImage.as_view(), name="item-image"),
    path("items/<uuid:public_id>/tiles/<int:level>/<int:column>_<int:row>/", ItemTile.as_view(), name="item-tile"),
]
