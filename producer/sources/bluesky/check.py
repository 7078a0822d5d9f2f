"""Does a Jetstream send us anything? Asked by the doctor."""

import time

import msgspec
from websockets.exceptions import WebSocketException

from config.errors import ConfigError, ServiceUnreachable
from producer.sources.bluesky.jetstream import Event, Refused, event_of, servers, subscribe

LOOK_S = 10.0


def look(urls: str) -> str:
    """Connects to each server in turn until one sends something; returns what it said. Nothing is
    kept.

    Raises ConfigError when all refuse, ServiceUnreachable when none sends anything, each with every
    server's own reason.
    """
    reasons: list[str] = []
    refusals = 0
    known = servers(urls)
    for server in known:
        begun = time.monotonic()
        try:
            with subscribe(server, 0, deletions=True) as socket:
                frame = bytes(socket.recv(timeout=LOOK_S, decode=False))
                event = event_of(frame, server.wire)
            behind = (
                f", {time.time() - event.time_us / 1e6:.1f} s old"
                if isinstance(event, Event)
                else ""
            )
            told = "".join(f"; {reason}" for reason in reasons)
            return (
                f"{server} sends: {len(frame)} bytes after {time.monotonic() - begun:.1f} "
                f"s{behind}{told}"
            )
        except Refused as error:
            refusals += 1
            reasons.append(f"{server} refuses with {error}")
        except TimeoutError:
            reasons.append(f"{server} sends nothing for {LOOK_S:.0f} s, or does not answer")
        except (OSError, WebSocketException, msgspec.MsgspecError, UnicodeDecodeError) as error:
            reasons.append(f"{server}: {error}")
    told, remedy = "; ".join(reasons), "check the network and --jetstream-url"
    if refusals == len(known):
        raise ConfigError(f"every Jetstream refuses: {told}", "--jetstream-url", remedy)
    raise ServiceUnreachable(f"no Jetstream sends anything: {told}", "--jetstream-url", remedy)
