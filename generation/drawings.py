"""The drawing of an exercise, for the pages."""

from django.utils.safestring import SafeString, mark_safe

from generation.clinical import figures


def figure(slug: str, language: str) -> SafeString | None:
    drawing = figures.svg(slug, language)
    # Drawn by us from our own data, with its title escaped.
    return mark_safe(drawing) if drawing else None  # noqa: S308
