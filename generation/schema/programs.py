"""Programs after their generation: what may be done to them, and the operations."""

from typing import Any

from generation.clinical.editing import DOSE_LIMITS
from generation.program_serializers import (
    EDITS,
    ApproveRequest,
    DifferencesQuery,
    PageQuery,
    ProgramFilter,
    RecordQuery,
    TemplateName,
)
from generation.schema.inputs import Schema, object_of, property_of, reference
from generation.schema.operation import IDEMPOTENCY_KEY, answer, body, operation, parameter, query_of, refusals

SLUG: Schema = {"type": "string", "pattern": "^[a-z0-9-]{1,80}$"}
TOLD = {
    "version": "The version that the person has looked at; the command is refused if it is no longer the current one.",
    "slug": "The item, or the exercise to add.",
    "to": "The exercise that comes instead.",
    "direction": "One place up or down.",
    "acknowledged": "The codes of `cautions` that whoever approves has seen; all of them are needed.",
    "text": "For the patient; empty takes it away.",
    "name": "What the clinic finds it by.",
}
SUMMARIES = {
    "swap": "Take another exercise instead of one.",
    "move": "Move an exercise one place.",
    "dose": "Set at least one part of an exercise's dose, within the bounds of the exercise.",
    "remove": "Take an exercise out.",
    "add": "Add an exercise of the library.",
    "note": "Set the note for the patient beside an exercise.",
    "undo": "Go back to what was before the last action; once more goes further back.",
}


def told(serializer: Any) -> Schema:
    """The body that a serializer takes, each field with what it means here."""
    fields = serializer.fields
    codes = {"type": "array", "maxItems": 40, "items": {"type": "string", "pattern": "^[A-Za-z0-9_]{1,40}$"}}
    special = {"slug": SLUG, "to": SLUG, "acknowledged": codes}
    return object_of(
        serializer,
        **{
            name: (special[name] if name in special else property_of(name, field)) | {"description": TOLD[name]}
            for name, field in fields.items()
            if name in TOLD
        },
    )


def edit_of(action: str) -> Schema:
    made = told(EDITS[action]())
    made["properties"]["action"] = {"type": "string", "const": action}
    some = {"anyOf": [{"required": [name]} for name in DOSE_LIMITS]} if action == "dose" else {}
    return made | some | {"description": SUMMARIES[action]}


def request_schemas() -> dict[str, Schema]:
    return {
        "EditRequest": {"description": "One action.", "oneOf": [edit_of(action) for action in EDITS]},
        "ApproveRequest": told(ApproveRequest()),
        "TemplateName": told(TemplateName()),
    }


PROGRAM_ID = parameter(
    "program_id", "path", "The id of a program.", {"type": "string", "format": "uuid"}, required=True
)
NUMBER = parameter(
    "number", "path", "The number of a version.", {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, required=True
)
PROGRAM = reference("StoredProgram")
ERROR = reference("Error")
NOT_THEIRS = answer("Auditors and staff of no clinic only look, or the request comes from another site.", ERROR)
STALE = "There is a later version, told in `version`; or it can't be done, and `reason` says why."


def asked_by(serializer: Any, **meant: str) -> tuple[Schema, ...]:
    """The query parameters of a serializer whose names mean something of their own here."""
    return tuple(
        parameter(name, "query", meant[name], property_of(name, field) | {"description": meant[name]}, field.required)
        for name, field in serializer().fields.items()
    )


OPERATIONS: dict[tuple[str, str], Schema] = {
    ("GET", "/api/programs"): operation(
        "listPrograms",
        "Programs",
        "The programs one may see, newest first",
        {"200": answer("A page of them.", reference("ProgramPage")), **refusals(400, 401, 503)},
        description="One's own and those of one's clinics; for staff all.",
        parameters=(
            *asked_by(
                ProgramFilter,
                status="In this state.",
                template="Templates instead of programs.",
                cursor="From `next` or `previous` of another page.",
                page_size="25 by default; more than 100 is taken as 100.",
            ),
        ),
    ),
    ("GET", "/api/programs/{program_id}"): operation(
        "getProgram",
        "Programs",
        "A program's current version",
        {"200": answer("That it was looked at is on the audit trail.", PROGRAM), **refusals(401, 404, 503)},
        parameters=(PROGRAM_ID,),
    ),
    ("DELETE", "/api/programs/{program_id}"): operation(
        "deleteProgram",
        "Programs",
        "Delete a program or a template",
        {
            "204": answer("It is gone with its versions and its share links."),
            **refusals(400, 401, 404, 413, 503),
            "403": NOT_THEIRS,
        },
        description="An approved one too; that it was deleted stays on the audit trail. The run that wrote it stays.",
        parameters=(PROGRAM_ID,),
    ),
    ("GET", "/api/programs/{program_id}/versions"): operation(
        "listProgramVersions",
        "Programs",
        "The versions of a program, newest first",
        {"200": answer("A page of them.", reference("ProgramVersionPage")), **refusals(400, 401, 404, 503)},
        parameters=(PROGRAM_ID, *query_of(PageQuery)),
    ),
    ("GET", "/api/programs/{program_id}/versions/{number}"): operation(
        "getProgramVersion",
        "Programs",
        "A version of a program",
        {"200": answer("As it was made.", PROGRAM), **refusals(401, 404, 503)},
        parameters=(PROGRAM_ID, NUMBER),
    ),
    ("GET", "/api/programs/{program_id}/versions/{number}/differences"): operation(
        "compareProgramVersions",
        "Programs",
        "What is different in another version",
        {"200": answer("In codes and in words.", reference("Differences")), **refusals(400, 401, 404, 503)},
        parameters=(
            PROGRAM_ID,
            NUMBER,
            *asked_by(DifferencesQuery, to="The other version; the current one by default."),
        ),
    ),
    ("POST", "/api/programs/{program_id}/edits"): operation(
        "editProgram",
        "Programs",
        "Change a program",
        {
            "200": answer("The new version, a draft.", PROGRAM),
            **refusals(400, 401, 404, 413, 415, 503),
            "403": NOT_THEIRS,
            "409": answer(STALE, ERROR),
        },
        parameters=(PROGRAM_ID,),
        request=body("EditRequest"),
    ),
    ("GET", "/api/programs/{program_id}/alternatives"): operation(
        "listAlternatives",
        "Programs",
        "What could stand in for an exercise",
        {"200": answer("Best first.", reference("Alternatives")), **refusals(400, 401, 404, 503)},
        parameters=(PROGRAM_ID, parameter("slug", "query", "One of the items.", SLUG, required=True)),
    ),
    ("POST", "/api/programs/{program_id}/approve"): operation(
        "approveProgram",
        "Programs",
        "Approve a program",
        {
            "200": answer("It is approved; the first to approve a version has signed it.", PROGRAM),
            **refusals(400, 401, 404, 413, 415, 503),
            "403": NOT_THEIRS,
            "409": answer("A later version, a template, a caution that is open, or checks that failed.", ERROR),
        },
        parameters=(PROGRAM_ID,),
        request=body("ApproveRequest"),
    ),
    ("GET", "/api/programs/{program_id}/record-text"): operation(
        "getRecordText",
        "Programs",
        "A program as plain text for the patient's record",
        {"200": answer("It is on the audit trail.", reference("RecordText")), **refusals(400, 401, 404, 503)},
        parameters=(
            PROGRAM_ID,
            *asked_by(RecordQuery, language="Of headings and dates.", version="The current one by default."),
        ),
    ),
    ("POST", "/api/programs/{program_id}/duplicate"): operation(
        "duplicateProgram",
        "Programs",
        "A new draft with the same content",
        {
            "201": answer("It belongs to the same person.", PROGRAM, "Location", "Idempotent-Replayed"),
            **refusals(400, 401, 404, 409, 413, 503),
            "403": NOT_THEIRS,
        },
        parameters=(PROGRAM_ID, IDEMPOTENCY_KEY),
    ),
    ("POST", "/api/programs/{program_id}/template"): operation(
        "saveTemplate",
        "Programs",
        "Keep a copy that the clinic may start from",
        {
            "201": answer(
                "The template, without the person it was made for.", PROGRAM, "Location", "Idempotent-Replayed"
            ),
            **refusals(400, 401, 404, 409, 413, 415, 503),
            "403": NOT_THEIRS,
        },
        parameters=(PROGRAM_ID, IDEMPOTENCY_KEY),
        request=body("TemplateName"),
    ),
    ("GET", "/api/program-templates"): operation(
        "listTemplates",
        "Programs",
        "The templates one may see, newest first",
        {"200": answer("A page of them.", reference("ProgramPage")), **refusals(400, 401, 503)},
        parameters=query_of(PageQuery),
    ),
    ("POST", "/api/program-templates/{program_id}/use"): operation(
        "useTemplate",
        "Programs",
        "Begin a program from a template",
        {
            "201": answer("A draft of whoever asks.", PROGRAM, "Location", "Idempotent-Replayed"),
            **refusals(400, 401, 404, 409, 413, 503),
            "403": NOT_THEIRS,
        },
        parameters=(PROGRAM_ID, IDEMPOTENCY_KEY),
    ),
}
