"""What may stand in the query of the addresses that only look something up."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from generation.errors import Invalid
from generation.exercises import LISTS, codes
from generation.models import Exercise
from generation.models.accounts import Language
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import ENGINES
from generation.serializers import NO_CHOICE, StrictSerializer
from generation.spending import BY

DEFAULT_PERIOD = timedelta(days=30)
LONGEST_PERIOD = timedelta(days=366)
# Tokens of a request; no model reads as many.
LARGEST = 10_000_000
NO_MOMENT: dict[str, Any] = {
    "invalid": "This is neither a day such as 2026-01-31 nor a moment such as 2026-01-31T12:00:00Z."
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def asked(query: type[StrictSerializer], request: Request) -> Mapping[str, Any]:
    """The validated query of a request. Raises Invalid with the parameters at fault."""
    serializer = query(data=request.query_params.dict())
    if not serializer.is_valid():
        raise Invalid(fields=serializer.errors)
    values: Mapping[str, Any] = serializer.validated_data
    return values


class ExerciseQuery(StrictSerializer):
    language = serializers.ChoiceField(choices=Language.choices, required=False, error_messages=NO_CHOICE)


class ExerciseFilter(ExerciseQuery):
    """The query of `GET /api/exercises`; `cursor` and `page_size` belong to the paginator."""

    q = serializers.CharField(max_length=200, required=False, allow_blank=True)
    region, purpose, phase, position, equipment, demand = (
        serializers.ChoiceField(choices=codes(field), required=False, error_messages=NO_CHOICE)
        for field in LISTS.values()
    )
    level = serializers.IntegerField(min_value=1, max_value=5, required=False)
    status = serializers.ChoiceField(choices=Exercise.Status.choices, required=False, error_messages=NO_CHOICE)
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(min_value=1, required=False)


class EstimateQuery(StrictSerializer):
    """The query of `GET /api/estimates`."""

    kind = serializers.ChoiceField(choices=sorted(PIPELINES), error_messages=NO_CHOICE)
    engine = serializers.ChoiceField(choices=ENGINES, default="auto", error_messages=NO_CHOICE)
    size = serializers.IntegerField(min_value=0, max_value=LARGEST, default=0)


class EndField(serializers.DateTimeField):
    """The moment where a period ends; of a date, the end of that day."""

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if not _DATE.fullmatch(value):
            return moment
        try:
            return moment + timedelta(days=1)
        except OverflowError:
            self.fail("overflow", timezone=timezone.get_current_timezone())


class PeriodQuery(StrictSerializer):
    """A period of the past. It has both ends when it has been validated."""

    def get_fields(self) -> dict[str, Any]:
        # `from` can't be the name of an attribute.
        period = {
            "from": serializers.DateTimeField(required=False, error_messages=NO_MOMENT),
            "to": EndField(required=False, error_messages=NO_MOMENT),
        }
        return {**super().get_fields(), **period}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        end = attrs.get("to") or timezone.now()
        try:
            begin = attrs.get("from") or end - DEFAULT_PERIOD
        except OverflowError:
            begin = end
        if begin >= end:
            raise serializers.ValidationError({"to": ["The period ends before it begins."]})
        if end - begin > LONGEST_PERIOD:
            raise serializers.ValidationError({"from": [f"At most {LONGEST_PERIOD.days} days at a time."]})
        return {**attrs, "from": begin, "to": end}


class MetricsQuery(PeriodQuery):
    """The query of `GET /api/metrics`."""

    kind = serializers.ChoiceField(choices=sorted(PIPELINES), required=False, error_messages=NO_CHOICE)
    stage = serializers.ChoiceField(
        choices=sorted({code for pipeline in PIPELINES.values() for code in stage_codes(pipeline)}),
        required=False,
        error_messages=NO_CHOICE,
    )
    provider = serializers.CharField(max_length=40, required=False)
    model = serializers.CharField(max_length=80, required=False)
    clinic = serializers.UUIDField(required=False)
    bucket = serializers.ChoiceField(choices=("day",), required=False, error_messages=NO_CHOICE)


class SpendingQuery(PeriodQuery):
    """The query of `GET /api/spending`."""

    by = serializers.ChoiceField(choices=tuple(BY), default="day", error_messages=NO_CHOICE)
