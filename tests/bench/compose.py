"""How long one program takes over the whole library: parse, screen, filter, choose, word, check.

    python -m tests.bench.compose [rounds]

Prints the median and the 95th percentile in milliseconds of one process's time, per part and whole.
"""

import sys
from statistics import median, quantiles
from time import perf_counter

from generation.clinical import library, program, red_flags, selection
from generation.clinical.constraints import constraints_for
from generation.clinical.scenario import parse
from generation.clinical.validation import Check

CASES = (
    (
        "68 yo woman, right knee OA, pain 4/10 on stairs, 5/10 worst, 8 months, wants to climb stairs and walk 30 min, "
        "has a chair and stairs, no falls, BP controlled.",
        "en",
    ),
    ("82 yo with osteoporosis and a risk of falls, cannot kneel, uses a stick", "en"),
    ("RC repair wk 4 in sling, left, pain 3/10", "en"),
    ("ondt i lænden i 4 dage, 7/10, ingen ridebukseanæstesi, vil gerne tilbage på arbejde", "da"),
    ("hælspore i 5 uger, højre, smerter 4/10, har elastik og trappe", "da"),
)
PARTS = ("understand", "offer", "choose", "write and check")


def one(text: str, language: str) -> list[float]:
    """Seconds of each part."""
    exercises = library.load().exercises
    marks = [perf_counter()]
    profile = parse(text, language)
    flags = red_flags.screen(text, profile, language)
    marks.append(perf_counter())
    limits = constraints_for(profile)
    offer = selection.offer(exercises, profile, limits)
    marks.append(perf_counter())
    picks = selection.plan([selection.view(exercise, language) for exercise in offer.candidates], profile)
    chosen = [pick.exercise for pick in picks]
    reasons = program.reasons(chosen, profile, language)
    marks.append(perf_counter())
    check = Check(profile, limits, {exercise["slug"]: exercise for exercise in offer.candidates}, language)
    shelf = program.Shelf.of(exercises, language)
    items: list[dict[str, object]] = []
    for pick, reason in zip(picks, reasons, strict=True):
        slug = pick.exercise["slug"]
        made, _ = check.item({"slug": slug, "role": pick.role, "dose": pick.dose, "reason": reason}, items)
        items.append(program.item(made, check.offered[slug], profile, shelf.names, language, shelf.exercises))
    check.program(program.assemble(items, profile, limits, flags, None, language, offer))
    marks.append(perf_counter())
    return [end - start for start, end in zip(marks, marks[1:], strict=False)]


def main(rounds: int) -> None:
    for text, language in CASES:
        one(text, language)
    taken = [one(text, language) for _ in range(rounds) for text, language in CASES]
    for name, times in zip((*PARTS, "whole"), [*zip(*taken, strict=True), [sum(t) for t in taken]], strict=True):
        print(f"{name:16} p50 {median(times) * 1000:6.2f} ms   p95 {quantiles(times, n=20)[-1] * 1000:6.2f} ms")
    print(f"{len(library.load().exercises)} exercises, {len(taken)} programs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
