"""Where a page can be asked for again."""

from django import template
from django.http import HttpRequest
from django.urls import reverse

register = template.Library()

# The addresses that only take a command, and the page that shows what became of it.
AFTER_COMMAND = {
    "choose-language": "generate",
    "logout": "generate",
    "preview": "generate",
    "search-runs": "history",
    "record-number": "run",
    "correct-run": "run",
    "cancel-run": "run",
    "pause-run": "run",
    "resume-run": "run",
    "cancel-batch": "batch",
    "retry-batch": "batch",
    "cancel-row": "batch",
    "retry-row": "batch",
    "edit-program": "program",
    "approve-program": "program",
    "duplicate-program": "program",
    "save-template": "program",
    "delete-program": "program",
    "use-template": "program",
    "revoke-share": "shares",
}


@register.filter
def own_address(request: HttpRequest) -> str:
    """The path that a GET shows this page at; of a command, that of the page it belongs to."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    match = request.resolver_match
    page = AFTER_COMMAND.get((match and match.url_name) or "")
    if match is None or page is None:
        return request.path
    # What a command is about comes first in its address: the run, the batch or the program.
    about = list(match.kwargs.values())[:1] if page not in ("generate", "history") else []
    return reverse(page, args=about)
