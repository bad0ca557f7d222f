"""The Danish catalogue holds every word of the pages, and what is compiled is what is written."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template import engines
from django.template.base import Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "generation" / "locale" / "da" / "LC_MESSAGES"
# The place of the context, the message and its plural among the arguments.
CALLS = {
    "gettext": (None, 0, None), "gettext_lazy": (None, 0, None), "_": (None, 0, None),
    "gettext_noop": (None, 0, None), "ngettext": (None, 0, 1), "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None), "pgettext_lazy": (0, 1, None),
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")
Key = tuple[str | None, str]


def entries() -> Iterator[tuple[Key, list[str]]]:
    """Context and message, and what stands for it in Danish: one text, or singular and plural."""
    for block in (FOLDER / "django.po").read_text(encoding="utf-8").split("\n\n")[1:]:
        fields: dict[str, str] = {}
        for line in block.splitlines():
            if not line.startswith("#"):
                name, _, text = line.partition(" ")
                fields[name] = ast.literal_eval(text)
        told = [fields[name] for name in fields if name.startswith("msgstr")]
        yield (fields.get("msgctxt"), fields["msgid"]), told


def in_code(path: Path) -> Iterator[Key]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in CALLS or not node.args:
            continue
        context, message, _ = CALLS[name]
        texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
        if isinstance(texts[message], str):
            yield (texts[context] if context is not None else None), texts[message]


def in_template(path: Path) -> Iterator[Key]:
    source = path.read_text(encoding="utf-8")
    parsed = Template(source, engine=engines["django"].engine)
    for node in parsed.nodelist.get_nodes_by_type(TranslateNode):
        context = str(node.message_context.var) if node.message_context else None
        yield context, str(node.filter_expression.var.literal)
    for node in parsed.nodelist.get_nodes_by_type(BlockTranslateNode):
        yield None, node.render_token_list(node.singular)[0]
    for message in re.findall(r'[:=]_\("([^"]+)"\)', source):
        yield None, message


def spoken() -> Iterator[Key]:
    for folder in ("generation", "metrics", "hepcompanion"):
        for path in (ROOT / folder).rglob("*.py"):
            yield from in_code(path)
    for path in (ROOT / "templates").rglob("*.html"):
        yield from in_template(path)


def test_every_word_of_the_pages_has_its_danish():
    told = dict(entries())
    assert [key for key in spoken() if not all(told.get(key, [""]))] == []


def test_the_catalogue_holds_nothing_that_no_page_says():
    assert {key for key, _ in entries()} - set(spoken()) == set()


def test_a_translation_fills_in_the_same_places():
    assert [
        message
        for (_, message), told in entries()
        if any(sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(message)) for text in told)
    ] == []


def test_what_is_compiled_is_what_is_written():
    with (FOLDER / "django.mo").open("rb") as compiled:
        catalogue = gettext.GNUTranslations(compiled)
    for (context, message), told in entries():
        found = [catalogue.pgettext(context, message) if context else catalogue.gettext(message)]
        if len(told) > 1:
            found = [catalogue.ngettext(message, message, n) for n in (1, 2)]
        assert found == told, message


def test_nothing_in_the_catalogue_is_unsure():
    assert "fuzzy" not in (FOLDER / "django.po").read_text(encoding="utf-8")
