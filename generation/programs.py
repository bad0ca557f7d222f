"""What the kind `exercise_program` keeps beside its result, and what a person may do to it afterwards.

Sync. A version is never changed: each command adds one, and a conditional update of `Program.current` decides which of
two commands against the same version counts.
"""

import uuid
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from generation import audit, rights, shelf
from generation.clinical import alternatives as similar
from generation.clinical import differences as comparing
from generation.clinical import editing
from generation.clinical.record import Signature
from generation.clinical.record import record_text as written
from generation.errors import ChecksFailed, Conflict, NotFound, StaleVersion
from generation.models import AuditEntry, Program, ProgramVersion, Run, User

Action = AuditEntry.Action
Content = dict[str, Any]


def identified(run: Run, result: dict[str, Any]) -> dict[str, Any]:
    """The result with the id its program has or will have: the same in every attempt at the run."""
    program = result.get("program")
    if program is None:
        return result
    return result | {"program": program | {"id": str(uuid.uuid5(run.uid, "program"))}}


def store(run: Run, result: dict[str, Any]) -> None:
    """Store the result's program as its first version; for the transaction in which the run's epoch is checked."""
    program = result.get("program")
    if program is None:
        return
    content = {key: value for key, value in program.items() if key != "id"} | {"profile": result["profile"]}
    row = Program(id=program["id"], run=run, owner_id=run.owner_id, clinic_id=run.clinic_id, language=run.language)
    begin(row, content, {"action": "generated"}, run.owner_id)


def discard(run: Run, by: str = audit.SERVER) -> None:
    """Leave no draft behind a run that was cancelled, failed or deleted; for a transaction of the caller's.

    What was ever approved stays on record.
    """
    # Locked before it is looked at: whoever approves it meanwhile has come first, or finds it gone.
    for draft in Program.objects.select_for_update().filter(run=run, status=Program.Status.DRAFT):
        if not was_approved(draft):
            remove(draft, by, run=str(run.uid))


def delete(actor: User, program_id: str | uuid.UUID) -> None:
    """Delete a program or template with its versions and share links, approved or not. Raises NotFound, NotAllowed."""
    program = changeable(actor, program_id)
    with transaction.atomic():
        found = Program.objects.select_for_update().filter(pk=program.pk).first()
        if found is None:
            raise NotFound("There is no such program.")
        remove(found, actor.get_username(), approved=was_approved(found), template=found.is_template)


def remove(program: Program, by: str, /, **codes: Any) -> None:
    audit.record(by, Action.DELETE, "program", program.pk, {"version": program.current, **codes})
    program.delete()


def was_approved(program: Program) -> bool:
    """Whether any of its versions ever was."""
    return program.versions.exclude(approved_at=None).exists()


def visible_to(actor: User) -> QuerySet[Program]:
    """The programs and templates that exist for this person: their own, their clinics', and for staff all."""
    return rights.visible(actor, Program.objects.select_related("owner", "clinic", "run"))


def get_program_for(actor: User, program_id: str | uuid.UUID) -> Program:
    """The one way to a program by its id. Raises NotFound, whether it is missing or somebody else's."""
    try:
        key = program_id if isinstance(program_id, uuid.UUID) else uuid.UUID(program_id)
        return visible_to(actor).get(pk=key)
    except (ValueError, Program.DoesNotExist):
        raise NotFound("There is no such program.") from None


def of_run(actor: User, run: Run) -> Program | None:
    """The program that a run has written, if it is there and exists for this person."""
    return visible_to(actor).filter(run=run).first()


def version_of(program: Program, number: int | None = None) -> ProgramVersion:
    """A version, by default the current one. Raises NotFound."""
    wanted = program.current if number is None else number
    versions = ProgramVersion.objects.select_related("made_by", "approved_by")
    found = versions.filter(program=program, number=wanted).first()
    if found is None:
        raise NotFound("The program has no such version.")
    # The caller knows more of it than a new query would.
    found.program = program
    return found


def content_of(program: Program, number: int | None = None) -> Content:
    """The snapshot of a version: the result's `program` without its id, with its `profile`."""
    content: Content = version_of(program, number).content
    return content


def viewed(actor: User, program: Program, number: int | None = None) -> None:
    """Record that somebody was shown a version."""
    recorded(actor, Action.VIEW, program, number or program.current)


def exported(actor: User, program: Program, number: int, form: str) -> None:
    """Record that a version was taken out, as `record` text or in another form."""
    recorded(actor, Action.EXPORT, program, number, form=form)


def differences(program: Program, before: int, after: int | None = None) -> list[dict[str, Any]]:
    """What is different in version `after` [the current one], in codes and the program's language. Raises NotFound."""
    return comparing.differences(content_of(program, before), content_of(program, after), program.language)


def record_text(program: Program, number: int | None = None, language: str | None = None) -> str:
    """Plain text for the patient's record; whoever hands it out calls `exported`. Raises NotFound."""
    version = version_of(program, number)
    approved = version.approved_at
    signature = Signature(
        version.number,
        version.made_at.date(),
        version.approver if approved else None,
        approved.date() if approved else None,
    )
    return written(version.content, signature, language or program.language)


def alternatives(program: Program, slug: str, reader: str = "en") -> list[dict[str, Any]]:
    """Similar exercises that are safe for this person, best first. Raises Invalid for one that is not an item."""
    return similar.alternatives(content_of(program), slug, bench_for(program, reader))


def bench_for(program: Program, reader: str) -> editing.Bench:
    library = {exercise["slug"]: exercise for exercise in shelf.library(program.clinic_id)}
    return editing.Bench(library, program.language, reader)


def edit(actor: User, program_id: str | uuid.UUID, version: int, action: str, **fields: Any) -> Program:
    """Do one action of `editing.ACTIONS`, or undo, to the version the person has looked at.

    Raises NotFound, NotAllowed, StaleVersion, Invalid with the fields at fault, EditRefused, ExerciseExcluded. An
    action that changes nothing makes no version.
    """
    if action == "undo":
        return undo(actor, program_id, version)
    program = changeable(actor, program_id)
    before = looked_at(program, version).content
    after = editing.apply(before, bench_for(program, actor.language), action, **fields)
    if after["items"] == before["items"]:
        return program
    codes: dict[str, Any] = {name: fields[name] for name in ("slug", "to", "direction") if name in fields}
    if action == "dose":
        codes["fields"] = sorted(set(fields) & set(editing.DOSE_LIMITS))
    return advance(actor, program, version, after, {"action": action, **codes}, back_to=version)


def undo(actor: User, program_id: str | uuid.UUID, version: int) -> Program:
    """Bring back what was before the last action; once more goes further back.

    Raises NotFound, NotAllowed, StaleVersion, and EditRefused when there is nothing to undo.
    """
    program = changeable(actor, program_id)
    current = looked_at(program, version)
    if current.back_to is None:
        raise editing.refused("nothing_to_undo", actor.language)
    earlier = version_of(program, current.back_to)
    change = {"action": "undo", "to": earlier.number}
    return advance(actor, program, version, earlier.content, change, back_to=earlier.back_to)


def approve(actor: User, program_id: str | uuid.UUID, version: int, acknowledged: Collection[str] = ()) -> Program:
    """Approve the current version; once it is, again changes nothing. `acknowledged` are codes of `editing.cautions`.

    Raises NotFound, NotAllowed, StaleVersion, ChecksFailed, EditRefused while a caution is not acknowledged, and
    Conflict for a template.
    """
    program = changeable(actor, program_id)
    if program.is_template:
        raise Conflict("A template is copied, not approved.")
    row = looked_at(program, version)
    if row.approved_at is not None:
        return program
    met = editing.cautions(row.content)
    if not set(met) <= set(acknowledged):
        raise editing.refused("not_acknowledged", actor.language)
    # By the library as it is now: a demand that was missing in it may have been mended since.
    found = editing.findings(row.content, bench_for(program, actor.language))
    if errors := sorted({finding.code for finding in found if finding.severity == "error"}):
        raise ChecksFailed(errors)
    with transaction.atomic():
        claim(program, version, status=Program.Status.APPROVED)
        unsigned = ProgramVersion.objects.filter(program=program, number=version, approved_at=None)
        # Of two who approve at once, the first has signed it, and that is what both wanted.
        if unsigned.update(approved_by=actor, approved_by_name=str(actor), approved_at=Now()):
            recorded(actor, Action.APPROVE, program, version, **({"acknowledged": met} if met else {}))
    return get_program_for(actor, program.pk)


def changeable(actor: User, program_id: str | uuid.UUID) -> Program:
    """A program that this person may change. Raises NotFound, NotAllowed."""
    program = get_program_for(actor, program_id)
    rights.require_change(actor, program)
    return program


def looked_at(program: Program, version: int) -> ProgramVersion:
    """The current version, if it is the one that the person has looked at. Raises StaleVersion."""
    if program.current != version:
        raise StaleVersion(program.current)
    return version_of(program)


def claim(program: Program, version: int, **fields: Any) -> None:
    """Change the row while this is its version, within the caller's transaction. Raises StaleVersion, NotFound."""
    row = Program.objects.filter(pk=program.pk)
    if not row.filter(current=version).update(**fields):
        now = row.values_list("current", flat=True).first()
        raise NotFound("There is no such program.") if now is None else StaleVersion(now)


def advance(
    actor: User, program: Program, version: int, content: Content, change: dict[str, Any], back_to: int | None
) -> Program:
    with transaction.atomic():
        claim(program, version, current=version + 1, status=Program.Status.DRAFT)
        ProgramVersion.objects.create(
            program=program, number=version + 1, content=content, change=change, back_to=back_to, made_by=actor
        )
        recorded(actor, Action.EDIT, program, version + 1, action=change["action"])
    return get_program_for(actor, program.pk)


def begin(program: Program, content: Content, change: dict[str, Any], made_by: uuid.UUID) -> None:
    """Add a program with its first version, within the caller's transaction."""
    program.save(force_insert=True)
    ProgramVersion.objects.create(program=program, number=1, content=content, change=change, made_by_id=made_by)


def recorded(actor: User, action: AuditEntry.Action, program: Program, version: int, /, **codes: Any) -> None:
    audit.record(actor.get_username(), action, "program", program.pk, {"version": version, **codes})
