from django.urls import path

from generation import views

urlpatterns = [
    path("api/runs", views.RunList.as_view()),
    path("api/runs/<str:run_id>", views.RunDetail.as_view()),
    path("api/runs/<str:run_id>/result", views.RunResult.as_view()),
    path("api/runs/<str:run_id>/cancel", views.RunCancel.as_view()),
]
