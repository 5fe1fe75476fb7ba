"""Files of cosign's older format: a signature, who made it, and the word of a log, in one JSON object."""

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .dsse import base64_standard
from .signing import ECDSA_P256, KEYS, Signer
from .sigstore import LOG, Log, Sigstore, compact

Change = Callable[[dict[str, Any]], Any]


def certificate_pem(der: bytes) -> bytes:
    """A certificate in PEM."""
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def key_pem(signer: Signer) -> bytes:
    """The public key of a signer in PEM."""
    return (KEYS / f"{signer.name}.pub.pem").read_bytes()


@dataclass(frozen=True)
class Cosign:
    """A recipe for one file. `named` is what the member `cert` holds, in base64; `change` comes last."""

    signer: Signer = ECDSA_P256
    certificate: bytes | None = None
    log: Log = LOG
    named: bytes | None = None
    payload: Callable[[bytes], bytes] | None = None
    kind: str = "hashedrekord"
    change: Change | None = None

    def but(self, **changes: Any) -> "Cosign":
        """The same with other parts."""
        return replace(self, **changes)

    def value(self, artifact: bytes) -> dict[str, Any]:
        """The file as a value."""
        recipe = Sigstore(signer=self.signer, certificate=self.certificate, log=self.log, payload=self.payload)
        content, entry = recipe.envelope(self.payload(artifact)) if self.payload else recipe.message(artifact)
        if self.kind != "hashedrekord":
            body = json.loads(base64.b64decode(entry["canonicalizedBody"])) | {"kind": self.kind}
            entry = self.log.entry(self.kind, compact(body))
        signature = base64_standard(compact(content["dsseEnvelope"])) if self.payload else content["messageSignature"]["signature"]
        named = self.named or (certificate_pem(self.certificate) if self.certificate else None)
        return {"base64Signature": signature} | ({"cert": base64_standard(named)} if named else {}) | {"rekorBundle": {
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {"body": entry["canonicalizedBody"], "integratedTime": int(entry["integratedTime"]),
                        "logIndex": int(entry["logIndex"]), "logID": self.log.id.hex()}}}

    def __call__(self, artifact: bytes) -> bytes:
        """The file over an artifact."""
        value = copy.deepcopy(self.value(artifact))
        if self.change:
            self.change(value)
        return json.dumps(value).encode()


def payload_of(file: dict[str, Any]) -> dict[str, Any]:
    """What the log signed."""
    return file["rekorBundle"]["Payload"]


def setting(member: str, value: Any) -> Change:
    """A member of what the log signed has another value."""
    def change(file: dict[str, Any]) -> None:
        payload_of(file)[member] = value(payload_of(file)[member]) if callable(value) else value
    return change


def taking(member: str, other: dict[str, Any]) -> Change:
    """A member is that of another file."""
    def change(file: dict[str, Any]) -> None:
        file[member] = other[member]
    return change


def without(member: str) -> Change:
    """A member is gone."""
    def change(file: dict[str, Any]) -> None:
        del file[member]
    return change
