from generation.models.accounts import ApiToken, Clinic, Membership, User
from generation.models.audit import AuditEntry
from generation.models.calls import ModelCall
from generation.models.library import Exercise, ExerciseText, ExerciseWords, LibraryLoad
from generation.models.programs import Program, ProgramVersion
from generation.models.reconnects import Reconnect
from generation.models.requests import IdempotencyKey, Start
from generation.models.runs import Batch, Event, Run, Step
from generation.models.shares import ShareLink, Visits
from generation.models.tickets import StreamTicket

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Batch",
    "Clinic",
    "Event",
    "Exercise",
    "ExerciseText",
    "ExerciseWords",
    "IdempotencyKey",
    "LibraryLoad",
    "Membership",
    "ModelCall",
    "Program",
    "ProgramVersion",
    "Reconnect",
    "Run",
    "ShareLink",
    "Start",
    "Step",
    "StreamTicket",
    "User",
    "Visits",
]
