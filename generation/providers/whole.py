"""The objects of a JSON answer, each as soon as it is whole, while the answer is still being written."""

from collections.abc import Iterator
from typing import Any

import jiter

# What a model that was not held to a form writes before its JSON, and may hold braces.
_THOUGHT = ("<think>", "</think>")


class WholeObjects:
    """Reads `{"name": [{…}, {…}], …}` piece by piece. What stands before the first brace is passed over.

    An answer that is no such JSON yields nothing; whoever asked reads `text` as a whole to learn why.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.json = ""
        self.taken: dict[str, int] = {}
        self.hopeless = False

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self.heard)

    def feed(self, piece: str) -> Iterator[tuple[str, Any]]:
        """Yield (name of the array, object) for each object that this piece makes whole."""
        self.heard.append(piece)
        if self.json:
            self.json += piece
        else:
            self.json = beginning(self.text)
        # Only a brace can make an object whole.
        if "}" not in piece or self.hopeless:
            return
        for name, objects in self.arrays().items():
            if isinstance(objects, list):
                known = self.taken.get(name, 0)
                self.taken[name] = max(known, len(objects))
                yield from ((name, value) for value in objects[known:])

    def arrays(self) -> dict[str, Any]:
        """The answer up to its last brace, with arrays of whole objects alone."""
        until = self.json.rfind("}") + 1
        if not until:
            return {}
        try:
            written = sound(self.json[:until]).encode()
            found = jiter.from_json(written, partial_mode="on", allow_inf_nan=False, catch_duplicate_keys=True)
        except ValueError:
            # Parsed up to here it can't be mended by what follows.
            self.hopeless = True
            return {}
        if not isinstance(found, dict) or not found:
            return {}
        last = next(reversed(found))
        if isinstance(found[last], list) and not self.closes(until):
            found[last] = found[last][:-1]
        return found

    def closes(self, until: int) -> bool:
        """Whether the last brace closes an object of an array of the answer, or the answer itself."""
        for ending in (b"", b"]}"):
            try:
                jiter.from_json(sound(self.json[:until]).encode() + ending, allow_inf_nan=False)
            except ValueError:
                continue
            return True
        return False


def sound(text: str) -> str:
    """With the halves of surrogate pairs put together, which a server may send one by one; a lone one is replaced."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def beginning(text: str) -> str:
    """The text from the brace with which its JSON begins; empty while there is none."""
    start, end = _THOUGHT
    if text.lstrip().startswith(start):
        _, closed, text = text.partition(end)
        if not closed:
            return ""
    brace = text.find("{")
    return text[brace:] if brace >= 0 else ""


def answer_in(text: str) -> str:
    """The JSON of a whole answer, without what was written around it."""
    json = beginning(text)
    return json[: json.rfind("}") + 1]
