"""What is different between two versions of a program, in codes and in words. Source: domain.md 1 and 6."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from generation.clinical.editing import words

Item = Mapping[str, Any]


def differences(before: Mapping[str, Any], after: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """One entry for each item that came, went, was swapped, moved, or has another dose or note.

    `before` and `after` of an entry are words: a name, a place, a dose or a note; null where there is none.
    """
    old = {item["slug"]: item for item in before["items"]}
    new = {item["slug"]: item for item in after["items"]}
    swapped = swaps(list(old), list(new))
    return [
        *(told("swapped", new[to], language, old[slug]["name"], new[to]["name"]) for slug, to in swapped.items()),
        *(told("removed", old[s], language, old[s]["dose_text"]) for s in old if s not in new and s not in swapped),
        *(
            told("added", new[s], language, None, new[s]["dose_text"])
            for s in new
            if s not in old and s not in swapped.values()
        ),
        *moves([swapped.get(slug, slug) for slug in old], new, language),
        *changes(old, new, language),
    ]


def swaps(old: Sequence[str], new: Sequence[str]) -> dict[str, str]:
    """What went, and what came into its place: behind the same exercise that stayed."""
    gone = behind(old, set(new))
    found = {}
    for slug, anchor in behind(new, set(old)):
        left = next((one for one, where in gone if where == anchor and one not in found), None)
        if left is not None:
            found[left] = slug
    return found


def behind(slugs: Sequence[str], stayed: set[str]) -> list[tuple[str, str | None]]:
    """Those that did not stay, each with the nearest one before it that did."""
    found, anchor = [], None
    for slug in slugs:
        if slug in stayed:
            anchor = slug
        else:
            found.append((slug, anchor))
    return found


def moves(old: Sequence[str], new: Mapping[str, Item], language: str) -> Iterator[dict[str, Any]]:
    """The fewest whose places explain the new order; a swapped one keeps its place under its new name."""
    order = [slug for slug in old if slug in new]
    places = {slug: place for place, slug in enumerate(slug for slug in new if slug in order)}
    kept = longest_rise([places[slug] for slug in order])
    there = list(new)
    for slug in order:
        if places[slug] not in kept:
            yield told("moved", new[slug], language, str(old.index(slug) + 1), str(there.index(slug) + 1))


def longest_rise(places: Sequence[int]) -> set[int]:
    """The longest rising part; there are at most eight places, so every choice can be looked at."""
    for size in range(len(places), 0, -1):
        for chosen in combinations(places, size):
            if list(chosen) == sorted(chosen):
                return set(chosen)
    return set()


def changes(old: Mapping[str, Item], new: Mapping[str, Item], language: str) -> Iterator[dict[str, Any]]:
    for slug, item in new.items():
        earlier = old.get(slug)
        if earlier is None:
            continue
        if item["dose"] != earlier["dose"]:
            yield told("dose", item, language, earlier["dose_text"], item["dose_text"])
        if (note := item["patient_note"]) != (had := earlier["patient_note"]):
            yield told("note", item, language, had or None, note or None)


def told(what: str, item: Item, language: str, before: str | None = None, after: str | None = None) -> dict[str, Any]:
    none = words("differences", "none", language)
    sentence = words("differences", what, language, name=item["name"], before=before or none, after=after or none)
    return {
        "what": what,
        "slug": item["slug"],
        "name": item["name"],
        "before": before,
        "after": after,
        "words": sentence,
    }
