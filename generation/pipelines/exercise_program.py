"""From a free-text scenario to a home exercise program, or to a referral. Source: domain.md 3 and wire.md 3."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from generation.clinical import answer, constraints, corrections, program, red_flags, redaction, selection, validation
from generation.clinical.library import version_of as library_version
from generation.clinical.profile import Profile
from generation.clinical.red_flags import RedFlag
from generation.clinical.scenario import parse
from generation.clinical.validation import Check
from generation.pipelines.base import Announcement, RunHandle, StageSpec
from generation.providers.base import Task, Usage

KIND = "exercise_program"

STARTED = StageSpec("started", 5, {"en": "Reading the scenario", "da": "Læser beskrivelsen"})
FETCHING = StageSpec("fetching-exercises", 15, {"en": "Finding safe exercises", "da": "Henter sikre øvelser"})
GENERATING = StageSpec("generating", 40, {"en": "Putting the program together", "da": "Sammensætter program"})
VALIDATING = StageSpec("validating", 70, {"en": "Checking the program", "da": "Kontrollerer programmet"})
STORING = StageSpec("storing", 85, {"en": "Saving", "da": "Gemmer"})
COMPLETE = StageSpec("complete", 100, {"en": "Ready", "da": "Færdig"})
STAGES: tuple[StageSpec, ...] = (STARTED, FETCHING, GENERATING, VALIDATING, STORING, COMPLETE)

INSTRUCTIONS = (
    "Choose exercises from `candidates` only, by slug. Give each a role, a dose and a reason of at most 200 "
    "characters that names a fact of the profile. Do not write steps, diagnoses or advice on medicines. Leave "
    "out what is in `decided`; it is chosen already. Report in `red_flags` a sign of danger that the case holds, "
    "by its code and the words it stands in; choose nothing then."
)
SCHEMA = answer.SCHEMA


async def execute(run: RunHandle) -> dict[str, Any]:
    async with run.stage(STARTED) as facts:
        profile, flags = await _understand(run)
        fired = [flag for flag in flags if flag.status == "fired"]
        facts.update(regions=list(profile.regions), phase=profile.phase, red_flags=len(fired))
    stop = red_flags.stop(flags)
    if stop is not None:
        return await _close(run, program.result("referral", profile, referral=stop), STAGES[1:])
    unfit = program.unfit_reason(profile, run.language)
    if unfit is not None:
        return await _close(run, program.result("insufficient_info", profile, reason=unfit), STAGES[1:])

    async with run.stage(FETCHING) as facts:
        limits = constraints.constraints_for(profile)
        library = list(await run.library())
        offer = selection.offer(library, profile, limits)
        facts.update(in_region=offer.in_region, excluded=sum(offer.excluded.values()), offered=len(offer.candidates))
    lacking = program.library_reason(
        profile, offer.direct, len(offer.candidates), run.language, offer.excluded, offer.fitting
    )
    if lacking is not None:
        bare = program.result("insufficient_info", profile, reason=lacking, excluded=offer.excluded)
        return await _close(run, bare, STAGES[2:])

    check = Check(profile, limits, {exercise["slug"]: exercise for exercise in offer.candidates}, run.language)
    async with run.stage(GENERATING) as facts:
        items, reported = await _generate(run, check, library, flags)
        items, left_out = check.trimmed(items)
        facts.update(exercises=0 if reported else len(items))
    if reported is not None:
        return await _close(run, program.result("referral", _with(profile, reported), referral=reported), STAGES[3:])
    if len(items) < 2:
        lacking = program.library_reason(profile, offer.direct, 0, run.language, offer.excluded)
        bare = program.result("insufficient_info", profile, reason=lacking, excluded=offer.excluded)
        return await _close(run, bare, STAGES[3:])

    async with run.stage(VALIDATING) as facts:
        made_of = library_version(library)
        whole = program.assemble(
            items, profile, limits, flags, _walking(check, items), run.language, offer=offer, library_version=made_of
        )
        whole["warnings"] += program.untranslated([check.offered[item["slug"]] for item in items], run.language)
        found = [*left_out, *check.program(whole)]
        facts.update(checks=len(found), errors=sum(1 for finding in found if finding.severity == "error"))
    whole["findings"] = [finding.as_dict() for finding in found]
    made = program.result("program", profile, program=whole, excluded=offer.excluded)
    made["engine_used"] = run.engine
    return await _close(run, made, STAGES[4:])


async def _close(run: RunHandle, result: dict[str, Any], stages: Sequence[StageSpec]) -> dict[str, Any]:
    """Pass through the stages that are left: a client is promised all six, and storing always stores."""
    for spec in stages:
        async with run.stage(spec) as facts:
            if spec is STORING:
                result = await run.keep(result)
            elif spec is not COMPLETE:
                facts["skipped"] = True
    return result


async def _understand(run: RunHandle) -> tuple[Profile, list[RedFlag]]:
    """Parse and screen, once in the life of the run, since warnings are announced with it."""

    def work() -> dict[str, Any]:
        profile, flags = understand(run.input, run.language)
        return {"profile": profile.as_dict(), "flags": [flag.as_dict() for flag in flags]}

    # On a thread: a long text made to be hard can take a third of a second, which others should not wait for.
    understood = await run.step("understand", lambda: asyncio.to_thread(work), announce=_announce_cautions)
    flags = [RedFlag(**flag) for flag in understood["flags"]]
    met = [{key: flag[key] for key in ("code", "tier", "matched_text", "status")} for flag in understood["flags"]]
    return Profile.from_dict(understood["profile"] | {"red_flags": met}), flags


def understand(given: Mapping[str, Any], language: str) -> tuple[Profile, list[RedFlag]]:
    """What the case says, with what the clinician has put right, and the red flags it touches."""
    read_as = parse(given["prompt"], language)
    profile = corrections.corrected(read_as, given.get("corrections", {}), language)
    flags = corrections.screened(given["prompt"], read_as, profile, language)
    return profile, [program.worded(flag, language) for flag in flags]


def _announce_cautions(understood: Mapping[str, Any]) -> list[Announcement]:
    flags = [flag for flag in understood["flags"] if flag["status"] == "fired" and flag["tier"] == "CAUTION"]
    return [("warning", {"code": flag["code"], "message": flag["message"]}) for flag in flags]


async def _generate(
    run: RunHandle, check: Check, library: Sequence[Mapping[str, Any]], flags: Sequence[RedFlag]
) -> tuple[list[dict[str, Any]], RedFlag | None]:
    """The items, and the red flag that the provider reports and that ends the run.

    Each is stored as soon as it is whole, and what is stored is not asked for again.
    """
    items, stop = await _stored_items(run), await _stored_stop(run)
    if stop is not None or await run.stored("usage") is not None:
        return items, stop
    shelf = program.Shelf.of(library, run.language)
    most = selection.most_items(check.profile)
    usage = Usage()
    async for chunk in run.write(task_for(run.input, run.language, check.profile, check, items)):
        usage = chunk.usage or usage
        if stop is not None:
            continue
        if chunk.path == "red_flags":
            stop = await _store_stop(run, answer.reported(chunk.value), flags)
        elif chunk.path == "exercises" and len(items) < most:
            pick = answer.choice(chunk.value)
            item = pick and _checked(pick, check, items, shelf)
            if item:
                items.append(await _store_item(run, len(items), item))
                run.progress(_between(GENERATING, VALIDATING, len(items) / min(most, len(check.offered))))
    await _store_cost(run, usage)
    return items, stop


async def _store_stop(run: RunHandle, reported: Mapping[str, Any] | None, flags: Sequence[RedFlag]) -> RedFlag | None:
    """The flag, kept for a later attempt, when it ends the run. Source: domain.md 4, V06."""
    stop = validation.reported_stop([reported] if reported else [], flags, run.language)
    if stop is None:
        return None

    async def work() -> dict[str, Any]:
        return asdict(stop)

    return RedFlag(**await run.step("reported_stop", work))


async def _stored_stop(run: RunHandle) -> RedFlag | None:
    stored = await run.stored("reported_stop")
    return None if stored is None else RedFlag(**stored)


def _with(profile: Profile, flag: RedFlag) -> Profile:
    """The profile with a flag that a provider met, beside what the screen says of the same code."""
    met = {key: value for key, value in flag.as_dict().items() if key != "message"}
    return replace(profile, red_flags=(*profile.red_flags, met))


async def _store_item(run: RunHandle, index: int, item: dict[str, Any]) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        return item

    def announce(value: Any) -> list[Announcement]:
        return [("item", {"path": "exercises", "index": index, "value": value})]

    stored: dict[str, Any] = await run.step(f"exercise:{index}", work, announce=announce)
    return stored


async def _store_cost(run: RunHandle, usage: Usage) -> None:
    async def work() -> dict[str, Any]:
        return {
            "total_cost_usd": usage.cost_usd,
            "tokens_used": usage.input_tokens + usage.output_tokens,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
        }

    await run.step("usage", work, announce=lambda value: [("cost_update", value)])


async def _stored_items(run: RunHandle) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while (item := await run.stored(f"exercise:{len(items)}")) is not None:
        items.append(item)
    return items


def task_for(
    given: Mapping[str, Any],
    language: str,
    profile: Profile,
    check: Check,
    decided: Sequence[Mapping[str, Any]] = (),
) -> Task:
    """What a provider is told: the case without what identifies a person, the profile, and the exercises offered.

    The words the profile was read from stay here: they may name a person.
    """
    told = profile.as_dict() | {"evidence": {}, "red_flags": [], "assumptions": []}
    told["restrictions"] = [restriction | {"source_text": ""} for restriction in told["restrictions"]]
    facts = {
        "case": redacted(given, language).text,
        "profile": told,
        "candidates": [selection.view(exercise, language) for exercise in check.offered.values()],
        "constraints": [constraint.as_dict() for constraint in check.constraints],
        "decided": [{key: item[key] for key in ("slug", "role", "dose", "reason")} for item in decided],
        "most_items": selection.most_items(profile),
        "minutes_budget": selection.minutes_budget(profile),
    }
    return Task(KIND, facts, INSTRUCTIONS, SCHEMA, language)


def redacted(given: Mapping[str, Any], language: str) -> redaction.Redacted:
    """The case as a provider may see it."""
    return redaction.redact(given["prompt"], datetime.now(UTC).date(), language, known=[given.get("mrn", "")])


def preview(given: Mapping[str, Any], language: str, library: Sequence[Mapping[str, Any]]) -> Task | None:
    """The task that a run with this input would give its provider first; None when it would ask none."""
    profile, flags = understand(given, language)
    if red_flags.stop(flags) is not None or program.unfit_reason(profile, language) is not None:
        return None
    limits = constraints.constraints_for(profile)
    offer = selection.offer(library, profile, limits)
    if program.library_reason(profile, offer.direct, len(offer.candidates), language, offer.excluded, offer.fitting):
        return None
    return task_for(given, language, profile, Check(profile, limits, {e["slug"]: e for e in offer.candidates}))


def _checked(
    pick: Mapping[str, Any], check: Check, items: Sequence[dict[str, Any]], shelf: program.Shelf
) -> dict[str, Any] | None:
    """The pick as an item of the result, or None when it must not be used; a reason that does not hold becomes ours."""
    exercise = check.offered.get(pick["slug"])
    if exercise is None:
        return None
    own = program.reason(exercise, check.profile, shelf.language)
    for reason in dict.fromkeys([pick.get("reason") or own, own]):
        mended, findings = check.item(check.completed(pick) | {"reason": reason}, items)
        errors = {finding.code for finding in findings if finding.severity == "error"}
        if not errors:
            return program.item(mended, exercise, check.profile, shelf.names, shelf.language, shelf.exercises)
        if not errors <= {"V11", "V14"}:
            return None
    return None


def _between(start: StageSpec, end: StageSpec, done: float) -> float:
    return start.progress + (end.progress - start.progress) * min(done, 1.0)


def _walking(check: Check, items: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The walking plan, when it is safe and no item is aerobic: it then goes in the education."""
    taken = {check.offered[item["slug"]]["variation_group"] for item in items}
    walking = check.offered.get("walking-programme")
    return None if walking is None or walking["variation_group"] in taken else walking
