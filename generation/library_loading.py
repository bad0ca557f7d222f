"""The shipped exercises, brought into the database and kept as the data files have them."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from generation import exercise_search
from generation.clinical.library import Library, load
from generation.models import Exercise, LibraryLoad
from generation.shelf import as_entry, put

SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did. `refused` are slugs that a clinic's own exercise had first."""

    version: str
    made: int
    changed: int
    retired: int
    unchanged: int
    refused: tuple[str, ...] = ()


def load_library(shipped: Library | None = None) -> Loaded:
    """Bring the shipped exercises into the database.

    Idempotent: what is the same is left alone, and so is all that was not shipped. An exercise that has left the files
    is retired, because programs name it.
    """
    library = shipped or load()
    try:
        return bring(library)
    except IntegrityError:
        # Another server of the same database started at the same time and was first.
        return bring(library)


@transaction.atomic
def bring(library: Library) -> Loaded:
    slugs = [entry["slug"] for entry in library.exercises]
    ours = {row.slug: row for row in Exercise.objects.filter(source=SHIPPED).prefetch_related("texts")}
    taken = set(Exercise.objects.exclude(source=SHIPPED).filter(slug__in=slugs).values_list("slug", flat=True))
    pairs = [(ours.get(entry["slug"]), entry) for entry in library.exercises if entry["slug"] not in taken]
    differing = [(row, entry) for row, entry in pairs if row is None or as_entry(row) != entry]
    put(differing, source=SHIPPED)
    made = sum(row is None for row, _ in differing)
    gone = Exercise.objects.filter(source=SHIPPED).exclude(status=Exercise.Status.RETIRED).exclude(slug__in=slugs)
    retired = gone.update(status=Exercise.Status.RETIRED, updated_at=timezone.now())
    # Words that an older version of the search has written, or none at all; a clinic's own exercises have them too.
    exercise_search.index(Exercise.objects.all())
    loaded = Loaded(
        library.version, made, len(differing) - made, retired, len(pairs) - len(differing), tuple(sorted(taken))
    )
    record(loaded)
    return loaded


def record(loaded: Loaded) -> None:
    """Keep which version is in the database since when; a load that changed nothing leaves no trace."""
    last = LibraryLoad.objects.first()
    if last is None or last.version != loaded.version or loaded.made + loaded.changed + loaded.retired:
        LibraryLoad.objects.create(
            version=loaded.version,
            made=loaded.made,
            changed=loaded.changed,
            retired=loaded.retired,
            unchanged=loaded.unchanged,
        )
