"""OCI image layouts: an index of two platforms, an artifact about one of them, and index.json over both."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import Bytes, Edit, Entries, same, sha256
from .dsse import Envelope
from .mirror import blob
from .signing import ED25519
from .tar import Entry, archive, gnu_long_name

ARCHIVE, FOLDER = "images.tar.gz", "images"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
SBOM = "application/spdx+json"
SIGN = Envelope(INDEX, (ED25519,))
NAME = "tools/scanner:1.4.2"
LAYERS = {  # shared by both platforms, then one each
    "base": b"files that every platform has\n" * 8,
    "amd64": b"program for amd64\n" * 8,
    "arm64": b"program for arm64\n" * 8,
}

Blobs = dict[str, bytes]


def compact(value: Any) -> bytes:
    """JSON without white space, as builders write it."""
    return json.dumps(value, separators=(",", ":")).encode()


def digest(data: bytes, algorithm: str = "sha256") -> str:
    """`algorithm:hex`."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def path_of(digested: str) -> str:
    """Where the blob lies."""
    return "blobs/" + digested.replace(":", "/", 1)


@dataclass(frozen=True)
class Oci:
    """How to make one layout. Each hook changes what one stage hands to the next."""

    algorithm: str = "sha256"
    manifest_edit: Edit = lambda manifest: None    # the manifest for amd64
    artifact_edit: Edit = lambda manifest: None    # the artifact about it
    nested_edit: Edit = lambda index: None         # the index of the platforms
    index_edit: Edit = lambda index: None          # index.json
    manifested: Bytes = same                       # the manifest for amd64 as it is written and named
    indexed: Bytes = same                          # index.json as it is signed
    shipped: Bytes = same                          # index.json as it lies in the layout
    layout: Bytes = same                           # oci-layout
    sign: Callable[[bytes], bytes] | None = blob(ED25519)
    signature: str = "index.json.sig"
    inside: bool = True                            # whether the signature lies in the layout, not beside it
    blobs: Callable[[Blobs], Any] = lambda blobs: None  # all blobs by path, in place
    extra: Mapping[str, bytes] = field(default_factory=dict)
    entries: Entries = same

    def but(self, **changes: Any) -> "Oci":
        """The same layout with other hooks."""
        return replace(self, **changes)

    def descriptor(self, media_type: str, data: bytes, /, **more: Any) -> dict[str, Any]:
        """What names a blob."""
        return {"mediaType": media_type, "digest": digest(data, self.algorithm), "size": len(data)} | more

    def tree(self) -> dict[str, bytes]:
        """Every file of the layout by its path."""
        blobs: Blobs = {}

        def add(media_type: str, data: bytes, /, **more: Any) -> dict[str, Any]:
            """Keep a blob and describe it."""
            blobs[path_of(digest(data, self.algorithm))] = data
            return self.descriptor(media_type, data, **more)

        def image(architecture: str, edit: Edit, written: Bytes) -> dict[str, Any]:
            """A manifest with its configuration and layers."""
            config = compact({"architecture": architecture, "os": "linux"})
            layers = [add(LAYER, gzip_fixed(LAYERS[name])) for name in ("base", architecture)]
            value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": add(CONFIG, config), "layers": layers}
            edit(value)
            return add(MANIFEST, written(compact(value)), platform={"architecture": architecture, "os": "linux"})

        amd64 = image("amd64", self.manifest_edit, self.manifested)
        arm64 = image("arm64", lambda manifest: None, same)
        nested = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd64, arm64]}
        self.nested_edit(nested)
        empty = add(EMPTY, b"{}", data=base64.b64encode(b"{}").decode())
        subject = {key: amd64[key] for key in ("mediaType", "digest", "size")}
        artifact = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SBOM, "config": empty,
                    "layers": [add(SBOM, b'{"spdxVersion":"SPDX-2.3"}\n')], "subject": subject}
        self.artifact_edit(artifact)
        index = {"schemaVersion": 2, "manifests": [
            add(INDEX, compact(nested), annotations={"org.opencontainers.image.ref.name": NAME}),
            add(MANIFEST, compact(artifact), artifactType=SBOM)]}
        self.blobs(blobs)
        self.index_edit(index)
        signed = self.indexed(compact(index))
        tree = {"oci-layout": self.layout(b'{"imageLayoutVersion":"1.0.0"}'), "index.json": self.shipped(signed)}
        if self.sign and self.inside:
            tree[self.signature] = self.sign(signed)
        return tree | blobs | dict(self.extra)

    def beside(self) -> dict[str, bytes]:
        """The signature, where it does not lie inside."""
        signed = self.but(shipped=same).tree()["index.json"]
        return {self.signature: self.sign(signed)} if self.sign and not self.inside else {}

    def build(self) -> dict[str, bytes]:
        """The archive and what lies beside it."""
        entries = [member(path.encode(), data) for path, data in self.tree().items()]
        return {ARCHIVE: gzip_fixed(archive(self.entries(entries)))} | self.beside()

    def folder(self) -> dict[str, bytes]:
        """The same as a directory."""
        return {f"{FOLDER}/{path}": data for path, data in self.tree().items()} | self.beside()


def member(name: bytes, data: bytes) -> Entry:
    """A file, with a long name where the header has no room for that of a SHA-512 blob."""
    return Entry(name, data, before=gnu_long_name(name) if len(name) > 100 else b"")


def bare(data: bytes) -> str:
    """The path of a blob with this content."""
    return path_of(f"sha256:{sha256(data)}")
