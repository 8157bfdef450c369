"""Files kept by their hash: once, whole, unchanged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from marketplace.adapters.files import FileDamaged, FileMissing, Files


def test_what_is_kept_comes_back_under_its_hash(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    key = files.keep(b"signed contract")
    assert key == hashlib.sha256(b"signed contract").hexdigest()
    assert files.read(key) == b"signed contract"
    assert files.holds(key)
    assert files.keep(b"signed contract") == key
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_nothing_and_no_other_name_is_a_file(tmp_path: Path) -> None:
    files = Files(tmp_path)
    for key in ("0" * 64, "../etc/passwd", "A" * 64, ""):
        with pytest.raises(FileMissing):
            files.read(key)


def test_damage_is_noticed_and_mended_by_keeping_the_file_again(tmp_path: Path) -> None:
    files = Files(tmp_path)
    key = files.keep(b"one hundred pounds")
    path = tmp_path / key[:2] / key
    path.chmod(0o600)
    path.write_bytes(b"nine hundred pounds")
    with pytest.raises(FileDamaged):
        files.read(key)
    files.keep(b"one hundred pounds")
    assert files.read(key) == b"one hundred pounds"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Files(tmp_path).keep(b"x")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
