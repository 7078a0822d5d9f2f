"""What is in a keytab."""

import struct
from collections.abc import Iterator


def entries(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The principal and the bytes of each entry of a keytab. The format is MIT's
    (https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html); an entry that
    is not whole yet ends it."""
    at = 2
    while at + 4 <= len(data):
        (size,) = struct.unpack_from(">i", data, at)
        end = at + 4 + abs(size)
        if end > len(data):
            return
        if size > 0:
            (count,) = struct.unpack_from(">H", data, at + 4)
            words, place = [], at + 6
            for _ in range(count + 1):  # the realm, then the parts of the name
                (length,) = struct.unpack_from(">H", data, place)
                words.append(data[place + 2 : place + 2 + length].decode())
                place += 2 + length
            yield f"{'/'.join(words[1:])}@{words[0]}", data[at:end]
        at = end
