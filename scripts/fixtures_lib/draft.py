"""Bundles of the devportal draft 0.1: a tree under one top directory, the site as a whole with one digest."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import ENVELOPE, SIGN, Bytes, Edit, Entries, same, sha256
from .dsse import dump
from .tar import Entry, archive

BUNDLE = "devportal-offline.tar.gz"
TOP = "devportal-offline/"


def sdk(name: str) -> bytes:
    """A tiny SDK archive."""
    return gzip_fixed(archive([Entry(b"%s/README.md" % name.encode(), b"# %s\n" % name.encode())]))


FILES = {
    "site/assets/site.css": b"body { font-family: sans-serif; }\n",
    "site/index.html": b"<!doctype html>\n<title>Developer portal</title>\n<h1>Developer portal</h1>\n",
    "specs/gateway.yaml": b"openapi: 3.1.0\ninfo: {title: Gateway, version: 0.1.0}\npaths: {}\n",
    "specs/stella-aggregate.yaml": b"openapi: 3.1.0\ninfo: {title: Aggregate, version: 0.1.0}\npaths: {}\n",
    "sdks/node-sdk.tar.gz": sdk("node-sdk"),
    "sdks/python-sdk.tar.gz": sdk("python-sdk"),
}


@dataclass(frozen=True)
class Draft:
    """How to make one bundle; the hooks are those of `devportal.Devportal`."""

    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    edit: Edit = lambda manifest: None
    shipped: Bytes = same
    sign: Callable[[bytes], bytes] | None = SIGN
    entries: Entries = same

    def but(self, **changes: Any) -> "Draft":
        """The same bundle with other hooks."""
        return replace(self, **changes)

    def build(self) -> dict[str, bytes]:
        """The archive and the envelope beside it."""
        value = manifest(self.files)
        self.edit(value)
        signed = dump(value)
        tree = {"manifest.json": self.shipped(signed), **self.files}
        entries = self.entries([Entry(f"{TOP}{path}".encode(), data) for path, data in tree.items()])
        beside = {ENVELOPE: self.sign(signed)} if self.sign else {}
        return {BUNDLE: gzip_fixed(archive(entries))} | beside


def manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest of these files."""
    return {
        "version": "0.1",
        "generatedAt": "2026-11-01T00:00:00Z",
        "site": site(files),
        "specs": components(files, "specs/"),
        "sdks": components(files, "sdks/"),
        "checks": {"integrity": "sha256", "policy": "no-external-assets"},
    }


def site(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The site as one thing: SHA-256 over its checksum lines, and the sum of its bytes."""
    paths = sorted((path for path in files if path.startswith("site/")), key=str.encode)
    lines = "".join(f"{sha256(files[path])}  {path.removeprefix('site/')}\n" for path in paths)
    return {"path": "site", "sha256": hashlib.sha256(lines.encode()).hexdigest(),
            "bytes": sum(len(files[path]) for path in paths)}


def components(files: Mapping[str, bytes], folder: str) -> list[dict[str, Any]]:
    """Each file of a folder with its digest and size."""
    return [{"name": path.removeprefix(folder).split(".")[0], "path": path, "sha256": sha256(files[path]),
             "bytes": len(files[path])} for path in sorted(files) if path.startswith(folder)]
