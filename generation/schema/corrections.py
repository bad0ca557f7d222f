"""What a clinician may put right of what was understood, as `generation.clinical.correctable` checks it."""

from typing import Any

from generation.clinical.correctable import COUNTED, RANGES, choices
from generation.schema.inputs import Schema


def corrections_request() -> Schema:
    codes = {field: [choice["code"] for choice in found] for field, found in choices().items()}
    one = {field: one_of(codes[field]) for field in ("side", "irritability", "phase")}
    several = {field: some_of(codes[field]) for field in ("equipment_available", "goals", "comorbidities")}
    operations = [f"after_{kind}" for kind in codes["surgery"]]
    weeks = {"type": ["number", "null"], **between("weeks_post_op")}
    fields: Schema = {
        **one,
        **several,
        "regions": some_of(codes["regions"], least=1),
        "condition_tags": some_of([*codes["condition_tags"], *operations], most=len(codes["condition_tags"]) + 1),
        **{name: {"type": ["integer", "null"], **between(name)} for name in ("pain_now", "pain_worst", "age")},
        "onset": nullable(
            {"value": {"type": "number", **between("onset")}, "unit": one_of(["day", "week", "month", "year"])},
            ("value", "unit"),
        ),
        "surgery": nullable({"type": one_of(codes["surgery"]), "weeks_post_op": weeks}, ("type",)),
        "wb_status": {"enum": [*codes["wb_status"], None]},
        "restrictions": restrictions(codes["restrictions"]),
        **{name: {"type": "boolean"} for name in ("pregnant", "general_conditioning_ok", "jump_cleared")},
    }
    corrected = closed(fields) | {"minProperties": 1, "description": "The fields that were misunderstood."}
    return closed({"corrections": corrected}, ("corrections",))


def restrictions(codes: list[str]) -> Schema:
    plain = one_of([code for code in codes if code not in COUNTED or code == "pregnancy_weeks"])
    counted = [
        closed(
            {"code": {"type": "string", "const": code}, "value": {"type": "integer", **between(code)}},
            ("code", "value"),
        )
        for code in codes
        if code in COUNTED
    ]
    return closed(
        {
            "add": {"type": "array", "items": {"oneOf": [plain, *counted]}},
            "remove": {"type": "array", "items": one_of(codes)},
        }
    )


def one_of(codes: list[str]) -> Schema:
    return {"type": "string", "enum": codes}


def some_of(codes: list[str], least: int = 0, most: int | None = None) -> Schema:
    return {"type": "array", "items": one_of(codes), "minItems": least, "maxItems": most or len(codes)}


def between(name: str) -> Schema:
    low, high = RANGES[name]
    return {"minimum": low, "maximum": high}


def closed(fields: Schema, required: tuple[str, ...] = ()) -> Schema:
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": fields}
    return made | ({"required": list(required)} if required else {})


def nullable(fields: Schema, required: tuple[str, ...]) -> Schema:
    return closed(fields, required) | {"type": ["object", "null"]}
