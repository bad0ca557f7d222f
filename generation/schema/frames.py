"""What goes over a socket or a batch's stream beside the events of a run: wire.md 1.1 and 1.4."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema

from generation.event_types import Documented, Id
from generation.schema.inputs import reference
from generation.schema.shapes import Batch, BatchEnded, BatchState, ChildRun, ErrorBody, Kind
from generation.wire import MAX_CURSOR

Cursor = Annotated[int, Field(ge=0, le=MAX_CURSOR)]
Ref = Annotated[str, Field(max_length=64)] | int
Key = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]


class SubscribeRun(Documented):
    """Follow a run; one that is followed already just moves its cursor."""

    type: Literal["subscribe"]
    run: Id
    after: NotRequired[Cursor]
    """Events past this number are sent; 0, the default, is all of them."""
    ref: NotRequired[Ref | None]
    """Comes back in the answer."""


class SubscribeBatch(Documented):
    """Follow the state of a batch."""

    type: Literal["subscribe"]
    batch: Id
    ref: NotRequired[Ref | None]


class UnsubscribeRun(Documented):
    type: Literal["unsubscribe"]
    run: Id
    ref: NotRequired[Ref | None]


class UnsubscribeBatch(Documented):
    type: Literal["unsubscribe"]
    batch: Id
    ref: NotRequired[Ref | None]


class Start(Documented):
    """Start a run, without subscribing to it."""

    type: Literal["start"]
    kind: Kind
    input: Annotated[dict[str, Any], WithJsonSchema({"allOf": [reference("ExerciseProgramInput")]})]
    key: NotRequired[Key]
    """What the Idempotency-Key is over HTTP."""
    ref: NotRequired[Ref | None]


class Steer(Documented):
    """Cancel, pause or resume a run."""

    type: Literal["cancel", "pause", "resume"]
    run: Id
    ref: NotRequired[Ref | None]


class Ping(Documented):
    """Answered with `ok`."""

    type: Literal["ping"]
    ref: NotRequired[Ref | None]


class Done(Documented):
    """A command about a run was carried out; `run` is null where it is about none."""

    type: Literal["ok"]
    ref: Ref | None
    run: Id | None


class BatchDone(Documented):
    """A command about a batch was carried out."""

    type: Literal["ok"]
    ref: Ref | None
    batch: Id


class Refused(ErrorBody):
    """A command was not carried out; the socket stays open.

    Without a `ref` and with a `run`: that run or batch is not shown any more.
    """

    type: Literal["error"]
    ref: Ref | None
    run: NotRequired[Id]
    snapshot: NotRequired[str]
    """With CURSOR_EXPIRED, where the run's snapshot is."""


class BatchMessage(Documented):
    """The first message: the batch as it is."""

    event: Literal["batch"]
    data: Batch


class RunMessage(Documented):
    """A run of the batch has changed; at most four times a second."""

    event: Literal["run"]
    data: ChildRun
    batch: BatchState


class BatchComplete(Documented):
    """The last message: every row has ended."""

    event: Literal["batch_complete"]
    data: BatchEnded
    batch: BatchState


class Heartbeat(Documented):
    """Sent when nothing else was for HEARTBEAT_S, 15 by default."""

    event: Literal["ping"]


class StreamError(Documented):
    """Said of the stream, not of a run: why it was refused, or that it broke. It stands in no log."""

    event: Literal["error"]
    data: ErrorBody


COMMANDS: dict[str, type[Any]] = {
    "subscribeRun": SubscribeRun,
    "subscribeBatch": SubscribeBatch,
    "unsubscribeRun": UnsubscribeRun,
    "unsubscribeBatch": UnsubscribeBatch,
    "start": Start,
    "steer": Steer,
    "ping": Ping,
}
ANSWERS: dict[str, type[Any]] = {"ok": Done, "batchOk": BatchDone, "refused": Refused}
BATCH_MESSAGES: dict[str, type[Any]] = {"batch": BatchMessage, "run": RunMessage, "batch_complete": BatchComplete}
