"""JSON Web Signatures in compact form, attached or detached, with the payload encoded or not (RFC 7515, RFC 7797)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .dsse import base64_url
from .signing import ED25519, Ecdsa, Signer


@dataclass(frozen=True)
class Jws:
    """A recipe for one signature over a file. `header` overrides and adds members."""

    signer: Signer = ED25519
    alg: str = "EdDSA"
    encoded: bool = False               # whether the payload is encoded before it is signed
    attached: bool = False
    header: Mapping[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Jws":
        """The same recipe with changes."""
        return replace(self, **changes)

    def __call__(self, payload: bytes) -> bytes:
        """The text, with a line feed."""
        extension = {} if self.encoded else {"b64": False, "crit": ["b64"]}
        header = {"alg": self.alg, "kid": self.signer.keyid, **extension, **self.header}
        protected = base64_url(json.dumps(header, separators=(",", ":")).encode())
        body = base64_url(payload) if self.encoded else payload
        signature = self.signature(protected.encode() + b"." + (body.encode() if self.encoded else body))
        middle = base64_url(payload) if self.attached else ""
        return f"{protected}.{middle}.{base64_url(signature)}\n".encode()

    def signature(self, message: bytes) -> bytes:
        """As JOSE has it: ECDSA as r and s of fixed length."""
        if isinstance(self.signer, Ecdsa):
            size = self.signer.curve.size
            return b"".join(number.to_bytes(size, "big") for number in self.signer.numbers(message))
        return self.signer.sign(message)
