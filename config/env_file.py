"""Secrets from `.env`: lines of NAME=value, read only while nobody but the file's owner can."""

import os
import re
import stat
from pathlib import Path

from config.errors import ConfigError, CredentialsError

FILE = Path(__file__).resolve().parent.parent / ".env"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Z_][A-Z0-9_]*)\s*=\s*(.*?)\s*")


def read(file: Path) -> dict[str, str]:
    """The variables of the file, quotes taken off; none when it is not there.

    Raises CredentialsError when others may read or write it, ConfigError for a line that is none;
    neither tells a value.
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
            lines = opened.read().splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"cannot read the secrets ({type(error).__name__})", str(file), f"chmod 600 {file}"
        ) from None
    found = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            match = _LINE.fullmatch(line)
            if match is None:
                raise ConfigError("not a line NAME=value", f"{file}:{number}", "see .env.example")
            value = match[2]
            found[match[1]] = (
                value[1:-1]
                if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
                else value
            )
    return found
