"""Which exercises a clinician may take into a program, and why others are refused."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from generation import exercises, programs, rights
from generation.clinical import editing, selection
from generation.clinical.editing import Bench, Content
from generation.clinical.profile import Profile
from generation.clinical.program import localised
from generation.errors import EditRefused, Invalid
from generation.exercise_search import matching
from generation.models import Program
from generation.page_access import SignedInRequest, signed_in, visible_program, wants_part
from generation.presentation import reader_language
from generation.program_words import equipment_words, level_words

MOST = 20
MOST_SUGGESTED = 8
LONGEST_QUERY = 100


@signed_in
@require_safe
def swap_choices(request: SignedInRequest, program_id: uuid.UUID, slug: str) -> HttpResponse:
    program = visible_program(request, program_id)
    try:
        found = programs.alternatives(program, slug, reader_language())
    except Invalid:
        # It was swapped or removed since the page was drawn.
        found = []
    names = {item["slug"]: item["name"] for item in programs.content_of(program)["items"]}
    context = {
        "slug": slug,
        "name": names.get(slug, slug),
        "choices": [
            {**one, "level_words": level_words(one["level"]), "equipment_words": equipment_words(one["equipment"])}
            for one in found
        ],
    }
    return choices_page(request, program, "swap", context)


@signed_in
@require_safe
def add_choices(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    program = visible_program(request, program_id)
    query = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    content, bench = programs.content_of(program), programs.bench_for(program, reader_language())
    if query:
        shelf = matching(exercises.visible_to(request.user), query, program.language)
        found = [entry.slug for entry in shelf if entry.slug in bench.library]
        choices = [judged(bench.library[slug], content, bench) for slug in found[:MOST]]
    else:
        choices = list(suggestions(content, bench))
        found = []
    return choices_page(
        request, program, "add", {"query": query, "choices": choices, "more": len(found) > len(choices)}
    )


def choices_page(request: SignedInRequest, program: Program, what: str, context: Mapping[str, Any]) -> HttpResponse:
    whole = {
        **context,
        "record": program,
        "language": program.language,
        "version_number": program.current,
        "may_change": rights.may_change(request.user, program),
        "what": what,
    }
    template = f"generation/_{what}_choices.html" if wants_part(request) else "generation/program_choices.html"
    return render(request, template, whole | {"part": f"generation/_{what}_choices.html"})


def judged(exercise: Mapping[str, Any], content: Content, bench: Bench) -> dict[str, Any]:
    """The exercise as a choice; `refused` says why it is none, and is empty for one that may be added."""
    text = localised(exercise, bench.language)
    choice = {
        "slug": exercise["slug"],
        "name": text["name"],
        "purpose_line": text["purpose_line"],
        "level_words": level_words(exercise["level"]),
        "equipment_words": equipment_words(exercise["equipment"]),
        "dose_text": "",
        "refused": "",
    }
    try:
        items = editing.add(content, bench, exercise["slug"])
    except EditRefused as error:
        return choice | {"refused": error.sentence}
    added = next(item for item in items if item["slug"] == exercise["slug"])
    return choice | {"dose_text": added["dose_text"]}


def suggestions(content: Content, bench: Bench) -> Iterator[dict[str, Any]]:
    """The best exercises of the region that may be added, best first."""
    profile = Profile.from_dict(content["profile"])
    taken = {item["slug"] for item in content["items"]}
    near: Iterable[Mapping[str, Any]] = (
        exercise
        for exercise in bench.library.values()
        if exercise["slug"] not in taken and profile.region in exercise["body_regions"]
    )
    found = 0
    for exercise in sorted(near, key=lambda one: (-selection.score(one, profile), one["slug"])):
        choice = judged(exercise, content, bench)
        if not choice["refused"]:
            yield choice
            found += 1
        if found == MOST_SUGGESTED:
            return
