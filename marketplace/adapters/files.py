"""Files kept by the hash of their content: what was signed, submitted or sent can be shown to be unchanged."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path


class FileMissing(Exception):
    """No file is kept under this key."""


class FileDamaged(Exception):
    """The file's content no longer has the hash it was kept under. It is never handed out."""


class Files:
    """A folder of files. The key of a file is its SHA-256, so the same content is kept once and never changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, content: bytes) -> str:
        """Keep the content and return its key. When this returns the file is on the disk, not only on its way."""
        key = hashlib.sha256(content).hexdigest()
        path = self._path(key)
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == key:
            return key
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        # The names must last as well as the content: the file's in its folder, and that folder's in ours.
        for folder in (path.parent, path.parent.parent):
            _sync_folder(folder)
        return key

    def read(self, key: str) -> bytes:
        """The content kept under this key. Raises FileMissing or FileDamaged."""
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise FileMissing(key) from error
        if hashlib.sha256(content).hexdigest() != key:
            raise FileDamaged(key)
        return content

    def holds(self, key: str) -> bool:
        """Whether a file is kept under this key."""
        return self._path(key).exists()

    def _path(self, key: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", key):
            raise FileMissing(key)  # nothing else can be a key, so no key can name a path of somebody's choosing
        return self.folder / key[:2] / key


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
