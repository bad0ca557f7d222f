"""The top level is closed: a new name there is a decision, not an accident."""

from tests.support.checkout import files

ALLOWED = {
    "manage.py", "pyproject.toml", "README.md", "LICENSE", "requirements.lock",
    "hepcompanion", "generation", "metrics", "templates", "tests",
}  # fmt: skip


def test_nothing_new_stands_at_the_top() -> None:
    names = {path.parts[0] for path in files()}
    assert {name for name in names if not name.startswith(".")} <= ALLOWED


def test_every_folder_of_tests_is_a_package() -> None:
    """Otherwise `tests/generation` would shadow the application."""
    folders = {path.parent for path in files() if path.parts[0] == "tests" and path.suffix == ".py"}
    packages = {path.parent for path in files() if path.name == "__init__.py"}
    assert folders <= packages
