"""What the dashboard shows of an application that it knows nothing of. Filled once, while the application loads."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise

# The titles of the columns, and the rows, whose cells are text; a cell without anything to say is empty.
Standing = tuple[Sequence[str | Promise], Sequence[Sequence[str]]]


@dataclass
class Registry:
    # How things stand at this moment: slug → title, what reads it, and what is said when there are no rows.
    standings: dict[str, tuple[str | Promise, Callable[[], Standing], Callable[[], str]]] = field(default_factory=dict)
    # The codes of all stages, in the order in which a run passes through them.
    stages: Sequence[str] = ()
    # The names of clinics by their id, as far as they are known.
    clinic_names: Callable[[Collection[str]], Mapping[str, str]] = lambda ids: {}
    # The address of a run's page, also of one that was deleted; asked for each row of a list.
    run_page: Callable[[uuid.UUID], str] | None = None


registry = Registry()


def register(slug: str, title: str | Promise, read: Callable[[], Standing], nothing: Callable[[], str] = str) -> None:
    """Show a table of how things stand now. `read` is called for each page and may read the database."""
    registry.standings[slug] = (title, read, nothing)
