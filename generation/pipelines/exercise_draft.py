"""The exercises of a program, asked of whoever writes it, each kept once it is whole and safe. Source: domain.md 4.

One round is one answer. What a model got wrong is sent back to it in at most REPAIRS more; an exercise that was
accepted is never taken back, so each round asks only for what is missing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

from generation.clinical import answer, program, selection, validation
from generation.clinical.red_flags import RedFlag
from generation.clinical.validation import Check, Finding
from generation.errors import ModelError, ModelInterrupted, ModelTimedOut, ModelTimeSpent, OutputInvalid
from generation.pipelines.base import RunHandle
from generation.pipelines.exercise_task import task_for
from generation.providers.base import Chunk, Repair
from generation.providers.messages import tokens
from generation.providers.whole import answer_in, sound

REPAIRS = 2
# Answers that may break off within one attempt and be taken up again.
INTERRUPTIONS = 2
# Of the last answer; a longer one is not worth reading again.
MOST_PREVIOUS = 20_000
# Of one answer; a model that writes in circles makes the same one hundreds of times.
MOST_FAULTS = 20
# The model may be slow to say so that it has finished: tokens alone move the bar no further than this.
MOST_BY_TOKENS = 0.95
WORDS = {
    "en": {
        "repair": "Mending the draft ({n} of {most})",
        "again": "The answer broke off; asking for the rest",
        "failed": "The model server failed",
        "unusable": "The model gave no usable draft",
        "invalid": "The model's draft failed checks {codes}",
        "all": "{why}; rules write the program.",
        "rest": "{why}; it chose {n}, rules the rest.",
    },
    "da": {
        "repair": "Retter udkastet ({n} af {most})",
        "again": "Svaret blev afbrudt; beder om resten",
        "failed": "Modelserveren svigtede",
        "unusable": "Modellen gav intet brugbart udkast",
        "invalid": "Modellens udkast bestod ikke tjek {codes}",
        "all": "{why}; regler skriver programmet.",
        "rest": "{why}; den valgte {n}, regler resten.",
    },
}


class Draft:
    """`items` are accepted; `stop` is a red flag that the model met and that ends the run.

    `found` are warnings: the faults that remain after the last repair, and what did not fit into the time. `fallback`
    is the warning that the composer took over.
    """

    def __init__(
        self,
        run: RunHandle,
        check: Check,
        shelf: program.Shelf,
        flags: Sequence[RedFlag],
        between: tuple[float, float],
    ) -> None:
        self.run = run
        self.check = check
        self.shelf = shelf
        self.flags = flags
        self.between = between
        self.most = selection.most_items(check.profile)
        self.items: list[dict[str, Any]] = []
        self.stop: RedFlag | None = None
        self.found: list[Finding] = []
        # What was set aside in any round: for want of time, or because it could not be read.
        self.left_out: list[Finding] = []
        self.fallback: Mapping[str, Any] | None = None
        self.rounds: list[Mapping[str, Any]] = []
        # Of the round that runs; the case as the model was told it.
        self.case = ""
        self.text: list[str] = []
        self.faults: list[Finding] = []
        self.tokens = 0
        # Exercises that the model has named, whatever became of them.
        self.read = 0
        self.interruptions = 0
        # What is being done, when it is not simply being written.
        self.doing: str | None = None

    async def write(self) -> None:
        """Raises ModelError and OutputInvalid where the composer may not take over."""
        await self.restore()
        if self.stop is not None or await self.run.stored("generated") is not None:
            return
        try:
            await self.ask()
        except (ModelError, OutputInvalid) as error:
            if self.run.engine == "composer" or not self.run.may_fall_back:
                raise
            self.fallback = self.warning(error)
            await self.run.fall_back(self.fallback)
            self.found, self.doing = [], None
            await self.round()
        self.found += self.left_out
        await self.run.store("generated", [asdict(finding) for finding in self.found])

    async def restore(self) -> None:
        """What an earlier attempt left."""
        run = self.run
        while (item := await run.stored(f"exercise:{len(self.items)}")) is not None:
            self.items.append(item)
        while (done := await run.stored(f"round:{len(self.rounds)}")) is not None:
            self.rounds.append(done)
        stop = await run.stored("reported_stop")
        self.stop = None if stop is None else RedFlag(**stop)
        self.fallback = await run.stored("fallback")
        self.found = [Finding(**finding) for finding in await run.stored("generated") or ()]

    async def ask(self) -> None:
        """Round after round until nothing is wrong. Raises ModelError, OutputInvalid."""
        if self.run.engine == "composer":
            return await self.round()
        while len(self.rounds) <= REPAIRS:
            await self.round()
            faults = [] if self.stop else self.faults_of_round()
            if not faults:
                return
            done = {"errors": [asdict(fault) for fault in faults], "answer": sound("".join(self.text))[:MOST_PREVIOUS]}
            await self.run.store(f"round:{len(self.rounds)}", done)
            self.rounds.append(done)
            if len(self.rounds) <= REPAIRS:
                self.say("repair", n=len(self.rounds), most=REPAIRS)
        left = [Finding(**fault) for fault in self.rounds[-1]["errors"]]
        if len(self.items) < self.check.least():
            raise OutputInvalid(f"The model's draft failed the checks {codes_of(left)}.")
        self.found = [Finding(fault.code, "warning", told(fault)) for fault in left]

    def repair(self) -> Repair | None:
        """What the last round got wrong, with what there is to choose from; None where nothing has to be mended."""
        if not self.rounds or self.run.engine == "composer":
            return None
        last = self.rounds[-1]
        accepted = ", ".join(item["slug"] for item in self.items) or "none"
        wanted = max(0, self.check.least() - len(self.items))
        errors = [f"{fault['code']}: {fault['message']}" for fault in last["errors"]]
        errors.append(f"accepted: {accepted}; {wanted} more at least, {self.most - len(self.items)} at most")
        errors.append(f"choose from: {', '.join(self.check.open_choices(self.items)[: 3 * self.most])}")
        return Repair(errors, answer_in(last["answer"]) or last["answer"])

    async def round(self) -> None:
        """One answer, taken up again where it breaks off. Raises ModelError, OutputInvalid."""
        run = self.run
        while True:
            self.text, self.faults = [], []
            # On a thread: a long text made to be hard takes 50 ms to redact.
            task = await asyncio.to_thread(
                task_for, run.input, run.language, self.check.profile, self.check, self.items, self.repair()
            )
            self.case = str(task.brief["case"])
            try:
                async with aclosing(run.write(task)) as chunks:  # type: ignore[type-var]
                    async for chunk in chunks:
                        await self.take(chunk)
                        if self.stop is not None:
                            break
                return
            except ModelTimeSpent:
                raise
            except (ModelInterrupted, ModelTimedOut):
                if len(self.items) >= self.most and '"red_flags"' in "".join(self.text):
                    # Nothing is missing.
                    return
                self.interruptions += 1
                if not self.text or self.interruptions > INTERRUPTIONS:
                    raise
                self.say("again")

    async def take(self, chunk: Chunk) -> None:
        if chunk.text:
            self.text.append(chunk.text)
            self.tokens += tokens(chunk.text)
            self.move()
        if chunk.path == "red_flags":
            await self.take_flag(chunk.value)
        elif chunk.path == "exercises" and len(self.items) < self.most:
            await self.take_pick(chunk.value)

    async def take_flag(self, value: Any) -> None:
        """A STOP that the screen has not met ends the run; it is kept for a later attempt. Source: domain.md 4, V06."""
        reported = answer.reported(value)
        if reported is None or not validation.is_known(reported["code"]):
            unread = Finding("V06", "warning", "the model reported a red flag that is not known")
            self.left_out += [unread] if unread not in self.left_out else []
        stop = validation.reported_stop([reported] if reported else [], self.flags, self.run.language)
        if stop is not None:
            if " ".join(stop.matched_text.split()).casefold() not in " ".join(self.case.split()).casefold():
                # A reader is shown it as words of the case; what is not in it is the model's own.
                stop = replace(stop, matched_text="")
            self.stop = stop
            await self.run.store("reported_stop", asdict(stop))

    async def take_pick(self, value: Any) -> None:
        pick, shape = answer.choice(value)
        if pick is None:
            self.faults += [Finding("V01", "error", fault) for fault in shape]
            return
        if any(pick["slug"] == item["slug"] for item in self.items):
            # A model that is asked for the rest may repeat what it has.
            return
        self.read += 1
        # One that is not accepted was written all the same.
        self.run.done(min(1.0, self.read / min(self.most, len(self.check.offered))))
        item, faults = self.checked(pick)
        self.faults += faults
        if item is not None:
            name, index = f"exercise:{len(self.items)}", len(self.items)
            self.items.append(item)
            await self.run.store(name, item, ("item", {"path": "exercises", "index": index, "value": item}))
            self.move()

    def checked(self, pick: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[Finding]]:
        """The pick as an item of the result, or None and why it must not be used.

        A reason that does not hold becomes ours.
        """
        exercise = self.check.offered.get(pick["slug"])
        if exercise is None:
            return None, errors_in(self.check.item({**pick}, self.items)[1])
        own = program.reason(exercise, self.check.profile, self.shelf.language)
        errors: list[Finding] = []
        for reason in dict.fromkeys([pick.get("reason") or own, own]):
            mended, found = self.check.item(self.check.completed(pick) | {"reason": reason}, self.items)
            errors = errors_in(found)
            if not errors and not self.check.fits(mended, self.items):
                budget = selection.minutes_budget(self.check.profile)
                message = f"{mended['slug']} left out to fit {budget} minutes"
                self.left_out.append(Finding("V10", "warning", message))
                return None, []
            if not errors:
                shelf = self.shelf
                whole = program.item(mended, exercise, self.check.profile, shelf.names, shelf.language, shelf.exercises)
                return whole, []
            if not {error.code for error in errors} <= {"V11", "V14"}:
                break
        return None, errors

    def faults_of_round(self) -> list[Finding]:
        """What a further round should mend; that a mixture lacks something is worth one alone."""
        if len(self.items) >= self.most:
            # There is no room for what a repair would bring.
            if answer.frame_faults(sound(answer_in("".join(self.text)))):
                self.left_out.append(Finding("V01", "warning", "the answer was not as asked for"))
            return []
        faults = list(dict.fromkeys(self.faults))[:MOST_FAULTS]
        if not faults:
            frame = answer.frame_faults(sound(answer_in("".join(self.text))))
            faults = [Finding("V01", "error", fault) for fault in frame]
        if len(self.items) < self.check.least():
            faults.append(Finding("V02", "error", f"{len(self.items)} exercises; {self.check.least()} at least"))
        if not self.rounds:
            faults += self.check.mixture(self.items)
        return faults

    def share(self) -> float:
        """Of as many exercises as there may be."""
        return len(self.items) / min(self.most, len(self.check.offered))

    def move(self) -> None:
        """The bar, by the exercises that are there or by the length of the answer, whichever is further."""
        low, high = self.between
        done = self.share()
        if self.tokens:
            done = max(done, min(MOST_BY_TOKENS, self.tokens / self.run.expected_tokens))
        self.run.progress(low + (high - low) * min(done, 1.0), self.doing)

    def say(self, words: str, **facts: int) -> None:
        self.doing = WORDS[self.run.language][words].format(**facts)
        self.run.say(self.doing)

    def warning(self, error: ModelError | OutputInvalid) -> dict[str, str]:
        failed = [Finding(**fault) for fault in self.rounds[-1]["errors"]] if self.rounds else []
        words = WORDS[self.run.language]
        if not isinstance(error, OutputInvalid):
            why = words["failed"]
        else:
            why = words["invalid"].format(codes=codes_of(failed)) if failed else words["unusable"]
        message = words["rest" if self.items else "all"].format(why=why, n=len(self.items))
        return {"code": "MODEL_FALLBACK", "message": message}


def errors_in(found: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.severity == "error"]


def codes_of(findings: Sequence[Finding]) -> str:
    """Three of them at most, since a message has a line."""
    return ", ".join(sorted({finding.code for finding in findings})[:3])


def told(fault: Finding) -> str:
    """What a clinician is told of a fault that stayed: V01 and V03 repeat the model's own words, unchecked."""
    return "left out: not as asked for" if fault.code in ("V01", "V03") else f"left out: {fault.message}"
