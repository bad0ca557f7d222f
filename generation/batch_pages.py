"""The pages of batches: for people who are signed in, and only of batches that exist for them."""

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generation import batch_presentation, batches, page_words, runs, spending
from generation.batch_forms import KIND, BatchForm
from generation.errors import Conflict, HepError, NotFound
from generation.models import Batch
from generation.page_access import SignedInRequest, signed_in, visible_run, with_retry_after

ATTENTION = "attention"


def visible_batch(request: SignedInRequest, batch_id: uuid.UUID) -> Batch:
    """Raises Http404, whether the batch is missing or somebody else's."""
    try:
        return batches.get_batch_for(request.user, batch_id)
    except NotFound:
        raise Http404 from None


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new_batch(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return form_page(request, BatchForm(request.user))
    form = BatchForm(request.user, request.POST, request.FILES)
    if not form.is_valid():
        return form_page(request, form, status=400)
    try:
        batch = batches.start(request.user, KIND, form.inputs, form.cleaned_data["max_parallel"])
    except HepError as error:
        form.add_error(None, page_words.said(error.sentence))
        return with_retry_after(form_page(request, form, status=error.status), error)
    return redirect("batch", batch.pk)


def form_page(request: HttpRequest, form: BatchForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "max_rows": settings.MAX_BATCH_ROWS,
        "max_bytes": settings.MAX_BODY_BYTES,
        "max_kb": settings.MAX_BODY_BYTES // 1024,
        "most": settings.MAX_ACTIVE_RUNS_PER_USER,
    }
    return render(request, "generation/batch_new.html", context, status=status)


@signed_in
@require_safe
def batch_page(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    return shown(request, visible_batch(request, batch_id))


def shown(request: SignedInRequest, batch: Batch, problem: HepError | None = None) -> HttpResponse:
    found = list(batches.rows(batch, request.user))
    order = ATTENTION if request.GET.get("show") == ATTENTION else ""
    rows = batch_presentation.rows_of(found, by_attention=order == ATTENTION)
    context = {
        "batch": batch,
        "rows": rows,
        "order": order,
        "filters": page_words.BATCH_ORDERS,
        "totals": batch_presentation.totals_words(rows, spending.of_batch(batch, request.user)),
        "progress": batches.progress_of(found),
        # A server that only serves pages takes no runs, and does not know how many the others take.
        "parallel": min(batch.max_parallel, settings.MAX_CONCURRENT_RUNS or batch.max_parallel),
        "owner": "" if batch.owner_id == request.user.pk else str(batch.owner),
        "live": any(run.live for run in found),
        "may_retry": any(row["may_retry"] for row in rows),
        "problem": problem,
        "words": page_words.FOR_BATCH_SCRIPTS,
    }
    return render(request, "generation/batch.html", context, status=problem.status if problem else 200)


@signed_in
@require_safe
def batch_rows(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The totals and the rows named by `?run=`, each as often as there are some, for the page's script."""
    batch = visible_batch(request, batch_id)
    rows = batch_presentation.rows_of(batches.rows(batch, request.user))
    asked = set(request.GET.getlist("run"))
    context: dict[str, Any] = {
        "batch": batch,
        "rows": [row for row in rows if str(row["run"].uid) in asked],
        "totals": batch_presentation.totals_words(rows, spending.of_batch(batch, request.user)),
    }
    return render(request, "generation/_batch_rows.html", context)


def acted(request: SignedInRequest, batch: Batch, act: Callable[[], object]) -> HttpResponse:
    """Do it and come back to the page, which says how things are; a refusal is said on it."""
    try:
        act()
    except NotFound:
        raise Http404 from None
    except Conflict:
        # Somebody was faster; the page shows what came of it.
        pass
    except HepError as error:
        return with_retry_after(shown(request, batch, error), error)
    return redirect("batch", batch.pk)


@signed_in
@require_POST
def cancel_batch(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = visible_batch(request, batch_id)
    return acted(request, batch, lambda: batches.cancel(request.user, batch))


@signed_in
@require_POST
def retry_batch(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = visible_batch(request, batch_id)
    return acted(request, batch, lambda: batches.retry(request.user, batch))


@signed_in
@require_POST
def cancel_row(request: SignedInRequest, batch_id: uuid.UUID, run_id: uuid.UUID) -> HttpResponse:
    return act_on_row(request, batch_id, run_id, runs.cancel)


@signed_in
@require_POST
def retry_row(request: SignedInRequest, batch_id: uuid.UUID, run_id: uuid.UUID) -> HttpResponse:
    return act_on_row(request, batch_id, run_id, runs.retry)


def act_on_row(
    request: SignedInRequest, batch_id: uuid.UUID, run_id: uuid.UUID, act: Callable[..., object]
) -> HttpResponse:
    batch = visible_batch(request, batch_id)
    if visible_run(request, run_id).batch_id != batch.pk:
        raise Http404
    if not batches.rows(batch, request.user).filter(uid=run_id).exists():
        # The row was started again meanwhile; the button is that of an older page.
        return redirect("batch", batch.pk)
    return acted(request, batch, lambda: act(request.user, run_id))
