"""Dates as the reader of the page writes them."""

from datetime import date, datetime

from django import template
from django.utils.formats import date_format
from django.utils.translation import pgettext

register = template.Library()


@register.filter
def moment(value: datetime) -> str:
    """Day and time, in UTC; the page's script makes it the reader's own time."""
    return date_format(value, pgettext("date format", "j M Y, H:i")) + " UTC"


@register.filter
def day(value: date) -> str:
    return date_format(value, pgettext("date format", "j M Y"))
