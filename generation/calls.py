"""What one attempt asks of a model server, kept before it is asked and settled when it has ended."""

import asyncio
import time
from decimal import Decimal
from statistics import median

from generation import audit
from generation.events import Change, Line, Log
from generation.models import AuditEntry, ModelCall, Run
from generation.providers.base import Provider, Task, Usage
from generation.providers.messages import tokens

# Of calls that were answered; enough for a median that a few odd ones don't move.
REMEMBERED = 50
# Tokens of an answer where no earlier one tells: six exercises with a short reason each.
EXPECTED_TOKENS = 500

Totals = dict[str, int | Decimal]


class Calls:
    """The calls of one attempt. The totals are the run's, and exact: the holder of its epoch alone writes them."""

    def __init__(self, run: Run, log: Log) -> None:
        self.run = run
        self.log = log
        self.open: ModelCall | None = None
        self.began = 0.0
        self.written: list[str] = []
        # When the connection of a call that was cut off was closed, in milliseconds since 1970.
        self.closed_at_ms: int | None = None
        # Tokens that the run's first request was thought to take; 0 until there is one.
        self.size = first_asked(run) if run.attempt > 1 else 0

    async def begin(self, provider: Provider, task: Task, asked: Usage) -> None:
        """Store that a call is about to be made, with what asking costs by estimate: a worker may die during it."""
        self.settle(provider)
        call = ModelCall(
            run_uid=self.run.uid,
            batch_uid=self.run.batch_id,
            attempt=self.run.attempt,
            kind=self.run.kind,
            owner_id=self.run.owner_id,
            clinic_id=self.run.clinic_id,
            server=provider.name[:80],
            model=provider.model[:80],
            prompt=task.prompt,
            asked_tokens=asked.input_tokens,
            input_tokens=asked.input_tokens,
            cost_usd=dollars(asked),
        )
        self.size = self.size or asked.input_tokens
        self.run.input_tokens += asked.input_tokens
        self.run.cost_usd += dollars(asked)
        totals = self.totals()
        facts = {"server": call.server, "redacted": dict(task.redacted)}
        asked_of = {"provider": provider.name[:40], "model": call.model, "prompt": call.prompt}

        def change(seq: int) -> bool:
            call.save()
            audit.record(self.run.owner.get_username(), AuditEntry.Action.MODEL_CALL, "run", self.run.uid, facts)
            Run.objects.filter(pk=self.run.pk).update(**asked_of, **totals)
            return True

        try:
            await self.log.commit(change=change)
        except asyncio.CancelledError:
            # It may be stored all the same, but it was never sent.
            self.open, self.began, self.written = call, time.monotonic(), []
            self.end(Usage(), ModelCall.Outcome.FAILED)
            raise
        self.open, self.began, self.written = call, time.monotonic(), []

    def heard(self, text: str) -> None:
        if self.open is not None:
            if not self.written:
                self.open.first_text_ms = self.elapsed_ms()
            self.written.append(text)

    def end(self, usage: Usage, outcome: ModelCall.Outcome | None = None) -> None:
        """Settle the open call: its estimate gives way to what it cost. Without one, only the totals are told."""
        call, self.open = self.open, None
        if call is None:
            self.log.append_with(lambda seq: True, line(self.totals()))
            return
        if outcome is None:
            used = usage.input_tokens or usage.output_tokens
            outcome = ModelCall.Outcome.ANSWERED if used else ModelCall.Outcome.FAILED
        totals = self.totals_with(call, usage)
        self.adopt(totals)
        self.log.append_with(self.settling(call, usage, outcome, totals), line(totals))

    def settle(self, provider: Provider) -> None:
        """End a call that told no usage, because it broke off or was closed, by what was heard of it."""
        if self.open is not None and not self.log.closed:
            self.end(self.heard_so_far(self.open, provider), ModelCall.Outcome.BROKEN)

    def breaking(self, provider: Provider) -> tuple[Change, list[Line], Totals]:
        """What would settle the open call if it were broken off now, and the totals then; nothing is changed here."""
        if self.open is None:
            return lambda seq: True, [], self.totals()
        usage = self.heard_so_far(self.open, provider)
        totals = self.totals_with(self.open, usage)
        return self.settling(self.open, usage, ModelCall.Outcome.BROKEN, totals), [line(totals)], totals

    def heard_so_far(self, call: ModelCall, provider: Provider) -> Usage:
        read, written = call.input_tokens, tokens("".join(self.written))
        return Usage(read, written, provider.cost(read, written), estimated=True)

    def settling(self, call: ModelCall, usage: Usage, outcome: ModelCall.Outcome, totals: Totals) -> Change:
        settled = {
            "outcome": outcome,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cost_usd": dollars(usage),
            "estimated": usage.estimated,
            "first_text_ms": call.first_text_ms,
            "duration_ms": self.elapsed_ms(),
        }

        def change(seq: int) -> bool:
            ModelCall.objects.filter(pk=call.pk).update(**settled)
            Run.objects.filter(pk=self.run.pk).update(**totals)
            return True

        return change

    def close(self, provider: Provider) -> None:
        """The connection is closed, whatever was going on over it."""
        if self.open is not None:
            self.closed_at_ms = time.time_ns() // 1_000_000
            self.settle(provider)

    def totals(self) -> Totals:
        run = self.run
        return {"input_tokens": run.input_tokens, "output_tokens": run.output_tokens, "cost_usd": run.cost_usd}

    def totals_with(self, call: ModelCall, usage: Usage) -> Totals:
        """The totals with what the call cost in place of what it was thought to cost."""
        return {
            "input_tokens": self.run.input_tokens + usage.input_tokens - call.input_tokens,
            "output_tokens": self.run.output_tokens + usage.output_tokens,
            "cost_usd": self.run.cost_usd + dollars(usage) - call.cost_usd,
        }

    def adopt(self, totals: Totals) -> None:
        for name, value in totals.items():
            setattr(self.run, name, value)

    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)


def line(totals: Totals) -> Line:
    read, written = int(totals["input_tokens"]), int(totals["output_tokens"])
    cost = {"total_cost_usd": float(totals["cost_usd"]), "tokens_used": read + written}
    return Line("cost_update", cost | {"input_tokens": read, "output_tokens": written})


def first_asked(run: Run) -> int:
    """Tokens that the first request of the run was thought to take, 0 if there is none."""
    calls = ModelCall.objects.filter(run_uid=run.uid).order_by("pk")
    return calls.values_list("asked_tokens", flat=True).first() or 0


def dollars(usage: Usage) -> Decimal:
    return Decimal(f"{usage.cost_usd:.6f}")


def expected_tokens(kind: str, model: str) -> int:
    """How long an answer of this kind usually is, by the median of the last ones."""
    answered = ModelCall.objects.filter(kind=kind, model=model, outcome=ModelCall.Outcome.ANSWERED)
    lengths = list(answered.filter(output_tokens__gt=0).values_list("output_tokens", flat=True)[:REMEMBERED])
    return round(median(lengths)) if lengths else EXPECTED_TOKENS
