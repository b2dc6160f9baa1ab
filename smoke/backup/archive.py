"""The archive: a compressed tar whose first member says what else is in it, with hashes. It is believed once it was read back."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from smoke.errors import GateClosed, UsageError
from smoke.private import private_folder

_FIRST = "manifest.json"
_FORMAT = 1
_PIECE = 1 << 20
_HINT = "crossfade backup FILE, which replaces it once the new one was read back"

Part = bytes | Path
"""What a member is made from: bytes, or a file or a link of this machine."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an archive was found to hold."""

    about: Mapping[str, Any]
    """What whoever wrote it said of the stack."""
    size: int
    """Bytes of all members, unpacked."""
    digests: Mapping[str, str]
    """SHA-256 of each member, by its name."""


def write(file: Path, about: Mapping[str, Any], parts: Mapping[str, Part]) -> Held:
    """Write it beside where it shall be, read that back, and have it there; what was there before stays until then.

    Raises:
        UsageError: it cannot be written there, or a part cannot be read.
        GateClosed: what was written is not what was read back.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        private_folder(file.parent)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            _fill(out, about, parts)
            out.flush()
            os.fsync(out.fileno())
        held = read_back(draft)
        draft.rename(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written", where=str(file), cause=str(error), hint="another folder") from error
    finally:
        draft.unlink(missing_ok=True)
    return held


def read_back(file: Path) -> Held:
    """Read every byte of it, and compare each member with what was meant to be there.

    Raises:
        GateClosed: it cannot be read, or something in it is missing, changed or too much.
    """
    try:
        with gzip.open(file) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            manifest = _manifest(archive)
            digests, size = {}, 0
            while (member := archive.next()) is not None:
                digests[member.name] = _digest(archive, member)
                size += member.size
            while stream.read(_PIECE):  # to its own checksum, which is behind all members
                pass
            wanted, about = dict(manifest["files"]), _about(manifest["about"])
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, LookupError, TypeError, RecursionError) as error:
        raise GateClosed(f"{file} cannot be read back", where=str(file), cause=str(error), hint=_HINT) from error
    wrong = sorted(name for name in {*wanted, *digests} if wanted.get(name) != digests.get(name))
    if wrong:
        cause = "\n".join(f"{name} is {_what(name, wanted, digests)}" for name in wrong[:5])
        what = f"{len(wrong)} of {len(wanted)} files of the backup are not as they were written"
        raise GateClosed(what, where=str(file), cause=cause, hint=_HINT)
    return Held(about, size, digests)


def _manifest(archive: tarfile.TarFile) -> Mapping[str, Any]:
    """The first member.

    Raises:
        ValueError, LookupError, TypeError: it is another, or none that is known.
    """
    first = archive.next()
    if first is None or first.name != _FIRST:
        raise ValueError("it does not begin with a manifest")
    found: Mapping[str, Any] = json.loads(_bytes(archive, first))
    if found["format"] != _FORMAT:
        raise ValueError(f"its form is {found['format']}, and {_FORMAT} is known")
    return found


def _about(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of the stack, with all that is asked of it later.

    Raises:
        LookupError, TypeError, ValueError: it is not all there.
    """
    places = [[str(each[name]) for name in ("slot", "service", "python", "lock")] for each in said["environments"]]
    images = [[str(each[name]) for name in ("slot", "service")] for each in said["images"]]
    if not isinstance(said["stack"], str) or not (places or images):
        raise ValueError("it does not say of which stack it is, or the stack had nothing")
    return said


def member(file: Path, name: str) -> bytes:
    """One member of an archive that was read back.

    Raises:
        KeyError: there is none of that name.
    """
    with tarfile.open(file, "r:gz") as archive:
        return _bytes(archive, archive.getmember(name))


def _fill(out: IO[bytes], about: Mapping[str, Any], parts: Mapping[str, Part]) -> None:
    digests = {name: _of(part) for name, part in sorted(parts.items())}
    manifest = json.dumps({"format": _FORMAT, "about": about, "files": digests}, indent=1, sort_keys=True)
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        _add(archive, _FIRST, manifest.encode())
        for name in digests:
            _add(archive, name, parts[name])


def _add(archive: tarfile.TarFile, name: str, part: Part) -> None:
    if isinstance(part, bytes):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(part), 0o600
        archive.addfile(entry, io.BytesIO(part))
    else:
        archive.add(part, name, recursive=False, filter=_nobodys)


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever unpacks it is its owner."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _of(part: Part) -> str:
    if isinstance(part, bytes):
        return hashlib.sha256(part).hexdigest()
    if part.is_symlink():
        return _of_link(os.fspath(part.readlink()))
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_link(target: str) -> str:
    return hashlib.sha256(f"link {target}".encode()).hexdigest()


def _digest(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    if entry.issym():
        return _of_link(entry.linkname)
    # A second name of one inode is a hard link in a tar: its content is the first one's.
    file = archive.extractfile(entry)
    if file is None:
        raise ValueError(f"{entry.name} is neither a file nor a link")
    found = hashlib.sha256()
    while piece := file.read(_PIECE):
        found.update(piece)
    return found.hexdigest()


def _bytes(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    if file is None:
        raise ValueError(f"{entry.name} is no file")
    return file.read()


def _what(name: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    return "missing" if name not in found else "not in the manifest" if name not in wanted else "another than was written"
