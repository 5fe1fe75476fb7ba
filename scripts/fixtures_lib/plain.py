"""Plain archives whose contents a checksum list names."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import Bytes, Entries, in_byte_order, same, sha256
from .tar import Entry, archive

BUNDLE = "release.tar.gz"
FILES = {
    "bin/tool": b"#!/bin/sh\necho tool 1.4.0\n",
    "doc/README.md": b"# tool\n\nCopy bin/tool to a directory on your path.\n",
    "doc/changes.md": b"# 1.4.0\n\n- Works without a network.\n",
}
Lists = Mapping[str, Callable[[Mapping[str, bytes]], bytes]]


def gnu(files: Mapping[str, bytes], algorithm: str = "sha256", mark: str = " ") -> bytes:
    """`<hex>  <path>`; `mark` is `*` for binary mode. Names with a line end are escaped as GNU does."""
    lines = []
    for path in in_byte_order(files):
        escaped = path.replace("\n", "\\n")
        lead = "\\" if escaped != path else ""
        lines.append(f"{lead}{hashlib.new(algorithm, files[path]).hexdigest()} {mark}{escaped}\n")
    return "".join(lines).encode()


def gnu_sha512(files: Mapping[str, bytes]) -> bytes:
    """The same with SHA-512."""
    return gnu(files, "sha512")


def bsd(files: Mapping[str, bytes]) -> bytes:
    """`SHA256 (<path>) = <hex>`."""
    return "".join(f"SHA256 ({path}) = {sha256(files[path])}\n" for path in in_byte_order(files)).encode()


@dataclass(frozen=True)
class Plain:
    """How to make one archive."""

    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    lists: Lists = field(default_factory=lambda: {"SHA256SUMS": gnu})
    listed: Bytes = same                              # the lists as they lie in the archive
    sign: Callable[[bytes], bytes] | None = None      # over SHA256SUMS, before `listed` changes it
    inside: bool = True                               # whether the envelope lies in the archive
    entries: Entries = same
    wrap: Bytes = gzip_fixed
    name: str = BUNDLE
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Plain":
        """The same archive with other hooks."""
        return replace(self, **changes)

    def envelope(self) -> dict[str, bytes]:
        """The signed list, if it is signed."""
        return {"SHA256SUMS.dsse.json": self.sign(self.lists["SHA256SUMS"](self.files))} if self.sign else {}

    def build(self) -> dict[str, bytes]:
        """The archive and what lies beside it."""
        lists = {name: self.listed(render(self.files)) for name, render in self.lists.items()}
        inside, outside = (self.envelope(), {}) if self.inside else ({}, self.envelope())
        tree = {**lists, **inside, **self.files}
        entries = [Entry(path.encode(), data, 0o755 if path.startswith("bin/") else 0o644)
                   for path, data in tree.items()]
        return {self.name: self.wrap(archive(self.entries(entries)))} | outside | dict(self.beside)
