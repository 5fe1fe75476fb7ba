"""Concelier mirror exports: advisories by domain, each bundle.json signed by a detached JWS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import Bytes, Edit, Entries, same
from .dsse import dump
from .jws import Jws
from .tar import Entry, archive

BUNDLE = "concelier-mirror.tar.gz"
EXPORT = "20261101T000000Z/"
UNSIGNED = b"unsigned-dev-bundle\n"
DOMAINS = {
    "community": ["EXAMPLE-2026-0001"],
    "primary": ["EXAMPLE-2026-0001", "EXAMPLE-2026-0002", "EXAMPLE-2026-0003"],
}


@dataclass(frozen=True)
class Concelier:
    """How to make one export. Hooks about a domain work on the one named `primary`."""

    domains: Mapping[str, list[str]] = field(default_factory=lambda: DOMAINS)
    index_edit: Edit = lambda index: None
    manifest_edit: Edit = lambda manifest: None
    content_edit: Edit = lambda content: None        # bundle.json, before it is signed
    every_edit: Edit = lambda content: None          # bundle.json of each domain, before it is signed
    shipped: Bytes = same                            # bundle.json as it lies in the archive
    sign: Callable[[bytes], bytes | None] = Jws()    # None: no file
    other_sign: Callable[[bytes], bytes | None] = Jws()  # of the other domains
    top: str = EXPORT
    folder: str = "mirror/"                          # where the domains lie
    entries: Entries = same

    def but(self, **changes: Any) -> "Concelier":
        """The same export with other hooks."""
        return replace(self, **changes)

    def domain(self, name: str) -> dict[str, bytes]:
        """The files of one domain."""
        primary = name == "primary"
        ids = self.domains[name]
        manifest = {"schemaVersion": 1, "domainId": name, "created": "2026-11-01T00:00:00Z", "advisories": len(ids)}
        content = {"advisories": [{"advisoryKey": key} for key in ids]}
        self.every_edit(content)
        if primary:
            self.manifest_edit(manifest)
            self.content_edit(content)
        signed = dump(content)
        signature = (self.sign if primary else self.other_sign)(signed)
        files = {"manifest.json": dump(manifest), "bundle.json": self.shipped(signed) if primary else signed}
        return files | ({} if signature is None else {"bundle.json.jws": signature})

    def build(self) -> dict[str, bytes]:
        """The archive."""
        index = {"schemaVersion": 1,
                 "domains": [{"id": name, "displayName": name.capitalize()} for name in self.domains]}
        self.index_edit(index)
        tree = {"mirror/index.json": dump(index)}
        for name in self.domains:
            tree |= {f"{self.folder}{name}/{path}": data for path, data in self.domain(name).items()}
        entries = [Entry(f"{self.top}{path}".encode(), data) for path, data in tree.items()]
        return {BUNDLE: gzip_fixed(archive(self.entries(entries)))}
