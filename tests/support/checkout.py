"""The files of this checkout, as git would list them."""

import os
import subprocess
from fnmatch import fnmatch
from pathlib import Path

from tests.support.needs import git

ROOT = Path(__file__).resolve().parents[2]


def files() -> list[Path]:
    """Paths relative to the root: what is tracked, and what would be once it is added."""
    program = git()
    if program is not None and (ROOT / ".git").exists():
        listed = subprocess.run(
            [program, "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        names = filter(None, listed.stdout.split("\0"))
        return sorted(Path(name) for name in names if (ROOT / name).is_file())
    return sorted(unpacked())


def unpacked() -> list[Path]:
    """The same for a tree that git does not know, from the plain patterns of `.gitignore`."""
    lines = (ROOT / ".gitignore").read_text().split()
    ignored = [".git", *(line.strip("/") for line in lines if not line.startswith("#"))]
    found: list[Path] = []
    for folder, names, files_here in os.walk(ROOT):
        kept = [name for name in (*names, *files_here) if not any(fnmatch(name, pattern) for pattern in ignored)]
        names[:] = [name for name in names if name in kept]
        found += [(Path(folder) / name).relative_to(ROOT) for name in files_here if name in kept]
    return found
