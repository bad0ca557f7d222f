"""What may be asked for, as the serializers check it: wire.md 3."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from generation.serializers import INPUTS, BatchRequest, TicketRequest

Schema = dict[str, Any]

TOLD = {
    "language": "Of texts and messages; the person's own by default.",
    "engine": "Who writes: `auto` is the model if one is configured, else the embedded composer.",
    "prompt": "The scenario in free text, 20 to 4000 characters without the white space around them.",
    "mrn": "The patient's record number.",
    "follows": "An earlier run whose case this one changes; without `mrn` that of the earlier run is taken over.",
    "clinic_id": "One of the person's clinics; by default their only one, else none.",
    "max_parallel": "How many of the rows run at a time; never more than the limit of active runs.",
    "run": "The id of a run.",
    "batch": "The id of a batch.",
    "kind": "Of this kind.",
    "status": "In this state.",
    "clinic": "Of this clinic.",
    "created_after": "Started after this moment.",
    "created_before": "Started before this moment.",
    "cursor": "From `next` or `previous` of another page.",
    "page_size": "25 by default; more than 100 is taken as 100.",
    "q": "Each of these words begins a word of the name or other names, purpose, steps, muscles, conditions or slug.",
    "region": "For this region of the body.",
    "purpose": "With this purpose.",
    "phase": "For this phase of rehabilitation.",
    "position": "Done in this position.",
    "equipment": "With this equipment.",
    "demand": "That asks this of the body.",
    "level": "Of this difficulty, 1 to 5.",
    "stage": "Of this stage.",
    "by": "A row for each of these.",
    "size": "Tokens of the first request to the model; 0 where that is not known.",
    "provider": "Written by this provider, as `calibration` names it.",
    "model": "Written by this model, as `calibration` names it.",
    "bucket": "A row for each day instead of one for the whole period.",
    "from": "Where the period begins, a moment or a date; 30 days before its end by default. It is 366 days at most.",
    "to": "Where the period ends, by default now; of a date, the end of that day.",
}

EXAMPLES = {
    "prompt": "68 yo woman, right knee OA, pain 4/10 on stairs, 8 months, wants to climb stairs and walk 30 min.",
    "mrn": "HEP-1042",
}

# What str.strip() takes away. Each dialect of patterns has a class \s of its own.
SPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def input_name(kind: str) -> str:
    return "".join(word.title() for word in kind.split("_")) + "Input"


def object_of(serializer: serializers.Serializer[Any], **instead: Schema) -> Schema:
    """The object that a strict serializer takes; `instead` describes fields better than the serializer knows."""
    fields = serializer.fields
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, field in fields.items() if field.required],
        "properties": {name: instead.get(name) or property_of(name, field) for name, field in fields.items()},
    }


def property_of(name: str, field: serializers.Field[Any, Any, Any, Any]) -> Schema:
    """What a field takes. Raises TypeError for a kind of field that no input has had before."""
    described: Schema = {"description": TOLD[name]} if name in TOLD else {}
    described |= {"examples": [EXAMPLES[name]]} if name in EXAMPLES else {}
    match field:
        case serializers.ChoiceField():
            described |= {"type": "string", "enum": list(field.choices)}
        case serializers.UUIDField():
            described |= {"type": ["string", "null"] if field.allow_null else "string", "format": "uuid"}
        case serializers.IntegerField():
            bounds = {"minimum": field.min_value, "maximum": field.max_value}
            described |= {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}
        case serializers.CharField():
            described |= text(field)
        case serializers.DateTimeField():
            described |= {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}
        case _:
            raise TypeError(f"{name}: nobody has said yet what a {type(field).__name__} looks like.")
    if field.default not in (serializers.empty, None):
        described["default"] = field.default
    return described


def text(field: serializers.CharField) -> Schema:
    """Text without NUL, measured without the white space around it."""
    most: Schema = {"maxLength": field.max_length} if field.max_length else {}
    if field.allow_blank:
        return {"type": "string", "pattern": r"^[^\x00]*$", **most}
    if not field.min_length:
        return {"type": "string", "pattern": rf"^[^\x00]*[^{SPACE}\x00][^\x00]*$", **most}
    assert field.max_length
    inner = rf"[^{SPACE}\x00][^\x00]{{{field.min_length - 2},{field.max_length - 2}}}[^{SPACE}\x00]"
    return {"type": "string", "minLength": field.min_length, **most, "pattern": f"^[{SPACE}]*{inner}[{SPACE}]*$"}


def request_schemas() -> dict[str, Schema]:
    """The components of every JSON body that the API takes, by name."""
    inputs = {input_name(kind): object_of(serializer()) for kind, serializer in INPUTS.items()}
    starts = [kind_and(kind, "input", reference(input_name(kind))) for kind in INPUTS]
    batches = [kind_and(kind, "inputs", rows_of(kind), **batch_extras()) for kind in INPUTS]
    only_one = {"oneOf": [{"required": ["run"]}, {"required": ["batch"]}]}
    ticket = object_of(TicketRequest(), run=identified("run"), batch=identified("batch"))
    return inputs | {
        "StartRequest": {"description": "What to start.", "oneOf": starts},
        "BatchRequest": {"description": "Many inputs of one kind; one bad row and nothing starts.", "oneOf": batches},
        "TicketRequest": ticket | only_one | {"description": "Exactly one of the two."},
    }


def identified(name: str) -> Schema:
    return {"type": "string", "format": "uuid", "description": TOLD[name]}


def rows_of(kind: str) -> Schema:
    rows = {"type": "array", "minItems": 1, "maxItems": settings.MAX_BATCH_ROWS}
    return rows | {"items": reference(input_name(kind))}


def batch_extras() -> dict[str, Schema]:
    return {"max_parallel": property_of("max_parallel", BatchRequest().fields["max_parallel"])}


def kind_and(kind: str, name: str, value: Schema, **extras: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", name],
        "properties": {"kind": {"type": "string", "const": kind}, name: value, **extras},
    }
