"""devportal:offline v1 bundles: a good one, with a hook for each stage at which something may go wrong."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from .compress import gzip_fixed
from .dsse import Envelope, dump
from .signing import ED25519
from .tar import Entry, archive

BUNDLE = "devportal-offline-bundle.tgz"
ENVELOPE = "manifest.dsse.json"
KIND = "devportal:offline"
PAYLOAD_TYPE = "application/vnd.stella.devportal.manifest+json"
BUNDLE_ID = "14b094c9-f0b4-4f9e-b221-b7a77c3f3445"
SIGN = Envelope(PAYLOAD_TYPE, (ED25519,))

FILES = {
    "changelog/2025.11.0.md": b"# 2025.11.0\n\n- Offline bundles of the developer portal.\n",
    "portal/assets/site.css": b"body { font-family: sans-serif; margin: 2rem; }\n",
    "portal/index.html": b"<!doctype html>\n<title>Developer portal</title>\n"
                         b"<link rel=stylesheet href=assets/site.css>\n"
                         b"<h1>Developer portal</h1>\n<p>Everything here works without a network.</p>\n",
    "sdks/dotnet/README.md": b"# .NET client\n\nRestore the package from this folder.\n",
    "sdks/python/README.md": b"# Python client\n\nInstall the wheel from this folder.\n",
    "specs/gateway.yaml": b"openapi: 3.1.0\ninfo: {title: Gateway, version: 2025.11.0}\npaths: {}\n",
    "specs/stella-aggregate.yaml": b"openapi: 3.1.0\ninfo: {title: Aggregate, version: 2025.11.0}\npaths: {}\n",
}
HELPERS = {
    "instructions-portable.txt": b"Verify this bundle before you open anything in it.\n",
    "verify-offline.sh": b"#!/bin/sh\nset -eu\ngrep -v '^root ' checksums.txt | sha256sum -c -\n",
}
CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".md": "text/markdown", ".yaml": "application/yaml"}
CATEGORIES = {"portal": "portal", "specs": "specs", "sdks": "sdk", "changelog": "changelog"}

Bytes = Callable[[bytes], bytes]
Edit = Callable[[dict[str, Any]], None]
Entries = Callable[[list[Entry]], list[Entry]]


def same(value: Any) -> Any:
    """The hook that changes nothing."""
    return value


def sha256(data: bytes) -> str:
    """Lower-case hex, as every list has it."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Devportal:
    """How to make one bundle. Each hook changes what one stage hands to the next."""

    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    edit: Edit = lambda manifest: None  # the manifest, before it is written and signed
    signed: Bytes = same                # manifest.json as it is signed and listed
    shipped: Bytes = same               # manifest.json as it lies in the archive
    listed: Bytes = same                # checksums.txt
    sign: Callable[[bytes], bytes] | None = SIGN
    inside: bool = False                # whether the signature document lies in the archive, not beside it
    entries: Entries = same
    tar: Callable[[list[Entry]], bytes] = archive
    wrap: Bytes = gzip_fixed
    name: str = BUNDLE

    def but(self, **changes: Any) -> "Devportal":
        """The same bundle with other hooks."""
        return replace(self, **changes)

    def manifest(self) -> bytes:
        """manifest.json as it is signed."""
        value = manifest(self.files)
        self.edit(value)
        return self.signed(dump(value))

    def tree(self) -> dict[str, bytes]:
        """Every file of the bundle, in the order of the archive."""
        signed = self.manifest()
        lists = {"manifest.json": self.shipped(signed), "checksums.txt": self.listed(checksums(signed, self.files))}
        envelope = {ENVELOPE: self.sign(signed)} if self.inside else {}
        return lists | HELPERS | envelope | dict(self.files)

    def beside(self) -> dict[str, bytes]:
        """The signature document, where it is not inside."""
        return {ENVELOPE: self.sign(self.manifest())} if self.sign and not self.inside else {}

    def build(self) -> dict[str, bytes]:
        """The archive and what lies beside it."""
        entries = [Entry(path.encode(), data, mode_of(path)) for path, data in self.tree().items()]
        return {self.name: self.wrap(self.tar(self.entries(entries)))} | self.beside()


def manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest of these files."""
    tops = {path.split("/")[0] for path in files}
    return {
        "version": "devportal-offline/v1",
        "bundleId": BUNDLE_ID,
        "generatedAt": "2026-11-01T00:00:00Z",
        "metadata": {"releaseVersion": "2025.11.0"},
        "sources": {
            "portalIncluded": "portal" in tops,
            "specsIncluded": "specs" in tops,
            "sdkNames": sorted({path.split("/")[1] for path in files if path.startswith("sdks/")}),
            "changelogIncluded": "changelog" in tops,
        },
        "totals": {"entryCount": len(files), "totalSizeBytes": sum(map(len, files.values()))},
        "entries": [manifest_entry(path, files[path]) for path in in_byte_order(files)],
    }


def manifest_entry(path: str, data: bytes) -> dict[str, Any]:
    """One element of `entries`."""
    return {
        "category": CATEGORIES[path.split("/")[0]],
        "path": path,
        "sha256": sha256(data),
        "sizeBytes": len(data),
        "contentType": CONTENT_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream"),
    }


def checksums(manifest_bytes: bytes, files: Mapping[str, bytes]) -> bytes:
    """checksums.txt: the root, then every entry and the two helpers by path."""
    everything = {**files, **HELPERS}
    lines = [f"{sha256(everything[path])}  {path}" for path in in_byte_order(everything)]
    return "\n".join([f"root {sha256(manifest_bytes)}", *lines, ""]).encode()


def in_byte_order(paths: Mapping[str, Any]) -> list[str]:
    """Paths as the lists sort them."""
    return sorted(paths, key=str.encode)


def mode_of(path: str) -> int:
    """0755 for scripts, 0644 for all else."""
    return 0o755 if path.endswith(".sh") else 0o644


# --- hooks that many cases share ----------------------------------------------------------------------------------

def flipped(data: bytes) -> bytes:
    """The data with the lowest bit of its middle byte flipped."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]


def at(path: str, change: Callable[[Entry], Entry]) -> Entries:
    """Change one entry of the archive."""
    return lambda entries: [change(entry) if entry.name == path.encode() else entry for entry in entries]


def altered(path: str, change: Bytes = flipped) -> Entries:
    """Change the data of one entry."""
    return at(path, lambda entry: replace(entry, data=change(entry.data)))


def without(path: str) -> Entries:
    """Leave one entry out."""
    return lambda entries: [entry for entry in entries if entry.name != path.encode()]


def plus(*extra: Entry) -> Entries:
    """Append entries."""
    return lambda entries: [*entries, *extra]


def setting(*keys: str | int, to: Any) -> Edit:
    """Set one value deep in the manifest."""
    def edit(value: Any) -> None:
        """Walk to the place and set it."""
        for step in keys[:-1]:
            value = value[step]
        value[keys[-1]] = to
    return edit


def replacing(old: bytes, new: bytes) -> Bytes:
    """Replace the one occurrence of `old`."""
    def change(data: bytes) -> bytes:
        """Replace, and make sure that there was one."""
        assert data.count(old) == 1, (old, data.count(old))
        return data.replace(old, new)
    return change
