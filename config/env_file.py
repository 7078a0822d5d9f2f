"""Secrets from `.env`: lines of NAME=value, refused where another user can read it."""

import os
import stat
from pathlib import Path

from dotenv.parser import parse_stream

from config.errors import ConfigError, CredentialsError
from config.venv import ROOT

FILE = ROOT / ".env"


def read(file: Path) -> dict[str, str]:
    """The variables of the file; none where there is no such file.

    Raises CredentialsError when others may read or write it, ConfigError for a line that is no
    NAME=value; neither shows a value.
    """
    try:
        with file.open(encoding="utf-8") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise CredentialsError(
                    f"others than its owner may read the secrets (mode {mode:o})",
                    str(file),
                    f"chmod 600 {file}",
                )
            bindings = list(parse_stream(opened))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"cannot read the secrets ({type(error).__name__})", str(file), f"chmod 600 {file}"
        ) from None
    for one in bindings:
        if one.error or (one.key and one.value is None):
            raise ConfigError("not NAME=value", f"{file}:{one.original.line}", "see .env.example")
    return {one.key: one.value for one in bindings if one.key and one.value is not None}
