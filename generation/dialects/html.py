"""`?as=html`: named events whose data is a piece of a page, for htmx's sse extension (wire.md 1.1)."""

import asyncio
from collections.abc import Sequence

from django.template.loader import select_template
from django.utils import translation

from generation.errors import HepError
from generation.wire import Frame, refusal_frame


def fragment(frame: Frame) -> bytes:
    """The event in `templates/generation/events/<name>.html`, whose context is the envelope; all on one line."""
    template = select_template([f"generation/events/{frame.name}.html", "generation/events/_other.html"])
    # At every separator that some client takes for the end of a line, U+2028 among them; what matters inside a text,
    # its template has written as <br>.
    lines = (line.strip() for line in template.render(frame.envelope).splitlines())
    return " ".join(line for line in lines if line).encode()


class Html:
    """Speaks in the language of the run, whatever its reader's."""

    def __init__(self, language: str) -> None:
        self.language = language

    async def frames(self, frames: Sequence[Frame]) -> bytes:
        parts = []
        with translation.override(self.language):
            for frame in frames:
                parts.append(Frame(frame.seq, frame.name, fragment(frame)).named_sse)
                # A template takes a tenth of a millisecond, and a replay has hundreds: others shall not wait for all.
                await asyncio.sleep(0)
        return b"".join(parts)

    def refusal(self, error: HepError) -> bytes:
        return refusal_frame(error)
