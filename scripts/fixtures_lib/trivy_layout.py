"""OCI layouts with layers of Trivy: as Trivy publishes them, as Concelier exports them, and deltas with their base."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .devportal import Bytes, Edit, same, sha256
from .mirror import blob
from .oci import INDEX, MANIFEST, compact, digest, path_of
from .signing import ED25519
from .tar import Entry, archive
from .trivy import (COUNT, DB, EXPORT, JAVA, JAVA_LAYER, OLD_NEXT, OLD_UPDATED, Content, Sign, cve, metadata,
                    older, trivy_db)

CONFIG = "application/vnd.aquasec.trivy.config.v1+json"


# --- OCI layouts --------------------------------------------------------------------------------------------------

LAYOUT, FOLDER = "trivy-db.oci.tar", "trivy-db.oci"


def tree_digest(name: str) -> str:
    """Some digest: nobody can compute that of the tree again."""
    return f"sha256:{sha256(name.encode())}"


def full_export() -> dict[str, Any]:
    """StellaOps' metadata.json of a full export."""
    return {"mode": "full", "resetBaseline": False, "treeDigest": tree_digest("tree"), "treeBytes": 48_211,
            "advisoryCount": COUNT, "exporterVersion": "1.4.0", "builder": {"version": "0.9.2", "tool": "trivy-db"}}


@dataclass(frozen=True)
class Layout:
    """How to make one layout. Each hook changes what one stage hands to the next."""

    contents: tuple[tuple[Content, ...], ...] = ((DB,),)  # for each manifest its layers
    packed: Bytes = same                         # the first layer as it is named
    manifest_edit: Edit = lambda manifest: None  # the first manifest
    index_edit: Edit = lambda index: None
    export: Callable[[], dict[str, Any]] | None = None  # StellaOps' metadata.json
    export_edit: Edit = lambda export: None
    exported: Bytes = same                       # the same as it is signed and lies in the layout
    sign: Sign = blob(ED25519)                   # signs index.json
    sign_export: Sign = None                     # signs metadata.json
    sign_whole: Sign = None                      # signs the archive
    left_out: tuple[str, ...] = ()               # blobs that are not carried
    shipped: Callable[[dict[str, bytes]], Any] = lambda tree: None  # every file by path, in place
    extra: Mapping[str, bytes] = field(default_factory=dict)
    wrap: Bytes = same
    name: str = LAYOUT

    def but(self, **changes: Any) -> "Layout":
        """The same layout with other hooks."""
        return replace(self, **changes)

    def of(self, **changes: Any) -> "Layout":
        """The same layout with one database, of which something differs."""
        return self.but(contents=((self.contents[0][0].but(**changes),),))

    def layers(self) -> list[list[bytes]]:
        """The layers of each manifest."""
        layers = [[content.tar_gz() for content in contents] for contents in self.contents]
        layers[0][0] = self.packed(layers[0][0])
        return layers

    def manifests(self) -> list[bytes]:
        """The manifests."""
        manifests = []
        for contents, layers in zip(self.contents, self.layers()):
            described = [described_as(content.media_type, layer) | {"annotations": {
                "org.opencontainers.image.title": "javadb.tar.gz" if content.media_type == JAVA_LAYER else "db.tar.gz"}}
                for content, layer in zip(contents, layers)]
            value = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": CONFIG,
                     "config": described_as(CONFIG, b"{}"), "layers": described,
                     "annotations": {"org.opencontainers.image.created": "2026-11-19T18:15:02Z"}}
            if not manifests:
                self.manifest_edit(value)
            manifests.append(compact(value))
        return manifests

    def index(self) -> bytes:
        """index.json."""
        named = [described_as(MANIFEST, manifest) | {"artifactType": CONFIG, "annotations": {
            "org.opencontainers.image.ref.name": "1" if contents[0].media_type == JAVA_LAYER else "2"}}
            for manifest, contents in zip(self.manifests(), self.contents)]
        value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": named}
        self.index_edit(value)
        return compact(value)

    def tree(self) -> dict[str, bytes]:
        """Every file of the layout by its path."""
        tree = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": self.index()}
        if self.sign:
            tree["index.json.sig"] = self.sign(tree["index.json"])
        if self.export:
            value = self.export()
            self.export_edit(value)
            tree[EXPORT] = self.exported(compact(value))
            if self.sign_export:
                tree[f"{EXPORT}.sig"] = self.sign_export(tree[EXPORT])
        for data in (b"{}", *self.manifests(), *(layer for layers in self.layers() for layer in layers)):
            tree[path_of(digest(data))] = data
        tree = {path: data for path, data in tree.items() if path not in self.left_out} | dict(self.extra)
        self.shipped(tree)
        return tree

    def build(self) -> dict[str, bytes]:
        """The archive and what lies beside it."""
        data = self.wrap(archive([Entry(path.encode(), content) for path, content in self.tree().items()]))
        return {self.name: data} | ({f"{self.name}.sig": self.sign_whole(data)} if self.sign_whole else {})

    def folder(self, name: str = FOLDER) -> dict[str, bytes]:
        """The same as a directory."""
        return {f"{name}/{path}": data for path, data in self.tree().items()}

    def layer_path(self, manifest: int = 0) -> str:
        """Where the first layer of a manifest lies."""
        return path_of(digest(self.layers()[manifest][0]))

    def manifest_digest(self) -> str:
        """By which index.json names the first manifest."""
        return digest(self.manifests()[0])


def described_as(media_type: str, data: bytes) -> dict[str, Any]:
    """What names a blob."""
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


OWN = Layout()                                                             # as Trivy publishes it
OWN_JAVA = Layout(contents=((JAVA,),), name="trivy-java-db.oci.tar")
FULL = Layout(export=full_export, sign_export=blob(ED25519))               # as Concelier exports it


# --- deltas -------------------------------------------------------------------------------------------------------

BASE = "base.oci.tar"
BASE_ID = "20261112T000000Z"
BASE_LAYOUT = FULL.but(
    contents=((DB.but(data=trivy_db(older), about=metadata(2, OLD_UPDATED, OLD_NEXT)),), (JAVA,)), name=BASE,
    export_edit=lambda export: export.update(advisoryCount=COUNT - 2, treeDigest=tree_digest("older tree")))


def delta_export() -> dict[str, Any]:
    """StellaOps' metadata.json of a delta."""
    changed = [{"path": f"npm/{cve(number)}.json", "length": 700 + number, "digest": tree_digest(cve(number))}
               for number in (10, 11)]
    base = {"baseExportId": BASE_ID, "baseManifestDigest": BASE_LAYOUT.manifest_digest()}
    return full_export() | {"mode": "delta"} | base | {
        "delta": {"changedFiles": changed, "removedPaths": ["npm/CVE-2025-10404.json"]}}


# The index of Java archives did not change: its layer lies in the base.
DELTA = FULL.but(contents=((DB,), (JAVA,)), export=delta_export, left_out=(BASE_LAYOUT.layer_path(1),),
                 name="trivy-delta.oci.tar")
