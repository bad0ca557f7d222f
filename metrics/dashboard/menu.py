"""The admin's menu and first page, with the dashboard on top for those who may see it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext

from metrics.models import Dashboard


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the sidebar as unfold takes them: it would sort them by name."""
    return [
        {
            "title": app["name"],
            "items": [{"title": model["name"], "link": model["admin_url"]} for model in app["models"]],
        }
        for app in dashboard_first(admin.site.get_app_list(request))
    ]


def index(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return context | {"app_list": dashboard_first(context["app_list"])}


def dashboard_first(apps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """These applications, the dashboard taken out of its own into one of its own before them all."""
    found: list[dict[str, Any]] = []
    for app in apps:
        pages = [model for model in app["models"] if model["model"] is Dashboard]
        rest = [model for model in app["models"] if model["model"] is not Dashboard]
        found += [app | {"models": rest}] if rest else []
        if pages:
            name, url = gettext("Overview"), pages[0]["admin_url"]
            found.insert(0, app | {"name": name, "app_label": "overview", "app_url": url, "models": pages})
    return found
