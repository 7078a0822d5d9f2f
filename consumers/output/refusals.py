"""What HDFS's answers mean: which become a Python error, which no retry can change, and which
addresses are none of HDFS."""

import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from config.errors import ConfigError, CredentialsError, PipelineError, ServiceUnreachable
from consumers.output.jvm_errors import causes

Cause = tuple[str, str]  # the class of an exception, and the first line of its message

_ADDRESS = "give an address like hdfs://HOST:PORT/PATH"
_RAISE = "remove what is not needed, or raise the limit; then start again, nothing is lost"
_QUOTA = ("HDFS's quota is used up", f"{_RAISE} (hdfs dfsadmin -setSpaceQuota, -setQuota)")
_ANSWERS: dict[str, type[Exception]] = {
    "FileAlreadyExistsException": FileExistsError,
    "FileNotFoundException": FileNotFoundError,
    "ParentNotDirectoryException": FileNotFoundError,
}
# What no retry and no restart changes, each with what it is and what to do. These may also come
# while a job runs, from any call, a task's too:
_FULL = {
    "QuotaExceededException": _QUOTA,
    "QuotaByStorageTypeExceededException": _QUOTA,
    "MaxDirectoryItemsExceededException": (
        "HDFS takes no more entries into this folder",
        f"a new --output; or {_RAISE} (dfs.namenode.fs-limits.max-directory-items)",
    ),
    "AccessControlException": ("no permission on HDFS", "choose another folder, or chown this one"),
}
_NEVER = {
    **_FULL,
    "UnsupportedFileSystemException": ("there is no such file system", _ADDRESS),
    "PathComponentTooLongException": (
        "HDFS takes no name as long as this",
        "choose a shorter --output",
    ),
    "InvalidPathException": ("HDFS takes no such path", _ADDRESS),
    "IllegalArgumentException": ("HDFS takes no such address", _ADDRESS),
}

# Where HDFS wants a ticket or a token: no retry of this process helps, unless the KDC was away.
_LOGIN = ("KerberosAuthException", "GSSException", "SaslException", "InvalidToken")
_NO_TICKET = "SIMPLE authentication is not enabled"
# also for a moment, while another thread fetches a new ticket
_NOTHING_NOW = "Client cannot authenticate via"


def clear(found: list[Cause], where: str, answered: bool) -> Exception | None:
    """The Python error for these causes, or None where the next try may have another answer.
    `answered` says whether this address has answered since the start."""
    for name, text in found:
        if text.startswith(_NO_TICKET):
            return login(found, where)
        if text.startswith(_NOTHING_NOW):
            return None
        if _below_a_file(name, text):
            return FileNotFoundError(where)
        for answer, kind in _ANSWERS.items():
            if name.endswith(answer):
                return kind(where)
    if any(name.endswith("UnknownHostException") for name, _ in found):
        # A name that worked a moment ago is right: the name service will be back.
        return None if answered else _unknown_host(where)
    return _refused(found, _NEVER, where)


def login(found: Iterable[Cause], where: str) -> CredentialsError | None:
    """The error for a ticket or token that is missing, expired or of another principal; None where
    the causes say nothing of one."""
    for name, text in found:
        if text.startswith((_NO_TICKET, _NOTHING_NOW)) or name.endswith(_LOGIN):
            remedy = "--principal NAME@REALM --keytab FILE, or kinit; see docs/security.md"
            return CredentialsError(f"HDFS does not accept the login: {text}", where, remedy)
    return None


def refusal(error: Exception | str, where: str = "") -> ConfigError | None:
    """The error for HDFS's own limits and permissions, if `error` (or the text of a stack trace)
    says so: any call may meet them while a job runs, a task's too."""
    return _refused(causes(error), _FULL, where)


def _refused(
    found: Iterable[Cause], known: Mapping[str, tuple[str, str]], where: str
) -> ConfigError | None:
    for name, text in found:
        for answer, (what, remedy) in known.items():
            if name.endswith(answer) and not _below_a_file(name, text):
                return ConfigError(f"{what}: {text}", where, remedy)
    return None


def _below_a_file(name: str, text: str) -> bool:
    """HDFS's answer where a file is in the place of a folder above."""
    return name.endswith("AccessControlException") and text.endswith("(is not a directory)")


def _unknown_host(where: str) -> PipelineError | None:
    """Why a name has no address. The name is wrong only if the resolver knows that it does not
    exist; otherwise the resolver is in trouble, which passes."""
    host = urlsplit(where).hostname
    try:
        socket.getaddrinfo(host, None)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            return ConfigError(f"there is no such host: {host}", where, _ADDRESS)
        what = f"the host {host} cannot be looked up: {error.strerror}"
        return ServiceUnreachable(what, where, "check the machine's name service; then start again")
    return None


def check_address(root: str) -> None:
    """Raises ConfigError unless it is hdfs://HOST[:PORT]/PATH: no other file system has the rename
    and the fence we stand on."""
    parts = urlsplit(root)
    wrong = (
        f"{parts.scheme or 'an address without a scheme'} is not HDFS"
        if parts.scheme != "hdfs"
        else "the address names no host"
        if not parts.netloc
        else "the address names no folder"
        if not parts.path.strip("/")
        else ""
    )
    if wrong:
        raise ConfigError(wrong, root, _ADDRESS)
