"""The history: what was generated, how it ended, and what became of it."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from generation import looks, page_words, presentation, program_serializers, programs, record_numbers, runs
from generation.history_forms import HistoryFilter, RecordNumberSearch
from generation.models import User
from generation.page_access import SignedInRequest, signed_in, visible_run, wants_part

PAGE_SIZE = 25


@signed_in
@require_safe
def history(request: SignedInRequest) -> HttpResponse:
    visible = runs.visible_to(request.user)
    narrowing = HistoryFilter(request.user, visible, request.GET)
    found = narrowing.narrowed(visible).select_related("program__clinic").order_by("-created_at", "-id")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    looks.listed(request.user, page)
    context = {
        "page": page,
        "rows": [presentation.history_row(run, request.user) for run in page],
        "filter": narrowing,
        "narrowed": bool(narrowing.given),
        "rest": urlencode({name: request.GET[name] for name in narrowing.given}),
    }
    if wants_part(request):
        return render(request, "generation/_runs.html", context)
    return history_page(request, context)


def history_page(request: SignedInRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    whole = {"search": RecordNumberSearch(label_suffix=""), "words": page_words.FOR_HISTORY_SCRIPTS, **context}
    return render(request, "generation/history.html", whole, status=status)


@signed_in
@require_POST
def search(request: SignedInRequest) -> HttpResponse:
    """The runs with exactly this record number, which stands in the body of the request alone. Audited."""
    asked = RecordNumberSearch(request.POST, label_suffix="")
    visible = runs.visible_to(request.user)
    if not asked.is_valid():
        context = {"search": asked, "filter": HistoryFilter(request.user, visible, {}), "rows": [], "refused": True}
        return history_page(request, context, status=400)
    found = record_numbers.matching(visible, request.user, asked.cleaned_data["mrn"])
    shown = found.select_related("program__clinic").order_by("-created_at", "-id")[: record_numbers.MOST_FOUND]
    context = {
        "search": asked,
        "filter": HistoryFilter(request.user, visible, {}),
        "rows": [presentation.history_row(run, request.user) for run in shown],
        "searched": True,
        "count": found.count(),
    }
    return history_page(request, context)


@signed_in
@require_POST
def reveal_record_number(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = visible_run(request, run_id)
    context = {"run": run, "mrn": record_numbers.reveal(request.user, run)}
    template = "generation/_revealed.html" if wants_part(request) else "generation/revealed.html"
    return render(request, template, context)


@signed_in
@require_safe
def program_list(request: SignedInRequest) -> HttpResponse:
    """All programs, copies too, which no run has written."""
    found = programs.visible_to(request.user).filter(is_template=False)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    looks.listed(request.user, page, "program")
    titles = {row["id"]: row["title"] for row in program_serializers.rows_shown(page)}
    rows = [
        {
            "program": program,
            "title": titles.get(str(program.pk)) or "–",
            "standing": presentation.standing_words(program),
            "owner": owner_words(program.owner, request.user),
        }
        for program in page
    ]
    return render(request, "generation/programs.html", {"page": page, "rows": rows})


def owner_words(owner: User, viewer: User) -> str:
    return "" if owner.pk == viewer.pk else str(owner)
