"""The composer writes by rule, in order, at its own pace."""

import time

from generation.clinical import library, selection
from generation.clinical.claims import Claims
from generation.clinical.constraints import constraints_for
from generation.clinical.scenario import parse
from generation.providers.base import Chunk, Task
from generation.providers.composer import Composer


def task(decided=()) -> Task:
    profile = parse("70 yo, right knee OA, 8 months, pain 4/10, has stairs")
    offer = selection.offer(library.load().exercises, profile, constraints_for(profile))
    candidates = [selection.view(exercise, "en") for exercise in offer.candidates]
    facts = {"profile": profile.as_dict(), "candidates": candidates, "decided": list(decided)}
    return Task("exercise_program", facts, {}, "", "", {}, "en")


async def written(composer: Composer, given: Task) -> list[Chunk]:
    return [chunk async for chunk in composer.write(given)]


async def test_it_yields_each_exercise_then_its_usage():
    chunks = await written(Composer(), task())
    assert [chunk.path for chunk in chunks] == ["exercises"] * 5 + [None]
    assert set(chunks[0].value) == {"slug", "role", "dose", "reason"}
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.cost_usd == 0


async def test_each_reason_names_a_fact_and_is_short():
    reasons = [chunk.value["reason"] for chunk in (await written(Composer(), task()))[:-1]]
    profile = parse("70 yo, right knee OA, 8 months, pain 4/10, has stairs")
    assert all(Claims(profile).cites_a_fact(reason) for reason in reasons)
    assert len(set(reasons)) == len(reasons)
    assert max(map(len, reasons)) <= 200


async def test_it_goes_on_after_what_is_decided():
    whole = [chunk.value for chunk in (await written(Composer(), task()))[:-1]]
    rest = [chunk.value for chunk in (await written(Composer(), task(whole[:2])))[:-1]]
    assert rest == whole[2:]


async def test_it_never_repeats_the_kind_of_a_decided_exercise():
    rest = await written(Composer(), task([{"slug": "supported-single-leg-stance"}, {"slug": "bridge"}]))
    assert len(rest) == 4
    assert "bridge" not in [chunk.value["slug"] for chunk in rest[:-1]]


async def test_it_waits_before_each_exercise_when_paced():
    start = time.monotonic()
    await written(Composer(pace_s=0.01), task())
    assert time.monotonic() - start >= 0.05
