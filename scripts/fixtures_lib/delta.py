"""mirror:delta bundles: what changed since a full one, which lies in the same folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .devportal import Bytes, Edit, in_byte_order, same, sha256
from .mirror import EXPORT_ID as BASE_ID
from .mirror import Mirror, compact, lines

BUNDLE = "mirror-20261102-delta.tar.zst"
BASE = "base.tar.zst"
EXPORT_ID = "exp-20261102-01"
AT = "2026-11-02T00:00:00Z"
DIFF = "delta/manifest.diff.json"
ADDED, UPDATED, REMOVED = ("data/raw/advisories/advisories-osv.jsonl.zst", "data/raw/vex/vex-acme.jsonl.zst",
                           "data/raw/advisories/advisories-ghsa.jsonl.zst")


def nothing(_: Any) -> None:
    """The edit that changes nothing."""


@dataclass(frozen=True)
class Delta:
    """How to make one delta. Each hook changes what one stage hands to the next."""

    base: Mirror = Mirror(name=BASE)
    base_document: str = "export.json"                  # whose digest names the base
    added: Mapping[str, bytes] = field(default_factory=lambda: {ADDED: lines({"id": "OSV-1"})})
    updated: Mapping[str, bytes] = field(default_factory=lambda: {UPDATED: lines({"id": "vex-2"})})
    removed: tuple[str, ...] = (REMOVED,)
    link_edit: Edit = nothing                           # what the diff and export.json both say of the base
    block_edit: Edit = nothing                          # the block `delta` of export.json
    diff_edit: Edit = nothing                           # delta/manifest.diff.json
    diffed: Bytes = same                                # the same as it is listed and lies in the bundle
    left_out: tuple[str, ...] = ()                      # files under delta/ that the bundle does not hold
    extra: Mapping[str, bytes] = field(default_factory=dict)  # files under delta/ that the diff does not name
    mirror: Mirror = Mirror(name=BUNDLE, indexed=False)  # the hooks of the bundle around it
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Delta":
        """The same delta with other hooks."""
        return replace(self, **changes)

    def link(self) -> dict[str, Any]:
        """The base and the tombstones."""
        value = {
            "baseExportId": BASE_ID, "baseManifestDigest": f"sha256:{sha256(self.base.tree()[self.base_document])}",
            "resetBaseline": False,
            "tombstones": [{"path": path, "removedAt": AT} for path in sorted(self.removed)],
        }
        self.link_edit(value)
        return value

    def diff(self) -> bytes:
        """delta/manifest.diff.json."""
        value = self.link() | {
            "counts": {"added": len(self.added), "updated": len(self.updated), "removed": len(self.removed)},
            "added": stated(self.added), "updated": stated(self.updated),
            "removed": [{"path": path} for path in sorted(self.removed)],
        }
        self.diff_edit(value)
        return self.diffed(compact(value) + b"\n")

    def block(self, export: dict[str, Any]) -> None:
        """Put the block `delta` into export.json."""
        export["delta"] = self.link()
        self.block_edit(export)

    def whole(self) -> Mirror:
        """The bundle."""
        files = {f"delta/added/{path}": data for path, data in self.added.items()}
        files |= {f"delta/updated/{path}": data for path, data in self.updated.items()}
        files |= {DIFF: self.diff()} | dict(self.extra)

        def identity(value: dict[str, Any]) -> None:
            """Another export, of the variant delta."""
            value |= {"exportId": EXPORT_ID, "generatedAt": AT}
            value["profile"]["variant"] = "delta"
            self.mirror.identity(value)
        return self.mirror.but(data={path: data for path, data in files.items() if path not in self.left_out},
                               identity=identity, edit=self.block)

    def build(self) -> dict[str, bytes]:
        """The delta, its base and what lies beside them."""
        return self.whole().build() | self.base.build() | dict(self.beside)


def stated(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Path, digest and size of each file."""
    return [{"path": path, "digest": f"sha256:{sha256(files[path])}", "bytes": len(files[path])}
            for path in in_byte_order(files)]
