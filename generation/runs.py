"""What a person may do to a run. Sync: transactions and conditional updates."""

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from generation import events, limits, programs, record_numbers, retention, rights, run_metrics, waiting
from generation.clinical import corrections
from generation.errors import Conflict, Invalid, NotFound
from generation.executors import executor
from generation.models import Batch, Clinic, Run, User
from generation.models.runs import ENDED, LIVE, Status
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import configured
from generation.providers.breaker import circuits

# What a worker may have changed since the row was read.
BY_A_WORKER = (
    "status", "epoch", "holder", "attempt", "stage", "provider", "model", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip


def visible_to(actor: User) -> QuerySet[Run]:
    """The runs that exist for this person: their own, their clinics', and for staff all."""
    return rights.visible(actor, Run.objects.select_related("owner", "clinic", "parent"))


def get_run_for(actor: User, run_id: str | uuid.UUID) -> Run:
    """The one way to a run by its public id. Raises NotFound, whether it is missing or somebody else's."""
    try:
        uid = run_id if isinstance(run_id, uuid.UUID) else uuid.UUID(run_id)
        return visible_to(actor).get(uid=uid)
    except (ValueError, Run.DoesNotExist):
        raise NotFound from None


def clinic_for(owner: User, clinic_id: str | None) -> Clinic | None:
    """The clinic a run belongs to: the named one, else the only one they work in. Raises Invalid."""
    theirs = rights.clinics_of(owner)
    clinics = list(theirs[:2] if clinic_id is None else theirs.filter(pk=clinic_id))
    if clinic_id is None:
        return clinics[0] if len(clinics) == 1 else None
    if not clinics:
        raise Invalid(fields={"clinic_id": ["There is no such clinic among yours."]})
    return clinics[0]


def require_engine(engine: str) -> None:
    """Raises Invalid unless this server can write with it."""
    if engine not in configured():
        raise Invalid(fields={"engine": ["No model is configured on this server."]})


def start(owner: User, kind: str, cleaned: Mapping[str, Any]) -> Run:
    """Queue a run: row, first event and dispatch in one transaction.

    `cleaned` is the kind's validated input with `language` and `engine`. Raises Invalid, BudgetSpent, TooManyRuns,
    RateLimited.
    """
    begun = settled(owner, cleaned)
    # Read before the transaction, which on SQLite keeps everybody else from writing.
    waiting.line()
    with transaction.atomic():
        limits.take_start(owner, [(begun.engine, begun.clinic)])
        return queue(owner, begun.clinic, kind, begun.given, parent=begun.parent)


class Beginning(NamedTuple):
    """What a run begins with: its input, its clinic, and the earlier run it follows."""

    given: dict[str, Any]
    clinic: Clinic | None
    parent: Run | None

    @property
    def engine(self) -> str:
        return str(self.given.get("engine", "auto"))


def settled(owner: User, cleaned: Mapping[str, Any]) -> Beginning:
    """What a run with this input would begin with; it stays in the clinic of the one it `follows`. Raises Invalid.

    The record number is taken over within that clinic alone, and by those who work in it.
    """
    require_engine(cleaned.get("engine", "auto"))
    given = dict(cleaned)
    earlier, wanted = given.pop("follows", None), given.get("clinic_id")
    if earlier is None:
        return Beginning(given, clinic_for(owner, wanted), None)
    try:
        parent = get_run_for(owner, earlier)
    except NotFound:
        raise Invalid(fields={"follows": ["There is no such run."]}) from None
    theirs = rights.may_change(owner, parent)
    clinic = parent.clinic if theirs and wanted is None else clinic_for(owner, wanted)
    if "mrn" in parent.input and "mrn" not in given:
        if not theirs:
            raise Invalid(fields={"mrn": ["You do not work in the clinic of that run; give the record number anew."]})
        if clinic != parent.clinic:
            raise Invalid(fields={"clinic_id": ["The record number is of another clinic; give it anew."]})
        given["mrn"] = parent.input["mrn"]
    return Beginning(given, clinic, parent)


def language_of(owner: User, given: Mapping[str, Any], parent: Run | None) -> str:
    """The language that is asked for, else that of the run before, else the person's."""
    return given.get("language") or (parent.language if parent else owner.language)


def queue(
    owner: User,
    clinic: Clinic | None,
    kind: str,
    cleaned: Mapping[str, Any],
    *,
    parent: Run | None = None,
    batch: Batch | None = None,
    row: int | None = None,
) -> Run:
    """Add a queued run with its first event, within the caller's transaction, and dispatch it when that commits."""
    engine = cleaned.get("engine", "auto")
    run = Run.objects.create(
        kind=kind,
        owner=owner,
        clinic=clinic,
        input=dict(cleaned),
        mrn_hash=record_numbers.digest(cleaned.get("mrn")),
        language=language_of(owner, cleaned, parent),
        engine=engine,
        parent=parent,
        batch=batch,
        row=row,
    )
    position = Run.objects.filter(status=Status.QUEUED, pk__lt=run.pk).count() + 1
    events.append_unheld(run, ("queued", {"position": position, "eta": waiting.eta_of(run)}))
    Run.objects.filter(pk=run.pk).update(last_seq=run.last_seq)
    transaction.on_commit(lambda: executor().submit(run.pk) if batch is None else executor().look())
    return run


def locked(actor: User, run_id: str | uuid.UUID) -> tuple[Run, QuerySet[Run]]:
    """A run whose state stays as it is until the caller's transaction ends, and the query for its row.

    Raises NotFound, NotAllowed.
    """
    run = get_run_for(actor, run_id)
    rights.require_steer(actor, run)
    row = Run.objects.filter(pk=run.pk)
    fresh = row.select_for_update(no_key=True)
    try:
        run.refresh_from_db(fields=BY_A_WORKER, from_queryset=fresh)
    except Run.DoesNotExist:
        raise NotFound from None
    return run, row


def append(run: Run, row: QuerySet[Run], event: str, data: dict[str, Any]) -> None:
    """Append to a run that nobody holds, taking its epoch: whoever thinks to hold it can write no more."""
    row.update(epoch=F("epoch") + 1)
    run.last_seq, _ = events.head(run.pk)
    events.append_unheld(run, (event, data))


def cancel(actor: User, run_id: str | uuid.UUID, reason: str = "user") -> tuple[Run, bool]:
    """Ask a run to stop. Returns it, and whether this call changed anything.

    A run that nobody holds is cancelled at once; a held one becomes `cancelling`, and its worker ends it.
    Raises NotFound, NotAllowed, and Conflict once it has succeeded or failed.
    """
    with transaction.atomic():
        run, row = locked(actor, run_id)
        if run.status in (Status.CANCELLING, Status.CANCELLED):
            return run, False
        if run.status in ENDED:
            raise Conflict(f"The run has {run.status}; there is nothing to cancel.")
        run.cancelled_by, run.cancel_reason = actor.get_username(), reason
        asked = {"cancelled_by": run.cancelled_by, "cancel_reason": reason, "cancel_requested_at": Now()}
        if run.holder is not None:
            row.update(status=Status.CANCELLING, **asked)
        else:
            append(run, row, "cancelled", run.cancellation())
            run_metrics.keep(run, Status.CANCELLED, run_metrics.now_ms(), run_metrics.author(run))
            programs.discard(run, by=actor.get_username())
            row.update(status=Status.CANCELLED, finished_at=Now(), last_seq=run.last_seq, **asked)
        transaction.on_commit(lambda: executor().cancel(run))
    run.refresh_from_db()
    return run, True


def pause(actor: User, run_id: str | uuid.UUID) -> tuple[Run, bool]:
    """Ask a run to rest. Returns it, and whether this call changed anything or is still to be carried out.

    A queued run is paused at once, a running one at its next step border. Raises NotFound, NotAllowed, and Conflict
    for one that stops or has ended.
    """
    by = actor.get_username()
    with transaction.atomic():
        run, row = locked(actor, run_id)
        if run.status == Status.PAUSED:
            return run, False
        if run.status == Status.QUEUED:
            append(run, row, "paused", {"by": by})
            row.update(status=Status.PAUSED, last_seq=run.last_seq)
            transaction.on_commit(lambda: executor().tell(run))
        elif run.status == Status.RUNNING:
            row.update(pause_requested_by=by)
            transaction.on_commit(lambda: executor().pause(run, by))
        else:
            raise Conflict(f"The run is {run.status}; it can't be paused.")
    run.refresh_from_db()
    return run, True


def resume(actor: User, run_id: str | uuid.UUID) -> tuple[Run, bool]:
    """Queue a paused run again. Returns it, and whether it was paused.

    A pause that was asked for but not yet carried out is taken back. Raises NotFound, NotAllowed, and Conflict for one
    that stops or has ended.
    """
    with transaction.atomic():
        run, row = locked(actor, run_id)
        if run.status == Status.PAUSED:
            from_stage = run.stage or stage_codes(PIPELINES[run.kind])[0]
            resumed = {"by": actor.get_username(), "attempt": run.attempt + 1, "from_stage": from_stage}
            append(run, row, "resumed", resumed)
            row.update(status=Status.QUEUED, last_seq=run.last_seq)
            transaction.on_commit(lambda: executor().tell(run))
            transaction.on_commit(lambda: executor().submit(run.pk))
        elif run.status == Status.RUNNING:
            if row.exclude(pause_requested_by="").update(pause_requested_by=""):
                transaction.on_commit(lambda: executor().pause(run, ""))
            return run, False
        elif run.status == Status.QUEUED:
            return run, False
        else:
            raise Conflict(f"The run is {run.status}; it can't be resumed.")
    run.refresh_from_db()
    return run, True


def retry(actor: User, run_id: str | uuid.UUID) -> Run:
    """Start a run with the same input, for the same person, clinic and place in a batch.

    Raises NotFound, NotAllowed, Conflict while the run is live, and what `start` raises.
    """
    with transaction.atomic():
        # The person before the run, as everywhere else: of two who retry a row, the second finds it retried.
        limits.lock(get_run_for(actor, run_id).owner)
        run, _ = locked(actor, run_id)
        if run.status not in ENDED:
            raise Conflict(f"The run is {run.status}; only one that has ended can be retried.")
        if run.batch is not None and run.children.filter(batch=run.batch).exists():
            raise Conflict(f"The run is {run.status}, and its row of the batch was started again already.")
        require_engine(run.engine)
        one_more = run.batch is None or not run.batch.runs.filter(status__in=LIVE).exists()
        limits.take_start(run.owner, [(run.engine, run.clinic)], one_more=one_more)
        return queue(run.owner, run.clinic, run.kind, run.input, parent=run, batch=run.batch, row=run.row)


def correct(actor: User, run_id: str | uuid.UUID, corrected: Mapping[str, Any]) -> Run:
    """Start a run for the same case with what was misunderstood put right; earlier corrections stay.

    Raises NotFound, NotAllowed, Conflict while the run is live, Invalid with the fields at fault, and what `start`
    raises.
    """
    run = get_run_for(actor, run_id)
    rights.require_change(actor, run)
    if run.status not in ENDED:
        raise Conflict(f"The run is {run.status}; only one that has ended can be corrected.")
    faults = corrections.problems(corrected)
    if faults:
        # Only names that are ours are repeated: a case typed into the wrong place must not come back.
        named = {name if name in corrections.FIELDS else "unknown": said for name, said in faults.items()}
        raise Invalid(fields={"corrections": named})
    require_engine(run.engine)
    given = {**run.input, "corrections": corrections.merged(run.input.get("corrections", {}), corrected)}
    with transaction.atomic():
        limits.take_start(actor, [(run.engine, run.clinic)])
        return queue(actor, run.clinic, run.kind, given, parent=run)


def delete(actor: User, run_id: str | uuid.UUID) -> Run:
    """Delete a run, its log and its result, but not its metrics. Raises NotFound, NotAllowed.

    A live run is asked to cancel first; `retention.erase` takes it when it has ended and its readers have been told, at
    the latest in the executor's next round.
    """
    with transaction.atomic():
        run, row = locked(actor, run_id)
        row.update(delete_requested_by=actor.get_username())
        if run.status not in ENDED:
            cancel(actor, run_id, reason="deleted")
        retention.erase(run.pk)
    return run


def engine_running() -> bool:
    """Whether this process takes queued runs."""
    return bool(executor().health()["running"])


def model_state() -> str:
    """How this process finds the model server: `none`, `ok`, `open` while it is left alone, or `trying` it again."""
    if "llm" not in configured():
        return "none"
    found = {circuit.state for circuit in circuits()}
    return next((state for state in ("open", "trying") if state in found), "ok")
