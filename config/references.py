"""Secrets by reference: `${env:NAME}` is a variable of the environment, `${file:/PATH:KEY}` an
entry of a properties file that only its owner may read.

The notation is that of Kafka's configuration providers, so the jobs hand a reference on as it is:
no checkpoint, log or process list has more than the reference.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from config.errors import CredentialsError

_REFERENCE = re.compile(r"\$\{(env|file):([^${}]+)\}")
_ENTRY = re.compile(r"\s*([^\s=:#!][^=:]*?)\s*[=:]\s*(.*)")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
# of all clients' names; a certificate is public, and so is where a token is fetched
_SECRET = re.compile(
    r".*(password|passphrase|secret|token|credential|ssl[._]key[._]pem|keystore\.key)(?!.*url).*"
)


def is_reference(text: str) -> bool:
    """Whether the whole text is one reference."""
    return bool(_REFERENCE.fullmatch(text))


def names_secret(name: str) -> bool:
    """Whether a property of this name holds a secret, by the words in it."""
    return bool(_SECRET.fullmatch(name.lower()))


def resolved(reference: str, environ: Mapping[str, str] = os.environ) -> str:
    """What the reference stands for; another text is its own answer. Raises CredentialsError where
    there is no such variable, file or entry, or where others may read the file."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return reference
    if found[1] == "file":
        path, _, key = found[2].rpartition(":")
        value = properties(Path(path), private=True).get(key)
    else:
        value = environ.get(found[2])
    if not value:
        raise CredentialsError(
            "a reference leads to no secret", reference, "set the variable, or the file's entry"
        )
    return value


def properties(file: Path, private: bool = False) -> dict[str, str]:
    """The entries of one of Java's properties files, without continued lines; `private` refuses a
    file that others than its owner may read. Raises CredentialsError."""
    try:
        if private and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise CredentialsError(
                "others than its owner may read the secret", str(file), f"chmod 400 {file}"
            )
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"the file cannot be read ({type(error).__name__})", str(file), "give another path"
        ) from None
    entries = (_ENTRY.fullmatch(line) for line in lines)
    return {entry[1]: _plain(entry[2]) for entry in entries if entry}


def _plain(value: str) -> str:
    """The value without Java's escapes."""
    unicode = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), value)
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), unicode)
