"""What may stand between two words of a term."""

import re

# A class of characters, a letter that is escaped, or a space; a space with a quantifier behind it is the term's own.
_PIECE = re.compile(r"\[(?:\\.|[^\]\\])*\](?P<own>[?*+{])?|\\.| (?![?*+{])")
_GAP = r"\s\u00ad\u200b"


def any_gap(term: str) -> str:
    """Let each space of a regular expression match any gap: line breaks, tabs, hard spaces, soft hyphens.

    A red flag must not be hidden by how the text was typed, wrapped or pasted. In a class of characters, as in
    `weight[- ]bearing`, the gap is one of them.
    """
    return _PIECE.sub(_widened, term)


def _widened(piece: re.Match[str]) -> str:
    text = piece[0]
    if text == " ":
        return f"[{_GAP}]+"
    if text[0] != "[" or " " not in text:
        return text
    return text.replace(" ", _GAP) + ("" if piece["own"] or text[1] == "^" else "+")
