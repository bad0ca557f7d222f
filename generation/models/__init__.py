from generation.models.accounts import ApiToken, Clinic, Membership, User
from generation.models.library import Exercise, ExerciseText
from generation.models.programs import Program, ProgramItem
from generation.models.runs import Event, Run, Step

__all__ = [
    "ApiToken",
    "Clinic",
    "Event",
    "Exercise",
    "ExerciseText",
    "Membership",
    "Program",
    "ProgramItem",
    "Run",
    "Step",
    "User",
]
