"""What comes in of programs, field by field, and the shapes they go out in."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.validators import RegexValidator
from django.db.models import F
from rest_framework import serializers

from generation import rights
from generation.clinical.editing import DOSE_LIMITS, MOST_NOTE
from generation.errors import Invalid
from generation.models import Program, ProgramVersion, User
from generation.models.accounts import Language
from generation.serializers import NO_CHOICE, StrictSerializer, Text, iso, opened

SLUG = r"[a-z0-9-]{1,80}"
MOST_NAME = 80
# Of a version, in every database.
MOST_VERSIONS = 2**31 - 1


class WholeNumber(serializers.IntegerField):
    """A number in JSON, not a text of digits."""

    def to_internal_value(self, data: Any) -> int:
        # JSON has one kind of number: 3.0 is whole too.
        if type(data) is float and data.is_integer():
            data = int(data)
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class Slug(Text):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, validators=[RegexValidator(rf"\A{SLUG}\Z")], **kwargs)


class VersionRequest(StrictSerializer):
    version = WholeNumber(min_value=1, max_value=MOST_VERSIONS)


class ApproveRequest(VersionRequest):
    acknowledged = serializers.ListField(child=Text(max_length=40), max_length=40, required=False)


class Edit(VersionRequest):
    action = Text()


class ItemEdit(Edit):
    slug = Slug()


class SwapEdit(ItemEdit):
    to = Slug()


class MoveEdit(ItemEdit):
    direction = serializers.ChoiceField(choices=("up", "down"), error_messages=NO_CHOICE)


class NoteEdit(ItemEdit):
    text = Text(max_length=MOST_NOTE, allow_blank=True)


class DoseEdit(ItemEdit):
    def get_fields(self) -> dict[str, Any]:
        amounts = {
            name: WholeNumber(min_value=low, max_value=high, required=False)
            for name, (low, high) in DOSE_LIMITS.items()
        }
        return {**super().get_fields(), **amounts}


EDITS: dict[str, type[Edit]] = {
    "swap": SwapEdit,
    "move": MoveEdit,
    "dose": DoseEdit,
    "remove": ItemEdit,
    "add": ItemEdit,
    "note": NoteEdit,
    "undo": Edit,
}


class TemplateName(StrictSerializer):
    name = Text(max_length=MOST_NAME)


class ProgramFilter(StrictSerializer):
    """The query of `GET /api/programs`; `cursor` and `page_size` belong to the paginator."""

    status = serializers.ChoiceField(choices=Program.Status.choices, required=False, error_messages=NO_CHOICE)
    template = serializers.ChoiceField(choices=("true", "false"), default="false", error_messages=NO_CHOICE)
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(min_value=1, required=False)


class PageQuery(StrictSerializer):
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(min_value=1, required=False)


class DifferencesQuery(StrictSerializer):
    to = serializers.IntegerField(min_value=1, max_value=MOST_VERSIONS, required=False)


class AlternativesQuery(StrictSerializer):
    slug = Slug()


class VersionQuery(StrictSerializer):
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSIONS, required=False)


class RecordQuery(StrictSerializer):
    language = serializers.ChoiceField(choices=Language.choices, required=False, error_messages=NO_CHOICE)
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSIONS, required=False)


def edit_request(data: Any) -> tuple[int, str, dict[str, Any]]:
    """`{"version", "action", …}` → the version, the action and its fields. Raises Invalid."""
    action = data.get("action") if isinstance(data, Mapping) else None
    if not isinstance(action, str) or action not in EDITS:
        raise Invalid(fields={"action": ["This is not one of the choices."]})
    fields = dict(checked(EDITS[action], data))
    del fields["action"]
    return fields.pop("version"), action, fields


def checked(serializer: type[StrictSerializer], data: Any) -> Mapping[str, Any]:
    """The validated body. Raises Invalid with the fields at fault."""
    asked = serializer(data=data)
    if not asked.is_valid():
        raise Invalid(fields=asked.errors)
    values: Mapping[str, Any] = asked.validated_data
    return values


def head(program: Program) -> dict[str, Any]:
    return {
        "id": str(program.pk),
        "run": str(program.run.uid) if program.run else None,
        "clinic": str(program.clinic_id) if program.clinic_id else None,
        "language": program.language,
        "template": program.is_template,
        "template_name": opened(program, "template_name"),
        "created_at": iso(program.created_at),
    }


def signed(version: ProgramVersion) -> dict[str, Any]:
    return {
        "change": version.change,
        "made_by": version.made_by.get_username() if version.made_by else None,
        "made_at": iso(version.made_at),
        "approved_by": version.approved_by.get_username() if version.approved_by else version.approved_by_name or None,
        "approved_at": iso(version.approved_at),
    }


def shown(program: Program, version: ProgramVersion, actor: User) -> dict[str, Any]:
    """A version of a program with its content, and what this person may do to it."""
    may_change, current = rights.may_change(actor, program), version.number == program.current
    return {
        **version.content,
        **head(program),
        "status": Program.Status.DRAFT.value if version.approved_at is None else Program.Status.APPROVED.value,
        "version": version.number,
        "current": program.current,
        **signed(version),
        "may_change": may_change,
        "may_undo": may_change and current and version.back_to is not None,
    }


def version_shown(version: ProgramVersion) -> dict[str, Any]:
    """A version without its content."""
    return {"number": version.number, "back_to": version.back_to, **signed(version)}


def rows_shown(page: Iterable[Program]) -> list[dict[str, Any]]:
    """Programs as a list shows them. Reads the current version of each with one query."""
    rows = list(page)
    versions = ProgramVersion.objects.select_related("made_by", "approved_by")
    current = {v.program_id: v for v in versions.filter(program__in=rows, number=F("program__current"))}
    return [row_shown(program, current[program.pk]) for program in rows if program.pk in current]


def row_shown(program: Program, version: ProgramVersion) -> dict[str, Any]:
    return {
        **head(program),
        "title": title_of(version),
        "status": program.status,
        "version": version.number,
        **signed(version),
    }


def title_of(version: ProgramVersion) -> str | None:
    content: Mapping[str, Any] | None = opened(version, "content")
    return content["title"] if content else None
