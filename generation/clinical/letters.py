"""Letters as they are compared: lower case, Danish ones spelled out, other accents dropped."""

import unicodedata
from collections.abc import Iterator

SPELLED = {"æ": "ae", "ø": "oe", "å": "aa", "ö": "oe", "ä": "ae", "½": ".5", "≤": "<=", "≥": ">="}
SPELLED |= dict.fromkeys("’‘ʼ´`", "'") | dict.fromkeys("–—‑−", "-")


def fold(text: str) -> str:
    """`knæ`, `KNÆ`, `knae` and the `å` that a Mac writes as two signs all come out as one spelling."""
    return "".join(piece for piece, _, _ in pieces(text))


def pieces(text: str) -> Iterator[tuple[str, int, int]]:
    """Each sign with its accents: its folded letters, and where it starts and ends in the text."""
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        yield _folded(text[start:end]), start, end
        start = end


def _folded(sign: str) -> str:
    if len(sign) == 1 and sign.isascii():
        return sign.lower()
    letters = unicodedata.normalize("NFC", sign).casefold()
    return "".join(SPELLED.get(letter) or _plain(letter) for letter in letters)


def _plain(letter: str) -> str:
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare.isascii() else letter
