"""The pages of the exercise library: search and facets, and one exercise with all that is known of it."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generation import exercise_search, exercises
from generation import library_words as words
from generation.clinical import dosing
from generation.drawings import figure
from generation.errors import NotFound
from generation.models import Exercise, User
from generation.models.accounts import Language
from generation.page_access import SignedInRequest, signed_in, wants_part
from generation.profile_chips import label
from generation.shelf import as_entry

PAGE_SIZE = 24
Entry = Mapping[str, Any]


class Search(forms.Form):
    """What stands in the address. A value that can't be meant counts as none, rather than as an error page."""

    q = forms.CharField(max_length=200, required=False)
    language = forms.ChoiceField(choices=Language.choices, required=False)
    page = forms.CharField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in exercises.FACETS:
            self.fields[name] = forms.ChoiceField(choices=list(words.CODES[name].items()), required=False)
        self.full_clean()

    def given(self) -> dict[str, str]:
        """The values that are there and valid, without the page."""
        return {name: value for name, value in self.cleaned_data.items() if value and name != "page"}


@signed_in
@require_safe
def library(request: SignedInRequest) -> HttpResponse:
    search = Search(request.GET)
    given = search.given()
    language = given.get("language", request.user.language)
    wanted = {"status": Exercise.Status.REVIEWED.value} | {
        name: given[name] for name in exercises.FACETS if name in given
    }
    shelf = exercises.readable_by(request.user)
    query = given.get("q", "")
    if query:
        shelf = exercise_search.matching(shelf, query, language)
    page = Paginator(exercises.narrowed(shelf, wanted), PAGE_SIZE).get_page(search.cleaned_data.get("page"))
    context = {
        "page": page,
        "cards": [card(exercise, language) for exercise in page],
        "query": query,
        "language": language,
        "languages": languages(given),
        "facets": facets(exercises.facets(shelf, wanted), wanted, request.user),
        "narrowed": bool(given.keys() - {"language"}),
        "rest": urlencode(given),
    }
    return render(
        request, "generation/_library_found.html" if wants_part(request) else "generation/library.html", context
    )


def facets(counts: Mapping[str, Mapping[str, int]], wanted: Mapping[str, str], user: User) -> list[dict[str, Any]]:
    """The select of each facet: its codes that lead somewhere, and the chosen one in any case."""
    return [
        {
            "name": name,
            "label": words.FACETS[name],
            "any": _("Any") if name != "status" else "",
            "options": [
                (code, word, counts[name].get(code, 0), wanted.get(name) == code)
                for code, word in words.CODES[name].items()
                if counts[name].get(code) or wanted.get(name) == code
            ],
        }
        for name in words.FACETS
        if name != "status" or user.is_staff
    ]


def languages(given: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Code, name in the language itself, and the address of this page in it."""
    names = (("en", "English"), ("da", "Dansk"))
    return [(code, name, "?" + urlencode({**given, "language": code})) for code, name in names]


def card(exercise: Exercise, language: str) -> dict[str, Any]:
    text = exercise_search.text_of(exercise, language)
    return {
        "slug": exercise.slug,
        "name": text.name if text else exercise.slug,
        "purpose": text.purpose_line if text else "",
        "language": text.language if text else "",
        "fallback": fallback(text.language if text else None, language),
        "regions": named(words.REGIONS, exercise.body_regions),
        "level": words.word(words.LEVELS, str(exercise.level)),
        "equipment": named(words.EQUIPMENT, exercise.equipment),
        "status": badge(exercise),
        "figure": figure(exercise.slug, text.language if text else language),
    }


@signed_in
@require_safe
def exercise_page(request: SignedInRequest, slug: str) -> HttpResponse:
    try:
        exercise = exercises.get_exercise_for(request.user, slug)
    except NotFound:
        raise Http404 from None
    given = Search(request.GET).given()
    language = given.get("language", request.user.language)
    entry = exercises.shown(exercise, language)
    text = entry["text"]
    shown_in = entry["language"] or language
    context = {
        "exercise": exercise,
        "text": text,
        "text_language": shown_in,
        "fallback": fallback(entry["language"], language),
        "title": text["name"] if text else exercise.slug,
        "status": badge(exercise),
        "facts": facts(entry),
        "conditions": [label(tag.removeprefix("after_"), shown_in) for tag in entry["conditions_good"]],
        "demands": [words.word(words.DEMANDS, code) for code in exercise.demands],
        "doses": doses(as_entry(exercise), shown_in),
        "ladder": [
            (_("Easier"), neighbours(request.user, entry["harder_than"], language)),
            (_("Harder"), neighbours(request.user, entry["easier_than"], language)),
        ],
        "licence": licence(entry.get("licence") or {}),
        "figure": figure(exercise.slug, shown_in),
        "language": language,
        "languages": languages({}),
    }
    return render(request, "generation/library_exercise.html", context)


def facts(entry: Entry) -> list[tuple[str, str]]:
    """Label and words of what is known in codes; what is not known is left out."""
    ages = (entry["min_age"], entry["max_age"])
    found = [
        (_("Region"), named(words.REGIONS, entry["body_regions"])),
        (_("Purpose"), named(words.PURPOSES, entry["purposes"])),
        (_("Phase"), named(words.PHASES, entry["phases"])),
        (_("Level"), str(words.word(words.LEVELS, str(entry["level"])))),
        (_("Position"), named(words.POSITIONS, entry["positions"])),
        (_("Equipment"), named(words.EQUIPMENT, entry["equipment"])),
        (_("Instead of it"), named(words.EQUIPMENT, entry["equipment_alternatives"])),
        (_("Sides"), str(words.word(words.LATERALITY, entry["laterality"]))),
        (_("Weight bearing"), str(words.word(words.WEIGHT_BEARING, entry["weight_bearing"]))),
        (_("Resistance"), str(words.word(words.RESISTANCE, entry["resistance_type"]))),
        (_("Main muscles"), named({}, entry["primary_muscles"])),
        (_("Other muscles"), named({}, entry["secondary_muscles"])),
        (_("Age"), "–".join("" if age is None else str(age) for age in ages) if ages != (None, None) else ""),
        (_("Supervision"), _("Shown by a therapist the first time") if entry["supervision"] == "first_time" else ""),
        (_("Evidence"), entry["evidence_note"]),
    ]
    return [(name, value) for name, value in found if value]


def doses(entry: Entry, language: str) -> list[tuple[words.Word, str]]:
    """Phase and usual dose, where there is one. Source: domain.md 3.3."""
    return [
        (words.word(words.PHASES, phase), dosing.dose_text(dose, language))
        for phase in entry["phases"]
        if dosing.has_dose(entry, phase)
        for dose in [dosing.clamp(dosing.default_dose(entry, phase), entry)]
    ]


def neighbours(user: User, slugs: Iterable[str], language: str) -> list[dict[str, str]]:
    """Name, language of the name and slug of those of the ladder that the person may read."""
    found = exercises.readable_by(user).filter(slug__in=list(slugs)).order_by("level", "slug")
    texts = [(exercise, exercise_search.text_of(exercise, language)) for exercise in found]
    return [
        {"slug": exercise.slug, "name": text.name if text else exercise.slug, "language": text.language if text else ""}
        for exercise, text in texts
    ]


def licence(block: Entry) -> dict[str, Any]:
    """Title, author, source, licence (TASL). An address is a link only when it is one of the web."""
    links = {name: address if web(address := block.get(name)) else None for name in ("source_url", "author_url")}
    return {**block, **links}


def web(address: object) -> bool:
    return isinstance(address, str) and address.startswith(("http://", "https://"))


def badge(exercise: Exercise) -> words.Word:
    """Empty for what is reviewed, as nearly everything is."""
    return "" if exercise.status == Exercise.Status.REVIEWED else words.word(words.STATUSES, exercise.status)


def fallback(shown: str | None, asked: str) -> str:
    """What language the text is in, said when it is not the one that was asked for."""
    return str(Language(shown).label) if shown and shown != asked else ""


def named(names: Mapping[str, words.Word], codes: Iterable[str]) -> str:
    return ", ".join(str(words.word(names, code)) for code in codes)
