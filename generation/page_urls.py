"""The pages a person sees; everything under `api/` is in `generation.urls` and `generation.routing`."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from generation import pages

urlpatterns = [
    path("", pages.generate, name="generate"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("runs/", pages.history, name="history"),
    path("runs/<uuid:run_id>/", pages.run_page, name="run"),
    path("runs/<uuid:run_id>/cancel/", pages.cancel_run, name="cancel-run"),
]
