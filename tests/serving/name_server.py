"""A DNS server on this machine over UDP (RFC 1035), whose names change their addresses."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Self

A, AAAA = 1, 28
_HEADER = struct.Struct("!6H")
_ANSWERED = 0x8180
_UNKNOWN = 0x8183

Answers = Sequence[Sequence[str]]
"""The addresses of the first answer, of the second, and so on; the last one stays."""


class NameServer:
    """Answers in whatever way its names are told to.

    Args:
        names: answers by the first word of a name, up to a hyphen: ``flip`` is asked for as
            ``flip-1.test``, ``flip-2.test``, each of which begins with the first answer.

    Attributes:
        port: of UDP, on loopback.
        asked: how often each name was asked for its IPv4 addresses.
    """

    def __init__(self, names: Mapping[str, Answers]) -> None:
        self._names = names
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.asked: Counter[str] = Counter()
        self._rounds: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                question, client = self._socket.recvfrom(512)
            except OSError:
                return
            if len(question) < _HEADER.size:
                return  # the end of the block
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        number = struct.unpack_from("!H", question)[0]
        name, end = read_name(question, _HEADER.size)
        kind = struct.unpack_from("!H", question, end)[0]
        answers = self._names.get(name.partition("-")[0])
        self.asked[name] += kind == A
        found = [] if answers is None else self._found(name, kind, answers)
        code = _UNKNOWN if answers is None else _ANSWERED
        head = _HEADER.pack(number, code, 1, len(found), 0, 0)
        # 0xC00C points to the name in the question; the answer may be kept for no second
        rows = [struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(each)) + each for each in found]
        return head + question[_HEADER.size : end + 4] + b"".join(rows)

    def _found(self, name: str, kind: int, answers: Answers) -> list[bytes]:
        round_ = self._rounds[name, kind]
        self._rounds[name, kind] += 1
        addresses = map(ipaddress.ip_address, answers[min(round_, len(answers) - 1)])
        return [each.packed for each in addresses if each.version == (4 if kind == A else 6)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


def ask_name(name: str, port: int) -> list[str]:
    """The addresses that the server on this port has for a name: IPv4, then IPv6.

    Raises:
        OSError: it has none, or says nothing.
    """
    found = [address for kind in (A, AAAA) for address in _ask(name, kind, port)]
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return found


def _ask(name: str, kind: int, port: int) -> list[str]:
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    question = _HEADER.pack(kind, 0x0100, 1, 0, 0, 0) + wire + struct.pack("!HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(question, ("127.0.0.1", port))
        answer = asking.recv(4_096)
    return read_addresses(answer)


def read_addresses(answer: bytes) -> list[str]:
    """The addresses in an answer of `NameServer`."""
    count = _HEADER.unpack_from(answer)[3]
    _, place = read_name(answer, _HEADER.size)
    place += 4
    found = []
    for _ in range(count):
        size = struct.unpack_from("!H", answer, place + 10)[0]
        found.append(str(ipaddress.ip_address(answer[place + 12 : place + 12 + size])))
        place += 12 + size
    return found


def read_name(message: bytes, place: int) -> tuple[str, int]:
    """A name that is written out at a place of a message, and the place after it."""
    labels = []
    while size := message[place]:
        labels.append(message[place + 1 : place + 1 + size].decode("ascii").lower())
        place += 1 + size
    return ".".join(labels), place + 1
