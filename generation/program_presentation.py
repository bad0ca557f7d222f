"""A program as its pages show it: plain values for the templates, in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext, ngettext

from generation import page_words, presentation, programs, purge, record_numbers, rights
from generation.clinical import dosing, editing, template
from generation.clinical.data_files import read
from generation.clinical.editing import Bench
from generation.clinical.profile import Profile
from generation.drawings import figure
from generation.errors import HepError
from generation.models import Program, ProgramVersion, Run, User
from generation.presentation import reader_language
from generation.profile_chips import chips
from generation.program_words import DOSE_FIELDS, change_words, equipment_words, level_words, lights

Content = Mapping[str, Any]


def of_program(
    actor: User,
    program: Program,
    number: int | None = None,
    problem: HepError | None = None,
    at_fault: str = "",
    typed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The context of a version's page; what may be done stands in it only for the current one.

    `problem` is a refusal, `at_fault` the slug of the item that it is about, and `typed` the form that was refused.
    """
    version = programs.version_of(program, number)
    bench = programs.bench_for(program, reader_language())
    may_change = rights.may_change(actor, program) and version.number == program.current
    run = program.run
    return of_content(version.content, program.language, bench, problem, at_fault, typed) | {
        "record": program,
        "version": version,
        "run": run,
        "may_change": may_change,
        "may_copy": rights.may_change(actor, program),
        "may_undo": may_change and version.back_to is not None,
        "old": version.number != program.current,
        "was_approved": last_approved(program, version),
        "last_change": change_words(version.change, bench.names),
        "deleted_on": purge.draft_until(program),
        "title": page_title(program, version),
        "problem": problem,
        "faults": list(faults_shown(problem)) if problem else [],
        "mrn": record_numbers.masked(run.input.get("mrn", "")) if run else "",
        "made": [*(presentation.how_made(run) if run else ()), *checks_made(version.content), *excluded(run)],
        **(presentation.corrections(run) if run and may_change and presentation.may_correct(actor, run) else {}),
    }


def of_result(run: Run) -> dict[str, Any]:
    """The same for a run whose program is no longer kept: its result, to be read only."""
    result: dict[str, Any] = run.result or {}
    content = result["program"] | {"profile": result["profile"]}
    bench = Bench({}, run.language, reader_language())
    made = [*presentation.how_made(run), *excluded(run)]
    return of_content(content, run.language, bench) | {"run": run, "made": made}


def of_content(
    content: Content,
    language: str,
    bench: Bench,
    problem: HepError | None = None,
    at_fault: str = "",
    typed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    profile = Profile.from_dict(content["profile"])
    faults = dict(problem.fields or {}) if problem else {}
    return {
        "content": content,
        "language": language,
        "items": [
            item_shown(item, place, len(content["items"]), bench)
            | (forms_shown(item, bench, faults, typed or {}) if item["slug"] == at_fault else forms_shown(item, bench))
            for place, item in enumerate(content["items"])
        ],
        "lights": lights(dosing.pain_limit(profile)),
        "cautions": cautions(content),
        "chips": chips(content["profile"], reader_language()),
    }


def item_shown(item: Mapping[str, Any], place: int, count: int, bench: Bench) -> dict[str, Any]:
    exercise = bench.library.get(item["slug"])
    return {
        **item,
        "role_words": page_words.ROLES.get(item["role"], item["role"]),
        "first": place == 0,
        "last": place == count - 1,
        "figure": figure(item["slug"], bench.language),
        "level_words": level_words(exercise["level"]) if exercise else "",
        "equipment_words": equipment_words(exercise["equipment"]) if exercise else "",
    }


NOTHING: Mapping[str, Any] = {}


def forms_shown(
    item: Mapping[str, Any], bench: Bench, faults: Mapping[str, Any] = NOTHING, typed: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """The forms of an item: as it is, or as they were sent (`typed`) when that was refused."""
    exercise, action = bench.library.get(item["slug"]), typed.get("action")
    doses = dose_fields(item["dose"], exercise, faults, typed if action == "dose" else NOTHING) if exercise else ()
    return {
        "dose_fields": list(doses),
        "dose_open": action == "dose",
        "note_typed": typed.get("text", "") if action == "note" else item.get("patient_note") or "",
        "note_open": action == "note",
    }


def dose_fields(
    dose: Mapping[str, Any], exercise: Mapping[str, Any], faults: Mapping[str, Any], typed: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """One for each part of the dose that may be changed, with its bounds."""
    bounds = editing.bounds(exercise, dose)
    for name, label in DOSE_FIELDS.items():
        if name not in bounds:
            continue
        low, high = bounds[name]
        value = dose["frequency"][name] if name in dose["frequency"] else dose[name]
        yield {
            "name": name,
            "label": label,
            "low": low,
            "high": high,
            "value": typed.get(name, "" if value is None else value),
            "fault": " ".join(str(fault) for fault in faults.get(name, ())),
        }


def cautions(content: Content) -> list[dict[str, str]]:
    """The warnings that whoever approves must have seen: code, words, and what they were read from."""
    messages = {flag["code"]: flag["message"][reader_language()] for flag in read("red_flags")}
    messages[template.CAUTION] = template.caution(reader_language())
    read_from = {flag["code"]: flag["matched_text"] for flag in content["profile"].get("red_flags", ())}
    return [
        {"code": code, "message": messages.get(code, code.replace("_", " ")), "evidence": read_from.get(code, "")}
        for code in editing.cautions(content)
    ]


def faults_shown(problem: HepError) -> Iterator[str]:
    """What is wrong, field by field as the page names them, or the one sentence of the refusal."""
    for name, messages in (problem.fields or {}).items():
        words = " ".join(page_words.said(message) for message in messages)
        yield f"{DOSE_FIELDS[name]}: {words}" if name in DOSE_FIELDS else words
    if not problem.fields:
        yield page_words.said(problem.sentence)


def last_approved(program: Program, version: ProgramVersion) -> ProgramVersion | None:
    """The approved version before this one, when this one is not approved itself."""
    if version.approved_at is not None:
        return None
    earlier = ProgramVersion.objects.filter(program=program, number__lt=version.number, approved_at__isnull=False)
    return earlier.defer("content").order_by("-number").first()


def page_title(program: Program, version: ProgramVersion) -> str:
    """The title bar is seen by others, so it says nothing about the person."""
    if program.is_template:
        return gettext("Template")
    return gettext("Program ready") if version.number == 1 else gettext("Program")


def checks_made(content: Content) -> Iterator[tuple[str, str]]:
    found = content.get("findings", ())
    remarks = ngettext("%(n)d remark", "%(n)d remarks", len(found)) % {"n": len(found)}
    codes = ", ".join(dict.fromkeys(finding["code"] for finding in found))
    yield gettext("Checks of this version"), f"{remarks}: {codes}" if found else gettext("passed, no remarks")


def excluded(run: Run | None) -> Iterable[tuple[str, str]]:
    """How many exercises were left out, and why, in words."""
    counts: Mapping[str, int] = ((run.result if run else None) or {}).get("excluded") or {}
    if counts:
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        words = (f"{count} · {editing.excluded_words(by, reader_language())}" for by, count in ordered)
        yield gettext("Left out"), "; ".join(words)


def versions_shown(program: Program) -> list[dict[str, Any]]:
    """Newest first, without their contents."""
    bench = programs.bench_for(program, reader_language())
    versions = ProgramVersion.objects.filter(program=program).select_related("made_by", "approved_by")
    return [
        {"version": version, "change": change_words(version.change, bench.names)}
        for version in versions.defer("content").order_by("-number")
    ]
