"""What a refusal says, in the reader's language."""

from django import template

from generation import page_words

register = template.Library()
register.filter("said", page_words.said)
