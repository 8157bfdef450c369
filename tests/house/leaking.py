"""Looking for what must not be readable: every form a secret could lie about in, in everything that is kept."""

from __future__ import annotations

import base64
import html
import json
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from urllib.parse import quote, quote_plus

from redis import Redis

from marketplace.local.binaries import postgres_programs

MOST_UNPACKED = 1_000_000
# Plain statements with every value, plain blocks, and the format that backups are kept in (not compressed).
DUMPS = {"inserts": ["--inserts"], "plain": ["--format=plain"], "custom": ["--format=custom", "--compress=none"]}


def forms_of(secret: str) -> set[bytes]:
    """The secret as text in several writings, in hexadecimal, and in base64 wherever it may begin."""
    texts = {secret, secret.lower(), secret.upper(), quote(secret), quote_plus(secret)}
    texts |= {html.escape(secret), json.dumps(secret)[1:-1]}
    found = {text.encode() for text in texts} | {secret.encode("utf-16-le")}
    for raw in (secret.encode(), secret.encode("utf-16-le")):
        found |= {raw.hex().encode(), raw.hex().upper().encode()}
        for before in range(3):
            encode = (base64.b64encode, base64.urlsafe_b64encode)
            # The first and last characters may hold bits of the neighbours.
            first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
            found |= {one(bytes(before) + raw)[first:last] for one in encode}
    return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """The data, and whatever lies in it packed by zlib, as jobs do in the queue."""
    yield data
    at = data.find(b"x\x9c")
    while at >= 0:
        with suppress(zlib.error):  # mostly these two bytes mean something else
            yield zlib.decompressobj().decompress(data[at : at + MOST_UNPACKED], MOST_UNPACKED)
        at = data.find(b"x\x9c", at + 1)


def leaks(places: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[str]:
    """Which secret can be read where."""
    forms = {what: forms_of(secret) for what, secret in secrets.items()}
    found = []
    for where, data in places.items():
        readable = list(unpacked(data))
        found += [
            f"{what} in {where}"
            for what, written in forms.items()
            if any(form in one for one in readable for form in written)
        ]
    return found


def dumps_of(url: str) -> dict[str, bytes]:
    """The database as `pg_dump` writes it out, in each of the formats."""
    program = postgres_programs().pg_dump
    address = url.replace("+psycopg", "")
    return {
        f"dump, {name}": subprocess.run([program, *options, address], capture_output=True, check=True).stdout
        for name, options in DUMPS.items()
    }


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file of a folder and what is in it. Files that come and go meanwhile are passed over."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                found[str(path.relative_to(folder))] = path.read_bytes()
            except FileNotFoundError:
                continue
    return found


def contents_of(valkey: Redis) -> dict[str, bytes]:
    """All that Valkey holds, key by key, with the keys themselves: what a `DUMP` says, without its packing."""
    return {f"valkey, {key.decode()}": b"\n".join([key, *_values(valkey, key)]) for key in valkey.scan_iter()}


def _values(valkey: Redis, key: bytes) -> list[bytes]:
    read: dict[bytes, Callable[[], Iterable[bytes]]] = {
        b"string": lambda: [valkey.get(key) or b""],
        b"hash": lambda: chain.from_iterable(valkey.hgetall(key).items()),
        b"list": lambda: valkey.lrange(key, 0, -1),
        b"set": lambda: valkey.smembers(key),
        b"zset": lambda: valkey.zrange(key, 0, -1),
        b"stream": lambda: chain.from_iterable(chain.from_iterable(fields.items()) for _, fields in valkey.xrange(key)),
        b"none": list,  # it expired meanwhile
    }
    return list(read[valkey.type(key)]())
