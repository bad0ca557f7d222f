"""Numbers as people write them, in figures or in words, English and Danish."""

import re

_EN = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
_DA = "en to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten"
_SMALL: dict[str, float] = {
    word: n for words in (_EN + "eighteen nineteen", _DA) for n, word in enumerate(words.split(), 1)
}
_SMALL |= {"zero": 0, "nul": 0, "a": 1, "an": 1, "et": 1}
_SMALL |= {"couple of": 2, "a couple of": 2, "et par": 2, "half": 0.5, "half a": 0.5, "et halvt": 0.5, "halvt": 0.5}
_SMALL |= {"en halv": 0.5, "halvanden": 1.5, "halvandet": 1.5, "one and a half": 1.5, "two and a half": 2.5}
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_TIER = dict(zip("tyve tredive fyrre halvtreds tres halvfjerds firs halvfems".split(), range(20, 100, 10), strict=True))
_UNITS = {word: n for word, n in _SMALL.items() if n in range(1, 10) and word not in ("a", "an")}

ARTICLES = frozenset({"a", "an", "en", "et"})
VALUES: dict[str, float] = {
    **_SMALL,
    **_TENS,
    **_TIER,
    **{f"{ten} {unit}": _TENS[ten] + n for ten in _TENS for unit, n in _UNITS.items()},
    **{f"{unit}og{ten}": _TIER[ten] + n for ten in _TIER for unit, n in _UNITS.items()},
}
WORDS = "|".join(word.replace(" ", "[ -]") for word in sorted(VALUES, key=len, reverse=True))
NUMBER = rf"(?:(?<![\d.,])\d{{1,3}}(?:[.,]\d)?|(?<![a-z])(?:{WORDS}))"

_GAP = re.compile(r"[ -]+")


def number(text: str) -> float:
    """The value of what `NUMBER` matched."""
    words = VALUES.get(_GAP.sub(" ", text))
    return words if words is not None else float(text.replace(",", "."))
