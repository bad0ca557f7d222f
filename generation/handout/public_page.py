"""What a share link opens: for a patient with a phone and no account. It names the clinic, and no person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from generation import shares
from generation.clinical.handout import words
from generation.handout.sheets import sheet_of

LANGUAGES = ("en", "da")


@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The same page for a link that is unknown, too old or closed, so that it tells nobody which."""
    if not shares.admitted(request.META.get("REMOTE_ADDR", "")):
        response = sorry(request, "busy", 429)
        response["Retry-After"] = "60"
        return response
    # A HEAD is a messenger that looks before somebody opens it.
    found = shares.opened(token, counted=request.method == "GET")
    if found is None:
        return sorry(request, "gone", 404)
    link, version = found
    wanted = request.GET.get("language")
    language = wanted if wanted in LANGUAGES else link.program.language
    sheet = sheet_of(version, language, public=True)
    others = [code for code in LANGUAGES if code != language]
    context = {
        "sheet": sheet,
        "size": "standard",
        "others": [(code, words(code)["other_language"]) for code in others],
    }
    return private(render(request, "generation/share.html", context))


def sorry(request: HttpRequest, what: str, status: int) -> HttpResponse:
    """In both languages: without a program there is nothing to know the reader's by."""
    texts = [
        {"language": code, "title": own[f"{what}_title"], "text": own[what], "urgent": own["urgent"]}
        for code in LANGUAGES
        for own in (words(code),)
    ]
    return private(render(request, "generation/share_sorry.html", {"texts": texts}, status=status))


def private(response: HttpResponse) -> HttpResponse:
    """Keep it out of caches and search engines, and its address out of every other site's log."""
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response
