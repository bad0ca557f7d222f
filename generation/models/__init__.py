from generation.models.accounts import ApiToken, Clinic, Membership, User
from generation.models.audit import AuditEntry
from generation.models.library import Exercise, ExerciseText
from generation.models.programs import Program, ProgramItem
from generation.models.requests import IdempotencyKey, Start
from generation.models.runs import Batch, Event, Run, Step
from generation.models.tickets import StreamTicket

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Batch",
    "Clinic",
    "Event",
    "Exercise",
    "ExerciseText",
    "IdempotencyKey",
    "Membership",
    "Program",
    "ProgramItem",
    "Run",
    "Start",
    "Step",
    "StreamTicket",
    "User",
]
