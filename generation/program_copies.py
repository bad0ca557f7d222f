"""Programs that are made from others: duplicates, templates, and what begins from a template. Sync."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from generation import programs
from generation.clinical import editing, template
from generation.errors import NotFound
from generation.models import AuditEntry, Program, User

Action = AuditEntry.Action
Content = dict[str, Any]


def duplicate(actor: User, program_id: str | uuid.UUID) -> Program:
    """A new draft of the same owner and clinic, without the run and its record number. Raises NotFound, NotAllowed."""
    source = programs.changeable(actor, program_id)
    content = editing.brought_up(programs.content_of(source), programs.bench_for(source, actor.language))
    copy = Program(owner=source.owner, clinic=source.clinic, language=source.language)
    return copied(actor, source, copy, content, Action.DUPLICATE)


def save_as_template(actor: User, program_id: str | uuid.UUID, name: str) -> Program:
    """A named copy that the clinic may start from, without the person it was made for. Raises NotFound, NotAllowed."""
    source = programs.changeable(actor, program_id)
    content = template.impersonal(programs.content_of(source), programs.bench_for(source, actor.language))
    copy = Program(
        owner=actor, clinic=source.clinic, language=source.language, is_template=True, template_name=name.strip()
    )
    return copied(actor, source, copy, content, Action.TEMPLATE)


def templates_for(actor: User) -> QuerySet[Program]:
    return programs.visible_to(actor).filter(is_template=True)


def from_template(actor: User, template_id: str | uuid.UUID) -> Program:
    """A new draft of this person, which says that it was made for nobody yet. Raises NotFound, NotAllowed."""
    source = programs.changeable(actor, template_id)
    if not source.is_template:
        raise NotFound("There is no such template.")
    content = template.begun(programs.content_of(source), programs.bench_for(source, actor.language))
    copy = Program(owner=actor, clinic=source.clinic, language=source.language)
    return copied(actor, source, copy, content, Action.DUPLICATE)


def copied(actor: User, source: Program, copy: Program, content: Content, action: AuditEntry.Action) -> Program:
    change = {"action": action.value, "source": str(source.pk), "version": source.current}
    with transaction.atomic():
        programs.begin(copy, content, change, actor.pk)
        programs.recorded(actor, action, source, source.current, copy=str(copy.pk))
    return programs.get_program_for(actor, copy.pk)
