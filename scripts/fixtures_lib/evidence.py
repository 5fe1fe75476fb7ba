"""Evidence Locker bundles: metadata about evidence that lies elsewhere, sealed or portable."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import Bytes, Edit, Entries, mode_of, same, sha256
from .dsse import Envelope, base64_standard, dump
from .signing import ED25519
from .tar import MTIME, Entry, archive, pax

PAYLOAD_TYPE = "application/vnd.stella.evidence.manifest+json"
SIGN = Envelope(PAYLOAD_TYPE, (ED25519,))
BUNDLE_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TENANT_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
ARTEFACTS = {  # canonicalPath: (section, what the artefact holds; it is not in the bundle)
    "sbom/cyclonedx.json": ("sbom", b'{"bomFormat":"CycloneDX"}'),
    "scan-results/report.json": ("scan-results", b'{"findings":[]}'),
    "vex/openvex.json": ("vex", b'{"statements":[]}'),
}
INSTRUCTIONS = b"Compare the root in checksums.txt with the one you were given.\n"
SCRIPT = b"#!/bin/sh\nset -eu\nhead -n 1 checksums.txt\n"


@dataclass(frozen=True)
class Evidence:
    """How to make one bundle. Each hook changes what one stage hands to the next."""

    schema: str = "A"
    portable: bool = False
    edit: Edit = lambda manifest: None      # the manifest, before it is signed
    record_edit: Edit = lambda record: None  # bundle.json
    signature_edit: Edit = lambda document: None
    root: Callable[[list[str]], str] = lambda digests: sha256("\n".join(digests).encode())
    compact: bool = False                   # sign one line of JSON, ship it pretty
    shipped: Bytes = same                   # manifest.json as it lies in the archive
    recorded: Bytes = same                  # bundle.json as it lies in the archive
    listed: Bytes = same                    # checksums.txt
    sign: Envelope = SIGN
    entries: Entries = same
    wrap: Bytes = gzip_fixed
    sidecar: bool = True
    sidecar_digest: Callable[[bytes], str] = sha256

    def but(self, **changes: Any) -> "Evidence":
        """The same bundle with other hooks."""
        return replace(self, **changes)

    @property
    def name(self) -> str:
        """The file name that the locker gives."""
        return "portable-bundle-v1.tgz" if self.portable else "bundle.tgz"

    def tree(self) -> dict[str, bytes]:
        """Every file of the bundle, in the order of the archive."""
        root = self.root([sha256(data) for _, data in ARTEFACTS.values()])
        value = manifest(self.schema, root)
        self.edit(value)
        return {
            "manifest.json": self.shipped(dump(value)),
            "signature.json": self.signature(one_line(value) if self.compact else dump(value)),
            "bundle.json": self.recorded(self.record(value, root)),
            "checksums.txt": self.listed(checksums(root)),
        } | self.helpers()

    def helpers(self) -> dict[str, bytes]:
        """What helps a person and binds nothing."""
        if self.portable:
            return {"instructions-portable.txt": INSTRUCTIONS, "verify-offline.sh": SCRIPT}
        return {"instructions.txt": INSTRUCTIONS}

    def signature(self, payload: bytes) -> bytes:
        """signature.json: the flat form."""
        [signature] = self.sign.signatures(payload)
        value = {
            "payloadType": self.sign.payload_type,
            "payload": base64_standard(payload),
            "signature": base64_standard(signature.bytes),
            "keyId": signature.keyid,
            "algorithm": "Ed25519",
            "provider": "example-offline",
            "signedAt": "2026-11-01T00:05:00Z",
        }
        self.signature_edit(value)
        return dump(value)

    def record(self, manifest_value: dict[str, Any], root: str) -> bytes:
        """bundle.json; the portable form leaves tenant, status and storage out."""
        value = {"bundleId": manifest_value["bundleId"], "kind": manifest_value["kind"], "rootHash": root,
                 "createdAt": "2026-11-01T00:00:00Z", "sealedAt": "2026-11-01T00:05:00Z"}
        if not self.portable:
            tenant, bundle = manifest_value["tenantId"], manifest_value["bundleId"]
            value |= {"tenantId": tenant, "status": 3,
                      "storageKey": f"tenants/{tenant}/bundles/{bundle}/bundle.tgz"}
        self.record_edit(value)
        return dump(value)

    def build(self) -> dict[str, bytes]:
        """The archive and its checksum file."""
        times = pax(*((key, b"%d" % MTIME) for key in (b"mtime", b"atime", b"ctime")))
        entries = [Entry(path.encode(), data, mode_of(path), before=times) for path, data in self.tree().items()]
        bundle = self.wrap(archive(self.entries(entries)))
        sidecar = {f"{self.name}.sha256": f"{self.sidecar_digest(bundle)}  {self.name}\n".encode()}
        return {self.name: bundle} | (sidecar if self.sidecar else {})


def manifest(schema: str, root: str) -> dict[str, Any]:
    """manifest.json, after schema A (ids without dashes) or B (with dashes, and the archive's name)."""
    value = {"bundleId": BUNDLE_ID, "tenantId": TENANT_ID, "kind": "evaluation", "createdAt": "2026-11-01T00:00:00Z",
             "metadata": {"run": "nightly-1"}, "entries": manifest_entries()}
    if schema == "A":
        undashed = {key: value[key].replace("-", "") for key in ("bundleId", "tenantId")}
        return value | undashed | {
            "hashSummary": {"algorithm": "sha256", "merkleRoot": root, "checksumsPath": "checksums.txt"}}
    return value | {"kind": 3, "status": 3, "bundleArchive": "bundle.tgz"}


def manifest_entries() -> list[dict[str, Any]]:
    """Each artefact with its section, digest and size."""
    return [{"section": section, "canonicalPath": path, "sha256": sha256(data), "sizeBytes": len(data)}
            for path, (section, data) in ARTEFACTS.items()]


def checksums(root: str) -> bytes:
    """checksums.txt: the root, then the artefacts by path."""
    lines = [f"{sha256(data)}  {path}" for path, (_, data) in ARTEFACTS.items()]
    return "\n".join([f"root {root}", *lines, ""]).encode()


def one_line(value: Any) -> bytes:
    """The same JSON without any white space."""
    return json.dumps(value, separators=(",", ":")).encode()


def rfc6962_root(digests: list[str]) -> str:
    """The Merkle tree hash of RFC 6962 over the digests."""
    def tree(leaves: list[bytes]) -> bytes:
        """The hash over these leaves."""
        if len(leaves) == 1:
            return hashlib.sha256(b"\x00" + leaves[0]).digest()
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()
    return tree([bytes.fromhex(digest) for digest in digests]).hex()
