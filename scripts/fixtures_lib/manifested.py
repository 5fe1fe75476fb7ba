"""Bundles of one shape: a tree of files, a JSON manifest that names them, and a DSSE envelope over the manifest."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import Bytes, Edit, Entries, in_byte_order, same, sha256
from .dsse import Envelope, dump
from .signing import ED25519
from .tar import Entry, archive

BUNDLE_TYPE = "application/vnd.stellaops.mirror.bundle+json"
MANIFEST_TYPE = "application/vnd.stellaops.mirror.manifest+json"


@dataclass(frozen=True)
class Manifested:
    """How to make one bundle. Each hook changes what one stage hands to the next."""

    describe: Callable[[Mapping[str, bytes]], dict[str, Any]]  # the manifest of these files
    files: Mapping[str, bytes]
    manifest: str = "manifest.json"
    envelope: str = "manifest.dsse.json"
    edit: Edit = lambda manifest: None  # the manifest, before it is written and signed
    signed: Bytes = same                # the manifest as it is signed
    shipped: Bytes = same               # the manifest as it lies in the archive
    sign: Callable[[bytes], bytes] | None = Envelope(BUNDLE_TYPE, (ED25519,))
    inside: bool = True                 # whether the envelope lies in the archive, not beside it
    extra: Mapping[str, bytes] = field(default_factory=dict)  # files that the manifest does not name
    top: str = ""                       # the directory that holds everything, with its slash
    entries: Entries = same
    wrap: Bytes = gzip_fixed
    name: str = "mirror.tar.gz"

    def but(self, **changes: Any) -> "Manifested":
        """The same bundle with other hooks."""
        return replace(self, **changes)

    def manifest_bytes(self) -> bytes:
        """The manifest as it is signed."""
        value = self.describe(self.files)
        self.edit(value)
        return self.signed(dump(value))

    def build(self) -> dict[str, bytes]:
        """The archive and what lies beside it."""
        manifest = self.manifest_bytes()
        envelope = {self.envelope: self.sign(manifest)} if self.sign else {}
        tree = {self.manifest: self.shipped(manifest), **(envelope if self.inside else {}), **self.extra, **self.files}
        entries = self.entries([Entry(f"{self.top}{path}".encode(), data) for path, data in tree.items()])
        return {self.name: self.wrap(archive(entries))} | ({} if self.inside else envelope)


def listed(files: Mapping[str, bytes], digest: str = "sha256", size: str = "size", prefix: str = "") -> list[dict]:
    """Every file with digest and size, by path."""
    return [{"path": path, digest: prefix + sha256(files[path]), size: len(files[path])}
            for path in in_byte_order(files)]


def line(value: Any) -> bytes:
    """JSON in one line, as content of files."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
