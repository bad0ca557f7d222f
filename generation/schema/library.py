"""The operations that only look something up: the exercise library, estimates, metrics and spending."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from generation.clinical.data_files import read
from generation.event_types import Count, Documented, Eta, Id, Milliseconds, Ordinal, Timestamp
from generation.queries import EstimateQuery, ExerciseFilter, ExerciseQuery, MetricsQuery, SpendingQuery
from generation.schema.inputs import Schema, reference
from generation.schema.json_schema import schema_of
from generation.schema.operation import answer, operation, parameter, query_of, refusals
from generation.schema.shapes import Kind, Spent

Share = Annotated[float, Field(ge=0, le=1)]


class StageEstimate(Eta):
    """What one stage would take."""

    stage: str


class Reliability(Documented):
    """How often the latest estimates held that were shown for such runs, those from shipped defaults left out."""

    coverage: Share
    """The share of them whose range held what was true; 0.8 is what is aimed at."""
    forecasts: Ordinal
    since: Timestamp
    """When the run of the first of them ended."""


class Estimate(Documented):
    """What a new run would take that does not have to wait."""

    kind: Kind
    stages: list[StageEstimate]
    total: Eta
    calibration: Reliability | None
    """Null when they were shown for fewer than five runs."""


class MetricsRow(Documented):
    """A stage of a kind, within a day if days were asked for. No figure rests on fewer than five runs."""

    bucket: str | None
    """The day, as an ISO date in UTC."""
    kind: str
    stage: str
    count: Count
    """Attempts at the stage, however they ended."""
    p50: Milliseconds | None
    """Of those that succeeded, as is `p90`."""
    p90: Milliseconds | None
    failure_rate: float | None
    """0 to 1, of those that were neither cancelled nor paused."""
    cost_usd: float | None


class CalibrationRow(Documented):
    """How well runs of a kind by one writer were foretold, within a day if days were asked for.

    Estimates from shipped defaults are left out.
    """

    bucket: str | None
    """The day on which the runs ended, as an ISO date in UTC."""
    kind: str
    provider: str
    model: str
    forecasts: Ordinal
    """Estimates that were kept, and scored when their run had succeeded."""
    coverage: Share
    """The share of them whose range held what was true; 0.8 is what is aimed at."""
    error_ms: Milliseconds
    """The mean distance of an estimate's `ms` from what was true."""
    relative_error: Annotated[float, Field(ge=0)] | None
    """That distance as a share of the mean of what truly remained, as the dashboard shows it."""


# `from` can be the name of no attribute.
Period = TypedDict("Period", {"from": Timestamp, "to": Timestamp})


class Metrics(Documented, Period):
    """The period, and a row for each group in it."""

    results: list[MetricsRow]
    calibration: list[CalibrationRow]
    suppressed: Count
    """How many groups, of both lists, were too small to show."""


class SpendingRow(Spent):
    """What the calls to models of one day, person, model or clinic add up to."""

    key: str | None
    """An ISO date in UTC, a username, a model's name or a clinic's id; null for a deleted account, or no clinic."""


class Spending(Documented, Period):
    """The period, and a row for each key in it: days in order, the rest by what they cost, most first."""

    by: Literal["day", "user", "model", "clinic"]
    results: list[SpendingRow]


class ExercisePage(Documented):
    """A page of exercises: by slug, or the nearest hits of `q` first."""

    next: str | None
    """The address of the next page."""
    previous: str | None
    results: list[Annotated[dict[str, Any], WithJsonSchema({"allOf": [reference("Exercise")]})]]
    facets: dict[str, dict[str, Count]]
    """How many exercises there would be with each code of a filter, the other filters being as they are."""


# The lowest and the highest value.
RANGE: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
SHAPES: tuple[type[Any], ...] = (Estimate, Metrics, Spending, ExercisePage)


def exercise() -> Schema:
    """An exercise as the library file describes it, with its row's own fields, and its text in one language."""
    described = read("exercise.schema")
    parts = described["$defs"]
    own: Schema = {
        "id": schema_of(Id),
        "clinic": schema_of(Id | None) | {"description": "Whose own it is; null for the shared library."},
        "dose_bounds": {"type": ["object", "null"], "additionalProperties": RANGE},
        "reviewed_by": {"type": ["string", "null"]},
        "reviewed_on": {"type": ["string", "null"]},
        "language": {"type": ["string", "null"], "description": "Which language `text` is in."},
        "text": {"anyOf": [inlined(parts["text"], parts), {"type": "null"}]},
    }
    properties = {name: inlined(value, parts) for name, value in described["properties"].items()} | own
    return {
        "type": "object",
        "description": "One exercise of the library. `default_dose` says what is different in a phase.",
        "required": [*properties],
        "properties": properties,
    }


def inlined(schema: Any, parts: Schema) -> Any:
    """The schema with each reference to one of its `$defs` replaced by what it stands for."""
    if isinstance(schema, list):
        return [inlined(part, parts) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return inlined(parts[schema["$ref"].rsplit("/", 1)[1]], parts)
    # Fields may be added for whoever reads it; the file itself is closed.
    return {name: inlined(value, parts) for name, value in schema.items() if name != "additionalProperties" or value}


SLUG = parameter(
    "slug", "path", "The slug of an exercise.", {"type": "string", "pattern": "^[a-z0-9-]{1,80}$"}, required=True
)

OPERATIONS: dict[tuple[str, str], Schema] = {
    ("GET", "/api/exercises"): operation(
        "listExercises",
        "Library",
        "Search the exercises",
        {
            "200": answer("A page of those that meet all of it.", reference("ExercisePage")),
            **refusals(400, 401, 503),
        },
        description="Drafts and retired exercises exist for staff only, and are listed where `status` asks for them.",
        parameters=query_of(ExerciseFilter),
    ),
    ("GET", "/api/exercises/{slug}"): operation(
        "getExercise",
        "Library",
        "An exercise",
        {"200": answer("The exercise.", reference("Exercise")), **refusals(400, 401, 404, 503)},
        parameters=(SLUG, *query_of(ExerciseQuery)),
    ),
    ("GET", "/api/estimates"): operation(
        "getEstimate",
        "Metrics",
        "What a new run would take",
        {"200": answer("By stage and in all.", reference("Estimate")), **refusals(400, 401, 503)},
        parameters=query_of(EstimateQuery),
    ),
    ("GET", "/api/metrics"): operation(
        "getMetrics",
        "Metrics",
        "What runs took",
        {
            "200": answer("Aggregates only.", reference("Metrics")),
            **refusals(400, 401, 503),
            "403": answer("Metrics are for staff and for administrators of a clinic.", reference("Error")),
        },
        description=(
            "Of more than 31 days, each of them whole in UTC or the last one until now, `p50` and `p90` come from "
            "daily histograms and are within 4.5 % of the truth; all else is counted. Other periods are exact, and "
            "the longer the slower."
        ),
        parameters=query_of(MetricsQuery),
    ),
    ("GET", "/api/spending"): operation(
        "getSpending",
        "Metrics",
        "What models have cost",
        {"200": answer("Sums only.", reference("Spending")), **refusals(400, 401, 503)},
        description=(
            "Of one's own work, of clinics that one leads or administers, and for staff of all. A call counts for the "
            "day that it began on, and is still counted when its run was deleted."
        ),
        parameters=query_of(SpendingQuery),
    ),
}
