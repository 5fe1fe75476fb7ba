"""TUF metadata of one version, as the thin mirror carries it: Ed25519, canonical JSON, names for key ids."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .devportal import Bytes, Edit, sha256
from .signing import ED25519, Ed25519, pem_der

KEYID = "mirror-ed25519-test-1"
EXPIRES = "2027-11-01T00:00:00Z"
ROLES = ("root", "targets", "snapshot", "timestamp")


def canonical(value: Any) -> bytes:
    """OLPC canonical JSON, of values without control characters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pretty(value: Any) -> bytes:
    """Sorted keys, two spaces, a line end."""
    return json.dumps(value, sort_keys=True, indent=2).encode() + b"\n"


def key_object(signer: Ed25519) -> dict[str, Any]:
    """The public half as root metadata has it: the last 32 bytes of its SPKI in hex."""
    public = pem_der(f"{signer.name}.pub.pem")[-32:].hex()
    return {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}}


def signed(value: dict[str, Any], *signers: Ed25519) -> bytes:
    """The document around a role's metadata; each signature bears its signer's key id."""
    message = canonical(value)
    return pretty({"signed": value, "signatures": [
        {"keyid": signer.keyid, "sig": signer.sign(message).hex()} for signer in signers]})


def pin(data: bytes) -> dict[str, Any]:
    """What one document says of the file of another."""
    return {"version": json.loads(data)["signed"]["version"], "length": len(data),
            "hashes": {"sha256": sha256(data)}}


OWNER = Ed25519(ED25519.name, KEYID)


@dataclass(frozen=True)
class Repository:
    """How to make the four documents. Each hook changes what one stage hands to the next."""

    owner: Ed25519 = OWNER                                          # the key of all roles
    signers: Mapping[str, tuple[Ed25519, ...]] = field(default_factory=dict)  # where another signs a role
    edits: Mapping[str, Edit] = field(default_factory=dict)         # a role's metadata before it is signed
    shipped: Mapping[str, Bytes] = field(default_factory=dict)      # a document, after the others have pinned it
    left_out: tuple[str, ...] = ()

    def but(self, **changes: Any) -> "Repository":
        """The same with other hooks."""
        return replace(self, **changes)

    def role(self, name: str, **rest: Any) -> bytes:
        """One document."""
        value = {"_type": name, "spec_version": "1.0.31", "version": 1, "expires": EXPIRES} | rest
        self.edits.get(name, lambda _: None)(value)
        return signed(value, *self.signers.get(name, (self.owner,)))

    def root(self) -> bytes:
        """root.json."""
        roles = {name: {"keyids": [self.owner.keyid], "threshold": 1} for name in ROLES}
        return self.role("root", consistent_snapshot=False, keys={self.owner.keyid: key_object(self.owner)},
                         roles=roles)

    def documents(self, targets: Mapping[str, bytes]) -> dict[str, bytes]:
        """All four by file name, for these target files."""
        listed = {name: {"length": len(data), "hashes": {"sha256": sha256(data)}} for name, data in targets.items()}
        files = {"root": self.root(), "targets": self.role("targets", targets=listed)}
        files["snapshot"] = self.role("snapshot", meta={"targets.json": pin(files["targets"])})
        files["timestamp"] = self.role("timestamp", meta={"snapshot.json": pin(files["snapshot"])})
        shipped = {name: self.shipped.get(name, lambda data: data)(data) for name, data in files.items()}
        return {f"{name}.json": data for name, data in shipped.items() if name not in self.left_out}
