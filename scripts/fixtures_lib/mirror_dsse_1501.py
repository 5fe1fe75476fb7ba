"""Mirrors after revision 1501: mirror.json and SHA256SUMS, each in a DSSE envelope."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compress import gzip_fixed
from .devportal import Bytes, Edit, Entries, same
from .dsse import Envelope, dump
from .manifested import line, listed
from .plain import gnu
from .signing import ED25519, KEYS
from .tar import Entry, archive

BUNDLE = "mirror-1501.tar.gz"
PAYLOAD_TYPE = "application/vnd.stellaops.mirror+json;version=1"
SIGN = Envelope(PAYLOAD_TYPE, (ED25519,))
KEY = "keys/mirror-root.pub"
LIST = "SHA256SUMS"
ENVELOPE = "metadata/mirror.dsse.json"
FILES = {
    "advisories/nvd.ndjson": b'{"id":"EXAMPLE-2026-0001"}\n{"id":"EXAMPLE-2026-0002"}\n',
    "policies/default.rego": b"package example\n\nallow := false\n",
    "vex/openvex.json": line({"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}),
}
HEADER = {"issuer": "example-mirror", "keyid": "mirror-root-ed25519-01", "created": "2026-11-01T00:05:00Z",
          "purpose": "mirror-bundle"}


@dataclass(frozen=True)
class Mirror1501:
    """How to make one mirror. Each hook changes what one stage hands to the next."""

    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    edit: Edit = lambda mirror: None             # mirror.json, before it is written and signed
    signed: Bytes = same                         # mirror.json as it is signed and listed
    shipped: Bytes = same                        # mirror.json as it lies in the archive
    listed: Bytes = same                         # SHA256SUMS as it is signed
    list_shipped: Bytes = same                   # SHA256SUMS as it lies in the archive
    sign: Envelope | None = SIGN                 # over mirror.json
    list_sign: Envelope | None = SIGN            # over SHA256SUMS
    header: Mapping[str, Any] = field(default_factory=lambda: HEADER)
    envelope: str = ENVELOPE
    top: str = ""
    entries: Entries = same
    tree_edit: Callable[[dict[str, bytes]], dict[str, bytes]] = same

    def but(self, **changes: Any) -> "Mirror1501":
        """The same mirror with other hooks."""
        return replace(self, **changes)

    def tree(self) -> dict[str, bytes]:
        """Every file, in the order of the archive."""
        value = mirror(self.files)
        self.edit(value)
        document = self.signed(dump(value))
        sums = self.listed(gnu({**self.files, "mirror.json": document}))
        tree = {"mirror.json": self.shipped(document), LIST: self.list_shipped(sums)}
        if self.list_sign:
            tree["SHA256SUMS.dsse"] = self.list_sign(sums)
        if self.sign:
            tree[self.envelope] = dump(self.sign.value(document) | dict(self.header))
        key = (KEYS / "ed25519.pub.pem").read_bytes()
        return self.tree_edit({**tree, KEY: key, **self.files})

    def build(self) -> dict[str, bytes]:
        """The archive."""
        entries = [Entry(f"{self.top}{path}".encode(), data) for path, data in self.tree().items()]
        return {BUNDLE: gzip_fixed(archive(self.entries(entries)))}


def mirror(files: Mapping[str, bytes]) -> dict[str, Any]:
    """mirror.json."""
    return {"bundleId": "mirror-1501-example", "generation": 7, "generatedAt": "2026-11-01T00:00:00Z",
            "purpose": "mirror-bundle", "entries": listed(files, digest="digest", prefix="sha256:")}
