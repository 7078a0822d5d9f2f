"""What a process listens on, from Linux' own tables."""

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

LISTENING = "0A"  # the state, in /proc/net/tcp


def addresses(pids: Iterable[int]) -> set[tuple[str, int]]:
    """The (address, port) of each TCP socket that one of these processes listens on."""
    own = {link for pid in pids for link in _links(pid)}
    return {place for place, inode in _sockets() if f"socket:[{inode}]" in own}


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches the address; Java writes 127.0.0.1 as an IPv6 one."""
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _links(pid: int) -> list[str]:
    found: list[str] = []
    with suppress(FileNotFoundError):  # the process has ended
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found.append(str(link.readlink()))
    return found


def _sockets() -> Iterable[tuple[tuple[str, int], str]]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING:
                address, _, port = fields[1].partition(":")
                yield (_plain(address), int(port, 16)), fields[9]


def _plain(address: str) -> str:
    """Four bytes at a time, each the other way round."""
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
