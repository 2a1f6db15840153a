"""Every address of the product: pages, API, admin."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from labeling.views.fleet import fleet
from labeling.views.model import how, model, outlook, retrain_now, slices, table
from labeling.views.plan import review_plan
from labeling.views.reports import report, report_amend, report_csv, report_file, reports
from labeling.views.reviewed import model_reviews
from labeling.views.station import review_queues, station
from models_registry.views.runs import run, run_progress, runs
from models_registry.views.versions import approve, refuse, roll_back
from reviewapp.views import healthz, page_not_allowed, page_not_found, page_server_error

handler403 = page_not_allowed
handler404 = page_not_found
handler500 = page_server_error

urlpatterns = [
    path("", fleet, name="fleet"),
    path("models/<slug:slug>/", model, name="model"),
    path("models/<slug:slug>/how/", how, name="model-how"),
    path("models/<slug:slug>/outlook/", outlook, name="model-outlook"),
    path("models/<slug:slug>/slices/", slices, name="model-slices"),
    path("models/<slug:slug>/tables/<slug:name>.csv", table, name="model-table"),
    path("models/<slug:slug>/reviews/", model_reviews, name="model-reviews"),
    path("models/<slug:slug>/plan/", review_plan, name="plan"),
    path("models/<slug:slug>/retrain/", retrain_now, name="retrain"),
    path("review/", review_queues, name="review"),
    path("review/<slug:slug>/", station, name="station"),
    path("reports/", reports, name="reports"),
    path("reports/<int:pk>/", report, name="report"),
    path("reports/<int:pk>/report.pdf", report_file, name="report-pdf"),
    path("reports/<int:pk>/report.csv", report_csv, name="report-csv"),
    path("reports/<int:pk>/addenda/", report_amend, name="report-amend"),
    path("runs/", runs, name="runs"),
    path("runs/<int:pk>/", run, name="run"),
    path("runs/<int:pk>/progress/", run_progress, name="run-progress"),
    path("versions/<int:pk>/approve/", approve, name="approve"),
    path("versions/<int:pk>/refuse/", refuse, name="refuse"),
    path("versions/<int:pk>/roll-back/", roll_back, name="roll-back"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", healthz, name="healthz"),
    path("api/v1/", include("labeling.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", login_required(SpectacularSwaggerSplitView.as_view(url_name="schema")), name="docs"),
    path("admin/", admin.site.urls),
]
