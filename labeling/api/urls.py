"""`/api/v1/`."""

from django.urls import path

from labeling.api.accuracy import ModelAccuracy, ModelConfusion, ModelReliability, ModelSlices
from labeling.api.bulk import BulkPredictions
from labeling.api.containment import Containment
from labeling.api.declared import DeclaredSamples
from labeling.api.designs import DesignEnd, Designs
from labeling.api.dispositions import Dispositions
from labeling.api.export import GroundTruthExport
from labeling.api.image_upload import Images
from labeling.api.images import ItemImage
from labeling.api.imports import ImportDetail, Imports
from labeling.api.ingest import Inspections, Predict, Predictions
from labeling.api.lists import GroundTruthList, Incidents, ReviewList, Versions
from labeling.api.models import ModelDetail, Models
from labeling.api.monitors import Monitors
from labeling.api.outcomes import Outcomes
from labeling.api.plan import ReviewPlan
from labeling.api.reports import IssueReport, ReportCsv, ReportDetail, ReportList, ReportPdf
from labeling.api.reviews import Claim, Heartbeat, MyModels, Release, ReviewDetail, Undo, Verdicts

urlpatterns = [
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
    path("models/<slug:slug>/reliability/", ModelReliability.as_view(), name="api-reliability"),
    path("models/<slug:slug>/ground-truth/export/", GroundTruthExport.as_view(), name="api-export"),
    path("models/<slug:slug>/imports/", Imports.as_view(), name="api-imports"),
    path("models/<slug:slug>/imports/<int:pk>/", ImportDetail.as_view(), name="api-import"),
    path("models/<slug:slug>/declared-samples/", DeclaredSamples.as_view(), name="api-declared"),
    path("models/<slug:slug>/designs/", Designs.as_view(), name="api-designs"),
    path("models/<slug:slug>/designs/<int:number>/end/", DesignEnd.as_view(), name="api-design-end"),
    path("models/<slug:slug>/incidents/", Incidents.as_view(), name="api-incidents"),
    path("models/<slug:slug>/monitors/", Monitors.as_view(), name="api-monitors"),
    path("models/<slug:slug>/plan/", ReviewPlan.as_view(), name="api-plan"),
    path("models/<slug:slug>/predict/", Predict.as_view(), name="api-predict"),
    path("models/<slug:slug>/reviews/claim/", Claim.as_view(), name="api-claim"),
    path("models/<slug:slug>/reports/", IssueReport.as_view(), name="api-issue-report"),
    path("reports/", ReportList.as_view(), name="api-reports"),
    path("reports/<int:pk>/", ReportDetail.as_view(), name="api-report"),
    path("reports/<int:pk>/pdf/", ReportPdf.as_view(), name="api-report-pdf"),
    path("reports/<int:pk>/csv/", ReportCsv.as_view(), name="api-report-csv"),
    path("containment/", Containment.as_view(), name="api-containment"),
    path("versions/", Versions.as_view(), name="api-versions"),
    path("ground-truth/", GroundTruthList.as_view(), name="api-ground-truth"),
    path("queues/", MyModels.as_view(), name="api-queues"),
    path("reviews/", ReviewList.as_view(), name="api-reviews"),
    path("reviews/release/", Release.as_view(), name="api-release"),
    path("reviews/<int:pk>/", ReviewDetail.as_view(), name="api-review"),
    path("reviews/<int:pk>/heartbeat/", Heartbeat.as_view(), name="api-heartbeat"),
    path("verdicts/", Verdicts.as_view(), name="api-verdicts"),
    path("verdicts/<uuid:client_id>/undo/", Undo.as_view(), name="api-undo"),
    path("items/<uuid:public_id>/image/", ItemImage.as_view(), name="item-image"),
]
