"""A program for other systems."""

from generation.program_serializers import VersionQuery
from generation.schema.inputs import Schema
from generation.schema.operation import answer, operation, refusals
from generation.schema.programs import PROGRAM_ID, asked_by

FHIR = "application/fhir+json"
BUNDLE: Schema = {
    "type": "object",
    "required": ["resourceType", "type", "entry"],
    "properties": {
        "resourceType": {"type": "string", "const": "Bundle"},
        "type": {"type": "string", "const": "collection"},
        "entry": {"type": "array", "items": {"type": "object", "required": ["fullUrl", "resource"]}},
    },
}

OPERATIONS: dict[tuple[str, str], Schema] = {
    ("GET", "/api/programs/{program_id}/fhir"): operation(
        "exportFhir",
        "Programs",
        "A program as a FHIR R4 Bundle",
        {
            "200": answer("A CarePlan, its Goals, and a ServiceRequest for each exercise; the export is audited.")
            | {"content": {FHIR: {"schema": BUNDLE}}},
            **refusals(400, 401, 404, 503),
        },
        description="The patient is a logical identifier: neither name nor record number is in it. "
        "A version that nobody has approved is exported as a draft.",
        parameters=(PROGRAM_ID, *asked_by(VersionQuery, version="The current one by default.")),
    ),
}
