"""Sigstore bundles signed with example keys, by themselves or with a certificate, the log that has them, and the trusted root
that names log and authority.

What the log signs is real: a Merkle tree of four leaves, a checkpoint over it, and a signed entry timestamp.
"""

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .dsse import base64_standard, pae
from .signing import ECDSA_P256, ED25519_SECOND, KEYS, Signer, pem_der
from .x509 import Authority

BUNDLE_0_1 = "application/vnd.dev.sigstore.bundle+json;version=0.1"
BUNDLE_0_3 = "application/vnd.dev.sigstore.bundle.v0.3+json"
IN_TOTO = "application/vnd.in-toto+json"
ORIGIN = "log.portcullis.example"
SIGNED_AT = 1704067200  # 2024-01-01T00:00:00Z: before any clock that may run these cases
Change = Callable[[dict[str, Any]], Any]


def compact(value: Any) -> bytes:
    """JSON as logs sign it (RFC 8785, for the values that occur here)."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def spki(signer: Signer) -> bytes:
    """The public key of a signer in DER."""
    return pem_der(f"{signer.name}.pub.pem")


# --- the log ------------------------------------------------------------------------------------------------------

def leaf(data: bytes) -> bytes:
    """RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Log:
    """A log of four entries, of which the third is ours."""

    signer: Signer = ED25519_SECOND

    @property
    def id(self) -> bytes:
        """SHA-256 of the key."""
        return hashlib.sha256(spki(self.signer)).digest()

    def proof(self, body: bytes) -> dict[str, Any]:
        """The inclusion proof of an entry, with a signed checkpoint."""
        others = [leaf(b"entry %d" % number) for number in (0, 1, 3)]
        path = [others[2], node(others[0], others[1])]
        root = node(path[1], node(leaf(body), path[0]))
        text = f"{ORIGIN}\n4\n{base64_standard(root)}\n"
        line = base64_standard(self.id[:4] + self.signer.sign(text.encode()))
        return {"logIndex": "2", "rootHash": base64_standard(root), "treeSize": "4",
                "hashes": [base64_standard(hash_) for hash_ in path],
                "checkpoint": {"envelope": f"{text}\n\u2014 {ORIGIN} {line}\n"}}

    def entry(self, kind: str, body: bytes) -> dict[str, Any]:
        """An entry as bundles carry it."""
        promise = {"body": base64_standard(body), "integratedTime": SIGNED_AT, "logID": self.id.hex(), "logIndex": 1002}
        return {"logIndex": "1002", "logId": {"keyId": base64_standard(self.id)},
                "kindVersion": {"kind": kind, "version": "0.0.1"}, "integratedTime": str(SIGNED_AT),
                "inclusionPromise": {"signedEntryTimestamp": base64_standard(self.signer.sign(compact(promise)))},
                "inclusionProof": self.proof(body), "canonicalizedBody": base64_standard(body)}

    def root(self, authority: Authority | None = None, stamps: bool = True) -> bytes:
        """The trusted root that names this log, and an authority with its log of certificates."""
        term = {"start": "2023-01-01T00:00:00Z"}
        log = {"baseUrl": f"https://{ORIGIN}", "hashAlgorithm": "SHA2_256",
               "publicKey": {"rawBytes": base64_standard(spki(self.signer)), "keyDetails": "PKIX_ED25519", "validFor": term},
               "logId": {"keyId": base64_standard(self.id)}}
        media_type = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
        authorities = [{"subject": {"organization": "example", "commonName": authority.title}, "uri": f"https://{ORIGIN}",
                        "certChain": {"certificates": [{"rawBytes": base64_standard(authority.root())}]},
                        "validFor": term}] if authority else []
        certificates = [{"baseUrl": f"https://{ORIGIN}", "hashAlgorithm": "SHA2_256",
                         "publicKey": {"rawBytes": base64_standard(spki(authority.log)), "validFor": term,
                                       "keyDetails": "PKIX_ECDSA_P256_SHA_256"},
                         "logId": {"keyId": base64_standard(authority.log_id)}}] if authority and stamps else []
        return json.dumps({"mediaType": media_type, "tlogs": [log], "certificateAuthorities": authorities,
                           "ctlogs": certificates, "timestampAuthorities": []}, indent=2).encode() + b"\n"


LOG = Log()


# --- bundles ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Sigstore:
    """A recipe for one bundle. `payload` makes the statement of an envelope from the artifact; `change` comes last."""

    signer: Signer = ECDSA_P256
    certificate: bytes | None = None
    log: Log = LOG
    media_type: str = BUNDLE_0_3
    payload: Callable[[bytes], bytes] | None = None
    payload_type: str = IN_TOTO
    change: Change | None = None

    def but(self, **changes: Any) -> "Sigstore":
        """The same with other parts."""
        return replace(self, **changes)

    def verifier(self) -> str:
        """Key or certificate as the log writes it: a PEM file in base64."""
        if self.certificate:
            text = base64.encodebytes(self.certificate).decode()
            return base64_standard(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n".encode())
        return base64_standard((KEYS / f"{self.signer.name}.pub.pem").read_bytes())

    def message(self, artifact: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """A signature over the artifact, and the log entry about it."""
        signature, digest = base64_standard(self.signer.sign(artifact)), hashlib.sha256(artifact)
        body = {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
            "signature": {"content": signature, "publicKey": {"content": self.verifier()}}}}
        return {"messageSignature": {"signature": signature}}, self.log.entry("hashedrekord", compact(body))

    def envelope(self, payload: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """An envelope, and the log entry about it."""
        signature = base64_standard(self.signer.sign(pae(self.payload_type, payload)))
        value = {"payload": base64_standard(payload), "payloadType": self.payload_type, "signatures": [{"sig": signature}]}
        body = {"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(compact(value)).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": signature, "verifier": self.verifier()}]}}
        return {"dsseEnvelope": value}, self.log.entry("dsse", compact(body))

    def __call__(self, artifact: bytes) -> bytes:
        """The bundle over an artifact."""
        content, entry = self.envelope(self.payload(artifact)) if self.payload else self.message(artifact)
        if self.certificate:
            who = {"certificate": {"rawBytes": base64_standard(self.certificate)}}
        else:
            who = {"publicKey": {"hint": base64_standard(hashlib.sha256(spki(self.signer)).digest())}}
        bundle = {"mediaType": self.media_type, "verificationMaterial": {**who, "tlogEntries": [entry]}, **content}
        if self.change:
            self.change(bundle)
        return json.dumps(bundle, indent=2, ensure_ascii=False).encode() + b"\n"


def statement(algorithm: str = "sha256") -> Callable[[bytes], bytes]:
    """An in-toto statement about the artifact, which names it by one digest."""
    def render(artifact: bytes) -> bytes:
        subject = {"name": "artifact", "digest": {algorithm: hashlib.new(algorithm, artifact).hexdigest()}}
        return compact({"_type": "https://in-toto.io/Statement/v1", "subject": [subject],
                        "predicateType": "https://example.com/release/v1", "predicate": {"release": "1.4.0"}})
    return render


# --- changes ------------------------------------------------------------------------------------------------------

def entry_of(bundle: dict[str, Any]) -> dict[str, Any]:
    """The log entry."""
    return bundle["verificationMaterial"]["tlogEntries"][0]


def flip(text: str) -> str:
    """Base64 with one bit of the last byte flipped."""
    data = bytearray(base64.b64decode(text))
    data[-1] ^= 1
    return base64_standard(bytes(data))


def moved(bundle: dict[str, Any]) -> None:
    """The entry says that it came in a minute later."""
    entry_of(bundle)["integratedTime"] = str(SIGNED_AT + 60)


def promise_flipped(bundle: dict[str, Any]) -> None:
    """One bit of the signed entry timestamp is flipped."""
    promise = entry_of(bundle)["inclusionPromise"]
    promise["signedEntryTimestamp"] = flip(promise["signedEntryTimestamp"])


def proof_flipped(bundle: dict[str, Any]) -> None:
    """One bit of a hash of the inclusion proof is flipped."""
    hashes = entry_of(bundle)["inclusionProof"]["hashes"]
    hashes[0] = flip(hashes[0])


def timestamp_of_nothing(bundle: dict[str, Any]) -> None:
    """A timestamp that no authority made."""
    token = {"rfc3161Timestamps": [{"signedTimestamp": base64_standard(b"0\x03\x02\x01\x00")}]}
    bundle["verificationMaterial"]["timestampVerificationData"] = token


def without_promise(bundle: dict[str, Any]) -> None:
    """The promise of the log is gone, and with it the word of anybody on the time."""
    del entry_of(bundle)["inclusionPromise"]


def without_proof(bundle: dict[str, Any]) -> None:
    """The inclusion proof is gone."""
    del entry_of(bundle)["inclusionProof"]


def without_entry(bundle: dict[str, Any]) -> None:
    """The log entry is gone."""
    bundle["verificationMaterial"]["tlogEntries"] = []


def many_entries(bundle: dict[str, Any]) -> None:
    """The log entry stands there 33 times."""
    entry = entry_of(bundle)
    bundle["verificationMaterial"]["tlogEntries"] = [copy.deepcopy(entry) for _ in range(33)]


def signature_flipped(bundle: dict[str, Any]) -> None:
    """One bit of the signature is flipped."""
    message = bundle["messageSignature"]
    message["signature"] = flip(message["signature"])


def entry_from(other: bytes) -> Change:
    """The log entry of another bundle."""
    def change(bundle: dict[str, Any]) -> None:
        bundle["verificationMaterial"]["tlogEntries"] = json.loads(other)["verificationMaterial"]["tlogEntries"]
    return change
