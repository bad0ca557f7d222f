"""`POST /api/generate-stream` and the classic `POST /api/generate`, for clients of the older dialect."""

from collections.abc import Sequence
from typing import Any

from generation import events, runs
from generation.consumers.base import HttpConsumer, first_of
from generation.consumers.open_streams import open_streams
from generation.consumers.owned import owned
from generation.consumers.stream import StreamConsumer
from generation.database import in_database
from generation.dialects import exercise_program
from generation.errors import HepError, Invalid, Restarting
from generation.feed import feed
from generation.models import Run
from generation.models.runs import Status
from generation.serializers import cleaned
from generation.watcher import Watcher
from generation.wire import Frame, json_frame, parse_dialect_cursor

KIND = "exercise_program"
# HTTP status of a run that ended in an error, by the dialect's code; the rest is 500.
STATUS = {"OPENAI_API_ERROR": 502, "RATE_LIMITED": 429, "CANCELLED": 409}


async def start(consumer: HttpConsumer) -> Run:
    body, user = await consumer.json_body(), consumer.identity.user
    if not isinstance(body, dict):
        raise Invalid("The body is a JSON object.")
    return await consumer.start_once(lambda: runs.start(user, KIND, cleaned(KIND, body)), KIND, body)


class GenerateDialect:
    def __init__(self) -> None:
        self.translator = exercise_program.Translator()

    async def frames(self, frames: Sequence[Frame]) -> bytes:
        """Of an event that becomes several frames only the last one carries the id."""
        parts = []
        for frame in frames:
            envelope = frame.envelope
            result = None
            if frame.name == "complete":
                run_id = envelope["run_id"]
                result = await in_database(lambda run_id=run_id: Run.objects.get(uid=run_id).result)  # type: ignore[misc]
            *first, last = self.translator.frames(envelope, result) or (None,)
            parts += [json_frame(value) for value in first]
            if last is not None:
                parts.append(json_frame(last, f"{envelope['run_id']}:{frame.seq}"))
        return b"".join(parts)

    def refusal(self, error: HepError) -> bytes:
        return json_frame(self.translator.refusal(error))


class GenerateStream(StreamConsumer):
    methods = ("POST",)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.dialect = self.generate = GenerateDialect()
        await super().__call__(scope, receive, send)

    async def serve(self) -> None:
        self.owned = self.query("detach") != "1"
        cursor = self.headers.get("last-event-id")
        if cursor is None:
            run, after = await start(self), 0
        else:
            run_id, after = parse_dialect_cursor(cursor)
            user = self.identity.user
            run = await in_database(lambda: runs.get_run_for(user, run_id))
            if (told := await in_database(lambda: events.last_progress(run, after))) is not None:
                self.generate.translator.frames(told.envelope)
        await self.follow(run, after, self.location(run))


class Generate(HttpConsumer):
    """Answers when the run has ended. A client that leaves before cancels it."""

    methods = ("POST",)

    async def answer(self) -> None:
        with open_streams().hold(self):
            run = await start(self)
            owned().attach(run.pk)
            gone = False
            try:
                async with await feed().follow(run, 0) as watcher:
                    ended = await first_of(self.until_end(watcher), self.disconnected())
                    gone = not ended and not feed().draining
            finally:
                owned().detach(run, self.identity.user, gone)
        if ended:
            await self.send_outcome(run)

    async def until_end(self, watcher: Watcher) -> None:
        while await watcher.batch() is not None:
            pass

    async def send_outcome(self, run: Run) -> None:
        await in_database(run.refresh_from_db)
        location = self.location(run)
        if run.status == Status.SUCCEEDED:
            await self.respond(200, run.result, location)
        elif run.error is not None:
            code = exercise_program.error_code(run.error["code"])
            error = {"code": code, "message": run.error["message"]}
            await self.respond(STATUS.get(code, 500), {"error": error}, location)
        elif run.status == Status.CANCELLED:
            await self.respond(409, {"error": {"code": "CANCELLED", "message": "The run was cancelled."}}, location)
        else:
            raise Restarting
