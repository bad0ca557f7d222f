"""The environment is read in one file, and README's table and .env.example list all of it."""

import ast
import re

from tests.support.checkout import ROOT, files

READERS = {"env", "positive", "prices", "whole"}


def settings_read() -> set[str]:
    """The names that settings.py asks the environment for."""
    tree = ast.parse((ROOT / "hepcompanion" / "settings.py").read_text())
    names = set()
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        reader = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        first = call.args[0]
        if isinstance(reader, ast.Name) and reader.id in READERS and isinstance(first, ast.Constant):
            names.add(first.value)
    return names


def test_readme_lists_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == settings_read()


def test_the_example_lists_every_setting_and_no_other() -> None:
    lines = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(lines) == len(set(lines))
    assert set(lines) == settings_read()


def test_nothing_else_reads_the_environment() -> None:
    """`manage.py` and `asgi.py` name the settings module, which has to happen before."""
    reads = re.compile(r"os\.(environ|getenv)")
    own = [
        path for path in files() if path.suffix == ".py" and path.parts[0] in ("hepcompanion", "generation", "metrics")
    ]
    readers = {str(path) for path in own if reads.search((ROOT / path).read_text())}
    assert readers <= {"hepcompanion/asgi.py"}
