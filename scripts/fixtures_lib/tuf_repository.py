"""TUF repositories (specification 1.0): documents signed by the example keys, published as files."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from .signing import ED25519, ED25519_SECOND, STRANGER, Ed25519, pem_der

LATEST = "2030-01-01T00:00:00Z"

ROOT, TIMESTAMP, SNAPSHOT, TARGETS = ROLES = ("root", "timestamp", "snapshot", "targets")


def canonical(value) -> bytes:
    """OLPC canonical JSON: sorted keys, no white space, and only quotes and backslashes escaped."""
    if isinstance(value, dict):
        return b"{" + b",".join(canonical(key) + b":" + canonical(value[key]) for key in sorted(value)) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if isinstance(value, str):
        return b'"' + value.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    return json.dumps(value).encode()


def key_object(signer: Ed25519) -> dict:
    """A key as metadata holds it."""
    public = pem_der(f"{signer.name}.pub.pem")[-32:]
    return {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public.hex()}}


def digest_id(signer: Ed25519) -> str:
    """The key id of the specification."""
    return hashlib.sha256(canonical(key_object(signer))).hexdigest()


def friendly_id(signer: Ed25519) -> str:
    """A name for a key id, as StellaOps gives them."""
    return f"mirror-{signer.name}-test-1"


def role(kind: str, version: int = 1, expires: str = LATEST, **rest) -> dict:
    """What every role states."""
    return {"_type": kind, "spec_version": "1.0.31", "version": version, "expires": expires} | rest


def hashes(data: bytes) -> dict:
    """The digests of a file."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "sha512": hashlib.sha512(data).hexdigest()}


def target(data: bytes) -> dict:
    """What a role states of a target."""
    return {"length": len(data), "hashes": hashes(data)}


def stated(version: int, data: bytes) -> dict:
    """What a parent states of a metadata file."""
    return {"version": version, "length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}


def keep(_: dict) -> None:
    """Changes nothing."""


@dataclass(frozen=True)
class Repository:
    """A repository with one target, and what is wrong with it. `change` runs before a document is signed."""

    files: dict[str, bytes]
    consistent: bool = False
    key_id: Callable[[Ed25519], str] = digest_id
    signers: dict[str, tuple[Ed25519, ...]] = field(default_factory=dict)
    change: dict[str, Callable[[dict], None]] = field(default_factory=dict)
    delegated: dict[str, bytes] = field(default_factory=dict)
    rotated: tuple[Ed25519, ...] = ()

    def signer(self, name: str) -> tuple[Ed25519, ...]:
        """Who signs a role: one key for the root, the other for the rest, unless it is said otherwise."""
        return self.signers.get(name, (ED25519,) if name == ROOT else (ED25519_SECOND,))

    def document(self, name: str, signed: dict, signers: tuple[Ed25519, ...] = ()) -> bytes:
        """The signed document."""
        signed = copy.deepcopy(signed)
        self.change.get(name, keep)(signed)
        message = canonical(signed)
        keys = signers or self.signer(name)
        signatures = [{"keyid": self.key_id(key), "sig": key.sign(message).hex()} for key in keys]
        text = json.dumps({"signatures": signatures, "signed": signed}, indent=1, sort_keys=True, ensure_ascii=False)
        return text.encode() + b"\n"

    def root(self, version: int) -> dict:
        """A root that names the keys of all roles."""
        by_id = {self.key_id(key): key_object(key) for key in (ED25519, ED25519_SECOND)}
        roles = {name: {"keyids": [self.key_id(ED25519 if name == ROOT else ED25519_SECOND)], "threshold": 1}
                 for name in ROLES}
        return role(ROOT, version, consistent_snapshot=self.consistent, keys=by_id, roles=roles)

    def metadata(self) -> dict[str, bytes]:
        """All metadata by published name."""
        listed = role(TARGETS, targets={name: target(data) for name, data in self.files.items()})
        published, meta = {}, {}

        def publish(name: str, data: bytes) -> None:
            published[f"1.{name}.json" if self.consistent else f"{name}.json"] = data
            meta[f"{name}.json"] = stated(1, data)

        if self.delegated:
            rule = {"name": "tools", "keyids": [self.key_id(STRANGER)], "threshold": 1, "terminating": True,
                    "paths": ["tools/*"]}
            listed["delegations"] = {"keys": {self.key_id(STRANGER): key_object(STRANGER)}, "roles": [rule]}
            below = role(TARGETS, targets={name: target(data) for name, data in self.delegated.items()})
            publish("tools", self.document("tools", below, self.signers.get("tools", (STRANGER,))))
        publish(TARGETS, self.document(TARGETS, listed))
        snapshot = self.document(SNAPSHOT, role(SNAPSHOT, meta=dict(meta)))
        publish(SNAPSHOT, snapshot)
        published["timestamp.json"] = self.document(
            TIMESTAMP, role(TIMESTAMP, meta={"snapshot.json": stated(1, snapshot)}))
        published["1.root.json"] = self.document(ROOT, self.root(1))
        if self.rotated:
            published["2.root.json"] = self.document("root 2", self.root(2), self.rotated)
        return published

    def tree(self) -> dict[str, bytes]:
        """The trusted root and the two folders."""
        metadata = self.metadata()
        tree = {"root.json": metadata["1.root.json"]} | {f"metadata/{name}": data for name, data in metadata.items()}
        for name, data in (self.files | self.delegated).items():
            folder, _, base = name.rpartition("/")
            base = f"{hashlib.sha256(data).hexdigest()}.{base}" if self.consistent else base
            tree["/".join(filter(None, ("targets", folder, base)))] = data
        return tree
