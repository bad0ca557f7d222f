"""From a free-text scenario to a home exercise program, or to a referral. Source: domain.md 3 and wire.md 3."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from generation.clinical import constraints, corrections, program, red_flags, selection
from generation.clinical.library import version_of as library_version
from generation.clinical.profile import Profile
from generation.clinical.red_flags import RedFlag
from generation.clinical.scenario import parse
from generation.clinical.validation import Check
from generation.pipelines.base import Announcement, RunHandle, StageSpec
from generation.pipelines.exercise_draft import Draft
from generation.pipelines.exercise_task import task_for
from generation.providers.base import Task

KIND = "exercise_program"

STARTED = StageSpec("started", 5, {"en": "Reading the scenario", "da": "Læser beskrivelsen"})
FETCHING = StageSpec("fetching-exercises", 15, {"en": "Finding safe exercises", "da": "Henter sikre øvelser"})
GENERATING = StageSpec("generating", 40, {"en": "Putting the program together", "da": "Sammensætter program"})
VALIDATING = StageSpec("validating", 70, {"en": "Checking the program", "da": "Kontrollerer programmet"})
STORING = StageSpec("storing", 85, {"en": "Saving", "da": "Gemmer"})
COMPLETE = StageSpec("complete", 100, {"en": "Ready", "da": "Færdig"})
STAGES: tuple[StageSpec, ...] = (STARTED, FETCHING, GENERATING, VALIDATING, STORING, COMPLETE)


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
        between = (GENERATING.progress, VALIDATING.progress)
        draft = Draft(run, check, program.Shelf.of(library, run.language), flags, between)
        await draft.write()
        reported = draft.stop
        items = draft.items
        facts.update(exercises=0 if reported else len(items))
    if reported is not None:
        told = program.result("referral", _with(profile, reported), referral=reported)
        return await _close(run, told | {"engine_used": run.engine}, STAGES[3:])
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
        if draft.fallback is not None:
            whole["fallback"] = draft.fallback["message"]
        found = [*draft.found, *check.program(whole)]
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


def _with(profile: Profile, flag: RedFlag) -> Profile:
    """The profile with a flag that a provider met, beside what the screen says of the same code."""
    met = {key: value for key, value in flag.as_dict().items() if key != "message"}
    return replace(profile, red_flags=(*profile.red_flags, met))


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


def _walking(check: Check, items: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The walking plan, when it is safe and no item is aerobic: it then goes in the education."""
    taken = {check.offered[item["slug"]]["variation_group"] for item in items}
    walking = check.offered.get("walking-programme")
    return None if walking is None or walking["variation_group"] in taken else walking
