"""What the pages of the admin have in common."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin


class ReadOnly(ModelAdmin):  # type: ignore[misc]
    """Looked at here, changed elsewhere."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def dollars(cost: Decimal | None) -> str:
    return f"{number_format(cost or 0, decimal_pos=4)} USD"


def table(head: Sequence[str | Promise], rows: Iterable[Sequence[object]]) -> SafeString:
    """A plain table; whatever is in its cells is text, unless it is safe."""
    titles = format_html_join("", '<th scope="col" class="pr-4">{}</th>', ((title,) for title in head))
    cells = "<tr>" + '<td class="pr-4">{}</td>' * len(head) + "</tr>"
    body = format_html_join("", cells, rows)
    return format_html(
        '<table class="w-full text-left"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', titles, body
    )
