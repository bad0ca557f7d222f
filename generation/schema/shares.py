"""Links for patients and the hand-out: their shapes and operations."""

from typing import Any

from generation.event_types import Count, Documented, Id, Timestamp
from generation.schema.inputs import Schema, object_of, property_of, reference
from generation.schema.operation import answer, body, operation, parameter, refusals
from generation.schema.programs import ERROR, NOT_THEIRS, PROGRAM_ID, asked_by
from generation.share_serializers import HandoutQuery, ShareRequest


class MadeShare(Documented):
    """A link that was just made."""

    id: Id
    url: str
    """For the patient. It is told this once: only its digest is kept."""
    expires_at: Timestamp


class Share(Documented):
    """A link as it is remembered."""

    id: Id
    created_by: str | None
    created_at: Timestamp
    expires_at: Timestamp
    revoked_by: str | None
    revoked_at: Timestamp | None
    opened: Count
    """How many times it was opened."""
    last_opened: Timestamp | None


class Shares(Documented):
    """The newest hundred at most."""

    results: list[Share]


SHAPES: tuple[type[Any], ...] = (MadeShare, Shares)


def request_schemas() -> dict[str, Schema]:
    days = property_of("days", ShareRequest().fields["days"]) | {"description": "How many days it works."}
    return {"ShareRequest": object_of(ShareRequest(), days=days)}


SHARE_ID = parameter("share_id", "path", "The id of a link.", {"type": "string", "format": "uuid"}, required=True)
PDF: Schema = {
    "description": "Tagged, in its language, on A4. A version that is not approved says so on every page.",
    "content": {"application/pdf": {"schema": {"type": "string", "contentMediaType": "application/pdf"}}},
}

OPERATIONS: dict[tuple[str, str], Schema] = {
    ("GET", "/api/programs/{program_id}/shares"): operation(
        "listShares",
        "Programs",
        "The links to a program, newest first",
        {"200": answer("Without their addresses.", reference("Shares")), **refusals(401, 404, 503)},
        parameters=(PROGRAM_ID,),
    ),
    ("POST", "/api/programs/{program_id}/shares"): operation(
        "shareProgram",
        "Programs",
        "Make a link for the patient",
        {
            "201": answer("The address is told this once.", reference("MadeShare")),
            **refusals(400, 401, 404, 413, 415, 503),
            "403": NOT_THEIRS,
            "409": answer("It is not approved (`reason` is `not_approved`), or it is a template.", ERROR),
        },
        description="Whoever has it sees the latest approved version, without an account.",
        parameters=(PROGRAM_ID,),
        request=body("ShareRequest", "Without one it works for 90 days.") | {"required": False},
    ),
    ("DELETE", "/api/programs/{program_id}/shares/{share_id}"): operation(
        "revokeShare",
        "Programs",
        "Close a link for good",
        {"204": answer("It opens nothing any more."), **refusals(400, 401, 404, 413, 503), "403": NOT_THEIRS},
        parameters=(PROGRAM_ID, SHARE_ID),
    ),
    ("GET", "/api/programs/{program_id}/handout.pdf"): operation(
        "printProgram",
        "Programs",
        "The hand-out for the patient",
        {"200": PDF, **refusals(400, 401, 404, 503)},
        description="Without the patient's name. That it was printed is on the audit trail.",
        parameters=(
            PROGRAM_ID,
            *asked_by(
                HandoutQuery,
                size="Of the print: body text of 12 to 14 pt, or of 18 pt.",
                language="By default the program's own; what is not known in the other one says so.",
                version="By default the current one.",
            ),
        ),
    ),
}
