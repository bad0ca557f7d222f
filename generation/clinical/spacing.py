"""What may stand between two words of a term."""

import re

# Between two words of a term; a space with a quantifier behind it is the term's own.
_SPACE = re.compile(r" (?![?*+{])")


def any_gap(term: str) -> str:
    """Let each space of a regular expression match any gap: line breaks, tabs, hard spaces, soft hyphens.

    A red flag must not be hidden by how the text was typed, wrapped or pasted.
    """
    return _SPACE.sub(r"[\\s\\u00ad\\u200b]+", term)
