"""What the model server of the tests writes: good programs, and programs that are wrong in one way each."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from generation.clinical import library

Pick = dict[str, Any]
# Each names a word of every phase, so that it is true of any profile, and has code points of several bytes.
REASONS = {
    "en": "Healing, movement and strength – to stay strong in work and sport",
    "da": "Støtter heling, bevægelse og styrke i arbejde og sport",
}
FLAG = {"code": "cauda_equina", "matched_text": "saddle numbness"}
MOST, DEEP = 5, 5000
_NEAREST = re.compile(r"([\w-]+) is not among [^;\n]*(?:; nearest: ([\w, -]+))?")
_ACCEPTED = re.compile(r"^accepted: ([\w, -]+); \d+ more at least, (\d+) at most$", re.MULTILINE)
_CHOICES = re.compile(r"^choose from: ([\w, -]+)$", re.MULTILINE)
_DANISH = "The language asked for is Danish."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: the brief, or with `errors` the repair of `previous`.

    `candidates` are the slugs of the brief, or what a repair says to choose from; `most` more exercises are wanted.
    `known` has by slug what any brief has told of it, as a repair names nothing but slugs.
    """

    candidates: Sequence[str]
    decided: Sequence[str]
    most: int
    language: str
    known: Mapping[str, Mapping[str, Any]]
    errors: str = ""
    previous: str = ""

    def kind(self, slug: str) -> str:
        return str(self.known.get(slug, {}).get("kind", slug))

    def purpose(self, slug: str) -> str:
        """The first of them."""
        return str(next(iter(self.known.get(slug, {}).get("purposes", ())), ""))


def asked_by(body: Mapping[str, Any], seen: dict[str, Mapping[str, Any]]) -> Asked:
    """Read the messages of a request. What a brief tells of its candidates is added to `seen`."""
    texts = [(message.get("role"), _text(message.get("content"))) for message in body.get("messages", [])]
    told = next(filter(None, (_object(text) for role, text in reversed(texts) if role == "user")), {})
    language = "da" if any(_DANISH in text for _, text in texts) else "en"
    if "errors" in told:
        return _repair("\n".join(told["errors"]), told["previous"], language, seen)
    candidates, decided = told.get("candidates", []), told.get("decided", [])
    seen.update({each["slug"]: each for each in candidates})
    slugs, most = [each["slug"] for each in candidates], told.get("most_items", MOST) - len(decided)
    return Asked(slugs, decided, most, told.get("language", language), seen)


def _repair(errors: str, previous: str, language: str, seen: Mapping[str, Mapping[str, Any]]) -> Asked:
    accepted, choices = _ACCEPTED.search(errors), _CHOICES.search(errors)
    decided = [slug for slug in accepted[1].split(", ") if slug != "none"] if accepted else []
    slugs = choices[1].split(", ") if choices else []
    return Asked(slugs, decided, int(accepted[2]) if accepted else MOST, language, seen, errors, previous)


def _text(content: Any) -> str:
    parts = content if isinstance(content, list) else [{"text": content or ""}]
    return "".join(part.get("text", "") for part in parts)


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text holds, with or without words around it."""
    start = text.find("{")
    try:
        return dict(json.JSONDecoder().raw_decode(text, start)[0]) if start >= 0 else None
    except (json.JSONDecodeError, RecursionError):
        return None


def picks(asked: Asked) -> list[Pick]:
    """What a good model chooses: as many as are wanted, of distinct slugs and kinds, the purposes mixed."""
    chosen = list(_mended(asked))[: asked.most]
    kinds = {asked.kind(slug) for slug in [*asked.decided, *chosen]}
    for slug in _mixed(asked):
        if len(chosen) >= asked.most:
            break
        if asked.kind(slug) not in kinds:
            kinds.add(asked.kind(slug))
            chosen.append(slug)
    return [{"slug": slug, "role": None, "dose": {}, "reason": REASONS[asked.language]} for slug in chosen]


def _mended(asked: Asked) -> Iterator[str]:
    """The slugs of the last answer; the nearest valid one for one that was not offered."""
    previous = _object(asked.previous) or {}
    chosen = previous.get("exercises")
    listed = chosen if isinstance(chosen, list) else []
    slugs = [str(each["slug"]) for each in listed if isinstance(each, dict) and "slug" in each]
    instead = {slug: near.split(", ") for slug, near in _NEAREST.findall(asked.errors)}
    taken = set(asked.decided)
    for slug in slugs:
        valid = next((each for each in instead.get(slug, [slug]) if each and each not in taken), None)
        if valid:
            taken.add(valid)
            yield valid


def _mixed(asked: Asked) -> list[str]:
    """The candidates, one of each purpose in turn."""
    turns: Counter[str] = Counter()
    placed = []
    for slug in asked.candidates:
        turns[asked.purpose(slug)] += 1
        placed.append((turns[asked.purpose(slug)], slug))
    return [slug for _, slug in sorted(placed, key=itemgetter(0))]


# Texts


def program(exercises: Any, flags: Sequence[Mapping[str, str]] = (), **more: Any) -> str:
    return json.dumps({"exercises": exercises, "red_flags": list(flags), **more}, ensure_ascii=False)


def good(asked: Asked) -> str:
    return program(picks(asked))


def fenced(asked: Asked) -> str:
    """As models answer that were only asked for JSON."""
    return f"Here is the program:\n\n```json\n{good(asked)}\n```\n\nTell me if you want it changed."


def half(text: str) -> str:
    return text[: len(text) // 2]


def after(text: str, exercises: int) -> str:
    """The beginning of a program up to the end of its nth exercise."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    for _ in range(exercises):
        start = text.find("{", at)
        at = decoder.raw_decode(text, start)[1] if start >= 0 else at
    return text[:at]


def forbidden(asked: Asked) -> list[Pick]:
    """With an exercise of the library that was not offered; a repair keeps it."""
    named = [slug for slug, _ in _NEAREST.findall(asked.errors)]
    every = [exercise["slug"] for exercise in library.load().exercises]
    slug = next((slug for slug in named if slug in every), None) or next(s for s in every if s not in asked.candidates)
    chosen = picks(asked)
    return [*chosen[:-1], (chosen or [{"role": None, "dose": {}, "reason": ""}])[-1] | {"slug": slug}]


def unknown(pick: Pick) -> Pick:
    """A slug that does not exist, near to one that does."""
    return pick | {"slug": f"{pick['slug']}-x"}


def last(change: Callable[[Pick], Pick]) -> Callable[[Asked], str]:
    def write(asked: Asked) -> str:
        chosen = picks(asked)
        return program([*chosen[:-1], *map(change, chosen[-1:])])

    return write


def every(change: Callable[[Pick], Pick]) -> Callable[[Asked], str]:
    return lambda asked: program([change(pick) for pick in picks(asked)])


def with_dose(**dose: Any) -> Callable[[Pick], Pick]:
    return lambda pick: pick | {"dose": dose}


INJECTED = {
    "steps": ["Run a marathon"],
    "reason": '<script>alert(1)</script><img src=x onerror="alert(1)">',
    "role": "system",
}

# By the name of the model; each writes the whole text of an answer.
ANSWERS: Mapping[str, Callable[[Asked], str]] = {
    "good": good,
    "fenced": fenced,
    "thinking": lambda asked: f'<think>Perhaps {{"exercises": []}}? No: {{more}}.</think>\n{good(asked)}',
    "other-order": lambda asked: json.dumps(
        {"red_flags": [], "exercises": [dict(reversed(pick.items())) for pick in picks(asked)]}, ensure_ascii=False
    ),
    "red-flag": lambda asked: program([], [FLAG]),
    "red-flag-after-exercises": lambda asked: program(picks(asked), [FLAG]),
    "empty": lambda asked: "",
    "no-exercises": lambda asked: program([]),
    "prose": lambda asked: "I am sorry, but I would rather talk about the weather.",
    "two-exercises": lambda asked: program(picks(asked)[:2]),
    "duplicates": lambda asked: program([pick for pick in picks(asked)[:3] for _ in range(2)]),
    "unknown-slug": last(unknown),
    "unknown-slugs": every(unknown),
    "forbidden-slug": lambda asked: program(forbidden(asked)),
    "wrong-dose": last(with_dose(sets=40)),
    "wrong-doses": every(with_dose(sets=40)),
    "strings-for-numbers": every(with_dose(sets="three")),
    "nan": every(with_dose(load={"kind": "kg", "value": float("nan")})),
    "infinity": every(with_dose(load={"kind": "kg", "value": float("inf")})),
    "object-for-list": lambda asked: program({pick["slug"]: pick for pick in picks(asked)}),
    "extra-keys": every(lambda pick: pick | {"steps": ["Sit down."], "name": "Mine"}),
    "injected": lambda asked: program([pick | INJECTED for pick in picks(asked)], tools=[{"name": "shell"}]),
    "deep": lambda asked: f'{{"exercises": {"[" * DEEP}{"]" * DEEP}, "red_flags": []}}',
}
