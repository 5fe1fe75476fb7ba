"""Thin mirror bundles v1: a tarball and the documents that travel beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import Bytes, Edit, Entries, same, sha256
from .dsse import Envelope
from .mirror import member
from .signing import KEYS
from .tar import archive
from .tuf import KEYID, OWNER, Repository, pretty

STEM = "mirror-thin-v1"
TARBALL, MANIFEST, META = f"{STEM}.tar.gz", f"{STEM}.manifest.json", f"{STEM}.bundle.json"
MANIFEST_DSSE, META_DSSE = f"{STEM}.manifest.dsse.json", f"{STEM}.bundle.dsse.json"
LAYERS = {
    "layers/observations.ndjson": b'{"id":"obs-1","purl":"pkg:npm/left-pad@1.3.0"}\n{"id":"obs-2"}\n',
    "layers/time-anchor.json": b'{"anchorTime":"2026-11-01T00:00:00Z","source":"roughtime"}\n',
}
INDEXES = {"indexes/observations.index": b"obs-1 layers/observations.ndjson\nobs-2 layers/observations.ndjson\n"}
SIGN_MANIFEST = Envelope("application/vnd.stellaops.mirror.manifest+json", (OWNER,))
SIGN_META = Envelope("application/vnd.stellaops.mirror.bundle+json", (OWNER,))


def gzip_timeless(data: bytes) -> bytes:
    """A gzip member whose header states no time."""
    packed = gzip_fixed(data)
    return packed[:4] + bytes(4) + packed[8:]


@dataclass(frozen=True)
class Thin:
    """How to make one bundle. Each hook changes what one stage hands to the next."""

    manifest_edit: Edit = lambda manifest: None     # both copies of the manifest
    manifested: Bytes = same                        # both copies as they are written
    inner: Bytes = same                             # the copy in the tarball
    entries: Entries = same
    meta_edit: Edit = lambda meta: None             # bundle.json
    metaed: Bytes = same
    sign_manifest: Callable[[bytes], bytes] | None = SIGN_MANIFEST
    sign_meta: Callable[[bytes], bytes] | None = SIGN_META
    tuf: Repository | None = Repository()
    listed: Mapping[str, Callable[[bytes], str]] = field(default_factory=dict)  # file: digest in its .sha256
    left_out: tuple[str, ...] = ()                  # files that do not travel along
    extra: Mapping[str, bytes] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Thin":
        """The same bundle with other hooks."""
        return replace(self, **changes)

    def manifest(self) -> bytes:
        """manifest.json."""
        value = {
            "version": "1.0.0", "created": "2026-11-01T00:00:00Z",
            "layers": [{"path": path, "size": len(data), "digest": f"sha256:{sha256(data)}"}
                       for path, data in sorted(LAYERS.items())],
            "indexes": [{"name": path.removeprefix("indexes/"), "digest": f"sha256:{sha256(data)}"}
                        for path, data in sorted(INDEXES.items())],
        }
        self.manifest_edit(value)
        return self.manifested(pretty(value))

    def tarball(self, manifest: bytes) -> bytes:
        """The manifest, the layers, the indexes; no times, no owners."""
        files = {"manifest.json": self.inner(manifest), **LAYERS, **INDEXES}
        return gzip_timeless(archive(self.entries([member(path, data) for path, data in files.items()])))

    def meta(self, tarball: bytes, manifest: bytes) -> bytes:
        """bundle.json."""
        value = {"version": "1.0.0", "created": "2026-11-01T00:00:00Z", "tenant": "acme", "environment": "lab",
                 "tarball_sha256": sha256(tarball), "manifest_sha256": sha256(manifest)}
        self.meta_edit(value)
        return self.metaed(pretty(value))

    def files(self) -> dict[str, bytes]:
        """The tarball and everything beside it."""
        manifest = self.manifest()
        tarball = self.tarball(manifest)
        main = {TARBALL: tarball, MANIFEST: manifest, META: self.meta(tarball, manifest)}
        files = dict(main)
        for name in (TARBALL, MANIFEST):
            digest = self.listed.get(name, sha256)(main[name])
            files[f"{name}.sha256"] = f"{digest}  {name}\n".encode()
        if self.sign_manifest:
            files[MANIFEST_DSSE] = self.sign_manifest(manifest)
        if self.sign_meta:
            files[META_DSSE] = self.sign_meta(main[META])
        if self.tuf:
            files |= {f"tuf/{name}": data for name, data in self.tuf.documents(main).items()}
            files[f"tuf/keys/{KEYID}.pub"] = (KEYS / f"{OWNER.name}.pub.pem").read_bytes()
        return {name: data for name, data in (files | dict(self.extra)).items() if name not in self.left_out}

    def oci(self) -> dict[str, bytes]:
        """The same three files as an OCI layout in `oci/`."""
        files = self.files()
        blob = lambda kind, data: {"mediaType": kind, "digest": f"sha256:{sha256(data)}", "size": len(data)}
        layers = [blob("application/vnd.stellaops.mirror.layer.v1", files[name]) for name in (TARBALL, MANIFEST, META)]
        config = b"{}"
        manifest = pretty({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": blob("application/vnd.oci.empty.v1+json", config), "layers": layers})
        index = pretty({"schemaVersion": 2, "manifests": [blob("application/vnd.oci.image.manifest.v1+json", manifest)]})
        blobs = {f"oci/blobs/sha256/{sha256(data)}": data for data in (config, manifest, *(
            files[name] for name in (TARBALL, MANIFEST, META)))}
        return {"oci/oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "oci/index.json": index, **blobs}

    def folder(self) -> dict[str, bytes]:
        """All of them in a directory of their own."""
        return {f"thin/{name}": data for name, data in self.files().items()}

    def packed(self) -> dict[str, bytes]:
        """All of them in one tar."""
        return {"thin.tar": archive([member(name, data) for name, data in sorted(self.files().items())])}
