"""Mirror bundles of the Export Center: a good one, with a hook for each stage at which something may go wrong."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import zstd_sparse, zstd_stored
from .devportal import Bytes, Edit, Entries, in_byte_order, same, sha256
from .signing import ECDSA_P256, Signer
from .tar import DIRECTORY, Entry, archive, octal

BUNDLE = "mirror-20261101.tar.zst"
TOP = "mirror/"
EXPORT_ID = "exp-20261101-01"
AT = "2026-11-01T00:00:00Z"
SCHEMA = "https://stellaops.io/export-center/manifest/v1alpha2"
README = b"# Mirror\n\nVerify this bundle before you import it.\n"


# --- what is in it ------------------------------------------------------------------------------------------------

def compact(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def lines(*records: dict[str, Any]) -> bytes:
    """JSONL in a zstd frame."""
    return zstd_stored(b"".join(compact(record) + b"\n" for record in records))


DATA = {
    "data/consensus/vex_consensus.jsonl.zst": lines({"vuln": "CVE-2026-0001", "status": "not_affected"}),
    "data/normalized/advisories/advisories-nvd.jsonl.zst": lines({"id": "nvd-1"}, {"id": "nvd-2"}),
    "data/normalized/vex/vex-acme.jsonl.zst": lines({"id": "vex-1", "status": "affected"}),
    "data/policy/evaluations.jsonl.zst": lines({"finding": "f-1"}, {"finding": "f-2"}),
    "data/policy/snapshot.json": compact({"policy": "default", "revision": 7}),
    "data/raw/advisories/advisories-ghsa.jsonl.zst": lines({"id": "GHSA-1"}),
    "data/raw/advisories/advisories-nvd.jsonl.zst": lines({"id": "CVE-2026-0001"}, {"id": "CVE-2026-0002"}),
    "data/raw/sboms/app/sbom.json": compact({"bomFormat": "CycloneDX", "specVersion": "1.6"}),
    "data/raw/vex/vex-acme.jsonl.zst": lines({"id": "vex-1"}),
}
RECORDS = {  # of each JSONL member
    "data/consensus/vex_consensus.jsonl.zst": 1, "data/normalized/advisories/advisories-nvd.jsonl.zst": 2,
    "data/normalized/vex/vex-acme.jsonl.zst": 1, "data/policy/evaluations.jsonl.zst": 2,
    "data/raw/advisories/advisories-ghsa.jsonl.zst": 1, "data/raw/advisories/advisories-nvd.jsonl.zst": 2,
    "data/raw/advisories/advisories-osv.jsonl.zst": 1,  # only in deltas
    "data/raw/vex/vex-acme.jsonl.zst": 1,
}
INDEXED = {  # index: what its files begin with
    "advisories": "data/raw/advisories/", "vex": "data/raw/vex/", "sbom": "data/raw/sboms/",
    "findings": "data/policy/evaluations",
}


def indexes(data: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """The value of each index, by its name."""
    values = {}
    for name, start in INDEXED.items():
        files = [{"path": path, "records": RECORDS.get(path, 1)} for path in in_byte_order(data)
                 if path.startswith(start)]
        values[name] = {"index": name, "count": sum(file["records"] for file in files), "files": files}
    return values


def with_entries(values: dict[str, Any]) -> None:
    """Turn each index into the style that lists its records one by one."""
    for name, value in values.items():
        paths = [file["path"] for file in value.pop("files") for _ in range(file["records"])]
        value["entries"] = [{"id": f"{name}-{number}", "path": path} for number, path in enumerate(paths, 1)]


def content(path: str, data: bytes, counted: Mapping[str, int]) -> dict[str, Any]:
    """One element of `contents`."""
    records = counted.get(path.removeprefix("delta/added/").removeprefix("delta/updated/"))
    records = {} if records is None else {"records": records}
    return {"path": path, "digest": f"sha256:{sha256(data)}", "bytes": len(data)} | records


# --- rerunHash ----------------------------------------------------------------------------------------------------

def rerun_sorted(digests: list[str]) -> bytes:
    """The sorted digests with their prefix, joined by newlines: the first form."""
    return "\n".join(sorted(digests)).encode()


def rerun_newline(digests: list[str]) -> bytes:
    """The same with a newline at the end."""
    return rerun_sorted(digests) + b"\n"


def rerun_bare(digests: list[str]) -> bytes:
    """The same over bare hex."""
    return rerun_sorted([digest.removeprefix("sha256:") for digest in digests])


def rerun_in_order(digests: list[str]) -> bytes:
    """The digests as `contents` has them."""
    return "\n".join(digests).encode()


# --- manifest.yaml ------------------------------------------------------------------------------------------------

def yaml_block(value: Any, depth: int = 0) -> str:
    """Block style: maps, lists and plain scalars; a time is quoted."""
    pad = "  " * depth
    if isinstance(value, dict):
        return "".join(pad + yaml_member(key, item, depth) for key, item in value.items())
    text = ""
    for item in value:
        body = yaml_block(item, depth + 1) if isinstance(item, dict) else f"{pad}  {yaml_scalar(item)}\n"
        text += f"{pad}- {body[2 * depth + 2:]}"
    return text


def yaml_member(key: str, item: Any, depth: int) -> str:
    """`key: value`, or the key and the nested lines below it."""
    if isinstance(item, (dict, list)):
        return f"{key}:\n{yaml_block(item, depth + 1)}"
    return f"{key}: {yaml_scalar(item)}\n"


def yaml_scalar(value: Any) -> str:
    """A plain scalar, or a quoted one for what YAML would take for a time."""
    return f'"{value}"' if isinstance(value, str) and value.endswith("Z") else str(value)


def yaml_flow(value: Any) -> str:
    """Flow style: braces and brackets, one line a member of the outermost map."""
    def flow(item: Any) -> str:
        """Anything on one line."""
        if isinstance(item, dict):
            return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(flow, item)) + "]"
        return yaml_scalar(item)
    return "".join(f"{key}: {flow(item)}\n" for key, item in value.items())


# --- signatures ---------------------------------------------------------------------------------------------------

def blob(signer: Signer) -> Bytes:
    """What `cosign sign-blob` writes: the signature over the raw bytes in base64, one line."""
    return lambda data: base64.b64encode(signer.sign(data)) + b"\n"


# --- the bundle ---------------------------------------------------------------------------------------------------

Documents = dict[str, bytes]


@dataclass(frozen=True)
class Mirror:
    """How to make one bundle. Each hook changes what one stage hands to the next."""

    data: Mapping[str, bytes] = field(default_factory=lambda: DATA)
    records: Mapping[str, int] = field(default_factory=lambda: RECORDS)
    indexed: bool = True                         # whether there are indexes, and counts in manifest.yaml
    index_edit: Edit = lambda values: None       # the indexes by name
    store: Callable[[Mapping[str, bytes]], Mapping[str, bytes]] = same  # data as it lies in the bundle
    vouched: Callable[[Mapping[str, bytes], Mapping[str, bytes]], Mapping[str, bytes]] = lambda plain, stored: stored
    contents: Callable[[list[dict[str, Any]]], Any] = lambda contents: None
    rerun: Callable[[list[str]], bytes] = rerun_sorted
    edit: Edit = lambda export: None             # export.json, before it is written and signed
    exported: Bytes = same                       # export.json as it is signed and lies in the bundle
    export_name: str = "export.json"             # what provenance.json calls it
    provenance_edit: Edit = lambda provenance: None
    manifest_edit: Edit = lambda manifest: None
    also_named: tuple[str, ...] = ()             # what manifest.yaml names besides export.json and provenance.json
    yaml: Callable[[Any], str] = yaml_block
    manifested: Bytes = same                     # manifest.yaml as it is signed and lies in the bundle
    identity: Edit = lambda value: None          # profile, tenant, exportId ... of both documents
    readme: bytes = README
    sign: Bytes = blob(ECDSA_P256)
    signatures: Mapping[str, str] = field(default_factory=lambda: {  # document: its signature
        "manifest.yaml": "signatures/manifest.sig", "export.json": "signatures/export.sig"})
    signed: Callable[[Documents], Any] = lambda documents: None      # the signatures by path
    entries: Entries = same
    wrap: Bytes = zstd_sparse
    name: str = BUNDLE
    top: str = TOP
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Mirror":
        """The same bundle with other hooks."""
        return replace(self, **changes)

    def head(self) -> dict[str, Any]:
        """What export.json and manifest.yaml both say."""
        value = {
            "profile": {"kind": "mirror", "variant": "full", "name": "nightly", "revision": "r1"}, "tenant": "acme",
            "exportId": EXPORT_ID, "generatedAt": AT, "selectors": {"tenants": ["acme"]},
        }
        self.identity(value)
        return value

    def listed(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Everything that `contents` names: as it lies in the bundle, and as its digests are taken."""
        values = indexes(self.data) if self.indexed else {}
        self.index_edit(values)
        clear = {f"indexes/{name}.index.json": compact(value) for name, value in values.items()}
        stored = dict(self.store(self.data))
        return stored | clear, dict(self.vouched(self.data, stored)) | clear

    def export(self, vouched: Mapping[str, bytes]) -> bytes:
        """export.json."""
        contents = [content(path, vouched[path], self.records) for path in in_byte_order(vouched)]
        self.contents(contents)
        digest = hashlib.sha256(self.rerun([entry["digest"] for entry in contents])).hexdigest()
        value = {"schema": SCHEMA, "version": "1.1.0"} | self.head() | {
            "rerunHash": f"sha256:{digest}", "contents": contents}
        self.edit(value)
        return self.exported(compact(value))

    def provenance(self, export: bytes) -> bytes:
        """provenance.json."""
        value = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": self.export_name, "digest": {"sha256": sha256(export)}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {"buildDefinition": {"buildType": "https://example.com/export-center/mirror"},
                          "runDetails": {"builder": {"id": "https://example.com/export-center"}}},
        }
        self.provenance_edit(value)
        return compact(value)

    def manifest(self, named: Mapping[str, bytes]) -> bytes:
        """manifest.yaml."""
        counts = {name: value["count"] for name, value in indexes(self.data).items()}
        files = [{"path": path, "digest": f"sha256:{sha256(data)}", "bytes": len(data)}
                 for path, data in named.items()]
        value = self.head() | ({"counts": counts} if self.indexed else {}) | {"files": files}
        self.manifest_edit(value)
        return self.manifested(self.yaml(value).encode())

    def tree(self) -> dict[str, bytes]:
        """Every file of the bundle by its path under the top directory."""
        stored, vouched = self.listed()
        export = self.export(vouched)
        tree = stored | {"export.json": export, "provenance.json": self.provenance(export)}
        readme = {"README.md": self.readme}
        named = {path: (tree | readme)[path] for path in ("export.json", "provenance.json", *self.also_named)}
        tree["manifest.yaml"] = self.manifest(named)
        signatures = {path: self.sign(tree[document]) for document, path in self.signatures.items()}
        self.signed(signatures)
        return tree | readme | signatures

    def build(self) -> dict[str, bytes]:
        """The archive and what lies beside it."""
        return {self.name: self.wrap(archive(self.entries(members(self.tree(), self.top))))} | dict(self.beside)

    def folder(self) -> dict[str, bytes]:
        """The same as a directory."""
        return {TOP + path: data for path, data in self.tree().items()} | dict(self.beside)


def members(tree: Mapping[str, bytes], top: str) -> list[Entry]:
    """Tar entries sorted by name, with those of the directories; no times, no owners."""
    files = {top + path: data for path, data in tree.items()}
    directories = {path[:at + 1] for path in files for at in range(len(path)) if path[at] == "/"}
    entries = {path: member(path, data) for path, data in files.items()} | {
        path: replace(member(path), mode=0o755, type=DIRECTORY) for path in directories}
    return [entries[path] for path in in_byte_order(entries)]


def member(path: str, data: bytes = b"") -> Entry:
    """A file of mode 0644 whose time is zero."""
    return Entry(path.encode(), data, raw={"mtime": octal(0, 12)})
