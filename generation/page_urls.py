"""The pages a person sees; everything under `api/` is in `generation.urls` and `generation.routing`."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from generation import batch_pages, pages

urlpatterns = [
    path("", pages.generate, name="generate"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("runs/", pages.history, name="history"),
    path("runs/<uuid:run_id>/", pages.run_page, name="run"),
    path("runs/<uuid:run_id>/live/", pages.live_run, name="live-run"),
    path("runs/<uuid:run_id>/cancel/", pages.cancel_run, name="cancel-run"),
    path("runs/<uuid:run_id>/pause/", pages.pause_run, name="pause-run"),
    path("runs/<uuid:run_id>/resume/", pages.resume_run, name="resume-run"),
    path("batches/new/", batch_pages.new_batch, name="new-batch"),
    path("batches/<uuid:batch_id>/", batch_pages.batch_page, name="batch"),
    path("batches/<uuid:batch_id>/cancel/", batch_pages.cancel_batch, name="cancel-batch"),
    path("batches/<uuid:batch_id>/retry/", batch_pages.retry_batch, name="retry-batch"),
    path("batches/<uuid:batch_id>/rows/", batch_pages.batch_rows, name="batch-rows"),
    path("batches/<uuid:batch_id>/rows/<uuid:run_id>/cancel/", batch_pages.cancel_row, name="cancel-row"),
    path("batches/<uuid:batch_id>/rows/<uuid:run_id>/retry/", batch_pages.retry_row, name="retry-row"),
]
