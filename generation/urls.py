from django.urls import path

from generation.schema import views as documents
from generation.views import batches, library, metrics, runs, tickets

urlpatterns = [
    path("api/runs", runs.RunList.as_view()),
    path("api/runs/<str:run_id>", runs.RunDetail.as_view()),
    path("api/runs/<str:run_id>/result", runs.RunResult.as_view()),
    path("api/runs/<str:run_id>/cancel", runs.RunCancel.as_view()),
    path("api/runs/<str:run_id>/pause", runs.RunPause.as_view()),
    path("api/runs/<str:run_id>/resume", runs.RunResume.as_view()),
    path("api/runs/<str:run_id>/retry", runs.RunRetry.as_view()),
    path("api/batches", batches.BatchList.as_view()),
    path("api/batches/<str:batch_id>", batches.BatchDetail.as_view()),
    path("api/batches/<str:batch_id>/cancel", batches.BatchCancel.as_view()),
    path("api/batches/<str:batch_id>/retry", batches.BatchRetry.as_view()),
    path("api/stream-tickets", tickets.StreamTickets.as_view()),
    path("api/exercises", library.ExerciseList.as_view()),
    path("api/exercises/<str:slug>", library.ExerciseDetail.as_view()),
    path("api/estimates", metrics.Estimates.as_view()),
    path("api/metrics", metrics.Metrics.as_view()),
    path("api/schema", documents.OpenApi.as_view(), name="openapi"),
    path("api/docs", documents.Docs.as_view()),
    path("api/asyncapi.json", documents.AsyncApi.as_view()),
]
