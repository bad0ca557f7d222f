"""The secrets of a first start, made once beside the SQLite file and used by every command."""

import base64
import json
import os
import secrets
from pathlib import Path


def read_or_make(path: Path) -> dict[str, str]:
    """Return `SECRET_KEY`, `FIELD_KEYS` and `DEMO_PASSWORD`, making the file if there is none.

    Whoever links its own file into place first wins, so two commands that start at the same moment
    agree on one set of keys.
    """
    if not path.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "FIELD_KEYS": f"k1:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}",
            "DEMO_PASSWORD": secrets.token_urlsafe(9),
        }
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(json.dumps(made, indent=1))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
