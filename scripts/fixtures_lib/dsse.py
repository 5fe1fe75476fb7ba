"""DSSE envelopes and the signature documents that devportal and Evidence Locker bundles carry."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .signing import Signer

Encode = Callable[[bytes], str]


def base64_standard(data: bytes) -> str:
    """The usual alphabet, padded."""
    return base64.b64encode(data).decode()


def base64_url(data: bytes) -> str:
    """The URL-safe alphabet, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def pae(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs: the pre-authentication encoding."""
    type_ = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(type_), type_, len(payload), payload)


def raw_payload(_: str, payload: bytes) -> bytes:
    """What some papers sign instead: the payload itself."""
    return payload


def base64url_payload(_: str, payload: bytes) -> bytes:
    """What another paper signs instead: the payload in base64url."""
    return base64_url(payload).encode()


def dump(value: Any) -> bytes:
    """JSON as the fixtures write it: two spaces, no line end after it."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Signature:
    """A signature with its key id; `spell` turns the bytes into text."""

    bytes: bytes
    keyid: str | None


@dataclass(frozen=True)
class Envelope:
    """A recipe for one envelope; `tamper` may change each signature after signing."""

    payload_type: str
    signers: tuple[Signer, ...]
    signing_input: Callable[[str, bytes], bytes] = pae
    encode: Encode = base64_standard
    tamper: Callable[[Signature], Signature] = lambda signature: signature

    def signatures(self, payload: bytes) -> list[Signature]:
        """One signature a signer."""
        message = self.signing_input(self.payload_type, payload)
        return [self.tamper(Signature(signer.sign(message), signer.keyid)) for signer in self.signers]

    def value(self, payload: bytes) -> dict[str, Any]:
        """The envelope as the DSSE specification spells it."""
        signatures = [
            ({} if signature.keyid is None else {"keyid": signature.keyid}) | {"sig": self.encode(signature.bytes)}
            for signature in self.signatures(payload)
        ]
        return {"payload": self.encode(payload), "payloadType": self.payload_type, "signatures": signatures}

    def nested_value(self, payload: bytes) -> dict[str, Any]:
        """The envelope as a signature document holds it: `signature` and `keyId`."""
        signatures = [{"signature": self.encode(signature.bytes), "keyId": signature.keyid}
                      for signature in self.signatures(payload)]
        return {"payloadType": self.payload_type, "payload": self.encode(payload), "signatures": signatures}

    def __call__(self, payload: bytes) -> bytes:
        """The envelope as a file."""
        return dump(self.value(payload))

    def but(self, **changes: Any) -> "Envelope":
        """The same recipe with changes."""
        return replace(self, **changes)
