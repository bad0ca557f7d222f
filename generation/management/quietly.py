"""Commands fail in a sentence, not in a stack trace."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError

from generation.errors import HepError


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Raises CommandError for whatever a person at a terminal may have caused."""
    try:
        yield
    except HepError as error:
        raise CommandError(error.sentence) from None
    except DatabaseError:
        raise CommandError("The database is not ready; 'manage.py quickstart' or 'migrate' prepares it.") from None
    except KeyboardInterrupt:
        raise CommandError("Stopped watching; the run goes on if a server executes it.") from None
