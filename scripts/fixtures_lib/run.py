"""json:raw and json:policy run bundles: a mirror's data and export.json, without indexes and manifest.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .mirror import Mirror, compact, lines

RUN_ID = "run-20261101-01"
BUNDLE = f"{RUN_ID}.tar.zst"
EXPORT, PROVENANCE = "manifests/export.json", "manifests/provenance.json"
RAW = {
    "data/advisories-nvd.jsonl.zst": lines({"id": "CVE-2026-0001"}, {"id": "CVE-2026-0002"}),
    "data/sboms/app/sbom.json": compact({"bomFormat": "CycloneDX", "specVersion": "1.6"}),
    "data/vex-acme.jsonl.zst": lines({"id": "vex-1"}),
}
POLICY = RAW | {
    "data/policy/evaluations.jsonl.zst": lines({"finding": "f-1"}, {"finding": "f-2"}),
    "data/policy/snapshot.json": compact({"policy": "default", "revision": 7}),
}
RECORDS = {"data/advisories-nvd.jsonl.zst": 2, "data/vex-acme.jsonl.zst": 1, "data/policy/evaluations.jsonl.zst": 2}


@dataclass(frozen=True)
class Run(Mirror):
    """How to make one bundle: the hooks of a mirror, as far as they apply."""

    variant: str = "raw"
    data: Mapping[str, bytes] = field(default_factory=lambda: RAW)
    records: Mapping[str, int] = field(default_factory=lambda: RECORDS)
    indexed: bool = False
    export_name: str = EXPORT
    signatures: Mapping[str, str] = field(default_factory=lambda: {
        EXPORT: f"{EXPORT}.sig", PROVENANCE: f"{PROVENANCE}.sig"})
    name: str = BUNDLE
    top: str = ""

    def head(self) -> dict[str, Any]:
        """As a mirror's, with the run's id."""
        value = super().head() | {"runId": RUN_ID}
        value["profile"] |= {"kind": "json", "variant": self.variant}
        return value

    def tree(self) -> dict[str, bytes]:
        """Every file of the bundle."""
        stored, vouched = self.listed()
        export = self.export(vouched)
        tree = stored | {EXPORT: export, PROVENANCE: self.provenance(export)}
        signatures = {path: self.sign(tree[document]) for document, path in self.signatures.items()}
        self.signed(signatures)
        return tree | signatures

    def folder(self) -> dict[str, bytes]:
        """The same as a directory."""
        return {f"run/{path}": data for path, data in self.tree().items()} | dict(self.beside)
