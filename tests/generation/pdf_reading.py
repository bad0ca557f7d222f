"""A PDF as its reader meets it: its text, and the structure that a screen reader follows."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject


@dataclass
class Element:
    tag: str
    alt: str | None
    language: str | None


class Pdf:
    def __init__(self, content: bytes) -> None:
        self.reader = PdfReader(io.BytesIO(content))
        self.root: Any = self.reader.trailer["/Root"]

    @property
    def pages(self) -> list[str]:
        return [page.extract_text() for page in self.reader.pages]

    @property
    def text(self) -> str:
        return "\n".join(self.pages)

    def says(self, sentence: str) -> bool:
        """Whether it stands there, however its lines and long words are broken."""
        return squeezed(sentence) in squeezed(self.text)

    @property
    def elements(self) -> list[Element]:
        return list(walk(self.root["/StructTreeRoot"].get_object()))

    def tags(self) -> list[str]:
        return [element.tag for element in self.elements]

    def fonts(self) -> list[Any]:
        """What is known of each font: the file is in it when it is embedded."""
        found = []
        for page in self.reader.pages:
            for font in page["/Resources"]["/Font"].values():
                inner = font.get_object()["/DescendantFonts"][0].get_object()
                found.append(inner["/FontDescriptor"].get_object())
        return found


def squeezed(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def walk(node: Any) -> Iterator[Element]:
    node = node.get_object()
    if isinstance(node, ArrayObject):
        for inner in node:
            yield from walk(inner)
    elif isinstance(node, DictionaryObject):
        if "/S" in node:
            yield Element(str(node["/S"]), node.get("/Alt"), node.get("/Lang"))
        if "/K" in node:
            yield from walk(node["/K"])
