"""Revocation lists: the document, its digest and its detached signature."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .jws import Jws
from .signing import ECDSA_P256

FILE = "revocation-bundle.json"
ISSUER = "https://auth.example"
ES256 = Jws(signer=ECDSA_P256, alg="ES256")

Document = dict[str, Any]
Tree = dict[str, bytes]


def client(id_: str, **more: Any) -> Document:
    """Everything that was issued to a client."""
    return {"category": "client", "clientId": id_, "id": id_, "reason": "rotation",
            "revokedAt": "2026-10-11T00:00:00Z"} | more


def key(id_: str, **more: Any) -> Document:
    """A signing key."""
    return {"category": "key", "id": id_, "reason": "compromised", "revokedAt": "2026-10-12T00:00:00Z"} | more


def subject(id_: str, **more: Any) -> Document:
    """Everything that was issued for a subject."""
    return {"category": "subject", "id": id_, "reason": "lifecycle", "revokedAt": "2026-10-13T00:00:00Z",
            "subjectId": id_} | more


def token(id_: str, **more: Any) -> Document:
    """One token."""
    return {"category": "token", "clientId": "ci", "id": id_, "reason": "policy",
            "revokedAt": "2026-10-14T00:00:00Z", "scopes": ["read", "write"], "tokenType": "refresh"} | more


LIST: Document = {
    "bundleId": "6f9d08bfa0c24a0a",
    "expiresAt": "2026-12-01T00:00:00Z",
    "issuedAt": "2026-11-01T00:00:00Z",
    "issuer": ISSUER,
    "metadata": {"attempt": 1, "note": "weekly"},
    "revocations": [client("ci"), key("auth-2025"), subject("user-7"), token("t-1")],
    "schemaVersion": "1.0.0",
    "sequence": 7,
    "signingKeyId": ECDSA_P256.keyid,
    "validFrom": "2026-11-01T00:00:00Z",
}


def canonical(value: Document) -> bytes:
    """As the documents say: members in order, two spaces."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode()


def compact(value: Document) -> bytes:
    """On one line, as the example in the documents."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def unsorted(value: Document) -> bytes:
    """Members in another order."""
    return json.dumps(dict(reversed(sorted(value.items()))), indent=2).encode()


def bare_digest(data: bytes) -> bytes:
    """Hex digits alone, as the documents say."""
    return hashlib.sha256(data).hexdigest().encode() + b"\n"


def same(value: Any) -> Any:
    """No change."""
    return value


@dataclass(frozen=True)
class Revocation:
    """A recipe. `change` edits the document before, `spoil` its bytes after signing."""

    change: Callable[[Document], Any] = same
    emit: Callable[[Document], bytes] = canonical
    edit: Callable[[bytes], bytes] = same
    sign: Callable[[bytes], bytes] | None = ES256
    digest: Callable[[bytes], bytes] | None = bare_digest
    spoil: Callable[[bytes], bytes] = same
    beside: dict[str, bytes] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Revocation":
        """The same recipe with changes."""
        return replace(self, **changes)

    def data(self) -> bytes:
        """The document as it was signed."""
        value = copy.deepcopy(LIST)
        self.change(value)
        return self.edit(self.emit(value))

    def tree(self) -> Tree:
        """The files."""
        data = self.data()
        tree = {FILE: self.spoil(data)} | self.beside
        if self.sign:
            tree[f"{FILE}.jws"] = self.sign(data)
        if self.digest:
            tree[f"{FILE}.sha256"] = self.digest(tree[FILE])
        return tree


def state(data: bytes, **changes: Any) -> bytes:
    """What the program remembers of the list in `data`."""
    value = json.loads(data)
    form = {"schema": "portcullis.revocation-state/v1", "issuer": value["issuer"], "bundleId": value["bundleId"],
            "sequence": value["sequence"], "issuedAt": value["issuedAt"], "sha256": hashlib.sha256(data).hexdigest()}
    return json.dumps(form | changes, indent=2).encode() + b"\n"
