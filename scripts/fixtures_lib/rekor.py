"""A transparency log, its signed checkpoints, and receipts for entries in it, in each form that is read."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .dsse import base64_standard, pae
from .signing import ED25519_SECOND, KEYS, Ed25519, Signer
from .sigstore import compact, leaf, node, spki

ORIGIN = "rekor.portcullis.example"
TREE_ID = "1f3a5c7e9b0d2468"
Value = dict[str, Any]
Change = Callable[[Value], Any]


def tree(leaves: list[bytes]) -> bytes:
    """The root over leaf hashes (RFC 6962, section 2.1)."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(tree(leaves[:split]), tree(leaves[split:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """The inclusion proof of a leaf, from the bottom up (RFC 6962, section 2.1.1)."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*path(index, leaves[:split]), tree(leaves[split:])]
    return [*path(index - split, leaves[split:]), tree(leaves[:split])]


@dataclass(frozen=True)
class Log:
    """A log of seven entries, of which the fifth is ours. `sign` makes the signature, `line` the name on its line."""

    signer: Signer = ED25519_SECOND
    origin: str = ORIGIN
    name: str | None = None
    named_hash: bool = True  # the key's hash is over name and key, as C2SP has it, or over the key alone, as Rekor 1 has it
    sign: Callable[[Signer, bytes], bytes] = lambda signer, text: signer.sign(text)
    size: int = 7
    index: int = 4

    def but(self, **changes: Any) -> "Log":
        """The same log with other parts."""
        return replace(self, **changes)

    def leaves(self, entry: bytes) -> list[bytes]:
        """All leaf hashes."""
        all_ = [leaf(b"entry %d" % number) for number in range(self.size)]
        all_[self.index] = leaf(entry)
        return all_

    @property
    def key_hash(self) -> bytes:
        """The four bytes in front of a signature."""
        name = self.name or self.origin
        if self.named_hash and isinstance(self.signer, Ed25519):
            return hashlib.sha256(name.encode() + b"\n\x01" + spki(self.signer)[-32:]).digest()[:4]
        return hashlib.sha256(spki(self.signer)).digest()[:4]

    def text(self, entry: bytes) -> str:
        """What the log signs."""
        return f"{self.origin}\n{self.size}\n{base64_standard(tree(self.leaves(entry)))}\n"

    def line(self, text: str) -> str:
        """One signature line."""
        signature = self.sign(self.signer, text.encode())
        return f"\u2014 {self.name or self.origin} {base64_standard(self.key_hash + signature)}\n"

    def checkpoint(self, entry: bytes) -> str:
        """The note."""
        text = self.text(entry)
        return f"{text}\n{self.line(text)}"

    def verifier_key(self) -> bytes:
        """The key as one line (C2SP signed-note)."""
        key = b"\x01" + spki(self.signer)[-32:]
        return f"{self.name or self.origin}+{self.key_hash.hex()}+{base64_standard(key)}\n".encode()


LOG = Log()


def verifier(signer: Signer) -> str:
    """A key as entries have it: the PEM file in base64."""
    return base64_standard((KEYS / f"{signer.name}.pub.pem").read_bytes())


def dsse_entry(envelope: bytes, signers: tuple[Signer, ...]) -> bytes:
    """The entry that Rekor makes of an envelope (dsse 0.0.1)."""
    value = json.loads(envelope)
    payload = bytes_of(value["payload"])
    message = pae(value["payloadType"], payload)
    pairs = [{"signature": base64_standard(signer.sign(message)), "verifier": verifier(signer)} for signer in signers]
    return compact({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": sha256_of(envelope), "payloadHash": sha256_of(payload),
        "signatures": sorted(pairs, key=lambda pair: pair["signature"])}})


def dsse_entry_v2(envelope: bytes, signer: Signer) -> bytes:
    """The same by Rekor version 2 (dsse 0.0.2)."""
    value = json.loads(envelope)
    payload = bytes_of(value["payload"])
    signature = base64_standard(signer.sign(pae(value["payloadType"], payload)))
    digest = {"algorithm": "SHA2_256", "digest": base64_standard(hashlib.sha256(payload).digest())}
    verifier_ = {"keyDetails": "PKIX_ED25519", "publicKey": {"rawBytes": base64_standard(spki(signer))}}
    return compact({"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": {
        "payloadHash": digest, "signatures": [{"content": signature, "verifier": verifier_}]}}})


def intoto_entry(envelope: bytes, signer: Signer) -> bytes:
    """The same under the older kind intoto 0.0.2, which has the base64 text of the signature in base64 once more."""
    value = json.loads(envelope)
    payload = bytes_of(value["payload"])
    signature = base64_standard(signer.sign(pae(value["payloadType"], payload)))
    return compact({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {
        "envelope": {"payloadType": value["payloadType"], "signatures": [
            {"publicKey": verifier(signer), "sig": base64_standard(signature.encode())}]},
        "hash": sha256_of(envelope), "payloadHash": sha256_of(payload)}}})


def file_entry(data: bytes, signer: Signer) -> bytes:
    """The entry that Rekor makes of a detached signature (hashedrekord 0.0.1)."""
    return compact({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": sha256_of(data)},
        "signature": {"content": base64_standard(signer.sign(data)), "publicKey": {"content": verifier(signer)}}}})


def sha256_of(data: bytes) -> Value:
    """A digest as entries have it."""
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def bytes_of(text: str) -> bytes:
    """Base64."""
    import base64
    return base64.b64decode(text)


@dataclass(frozen=True)
class Receipt:
    """A receipt for an entry. `edit` changes its members, `note` the checkpoint, `lines` the entry pack."""

    log: Log = LOG
    form: str = "kit"  # kit, v1, sigstore
    inline: bool = False
    pack: bool = True
    hashed_id: bool = True  # the id is that of Rekor, which ends with the leaf hash
    edit: Change = lambda value: None
    note: Callable[[str], str] = lambda text: text
    lines: Callable[[bytes], bytes] = lambda text: text
    write: Callable[[Value], bytes] = lambda value: json.dumps(value, indent=2).encode() + b"\n"
    checkpoint: str = "tlog/checkpoint.sig"
    name: str = "rekor-receipt.json"
    extra: dict[str, bytes] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Receipt":
        """The same recipe with changes."""
        return replace(self, **changes)

    def value(self, entry: bytes) -> Value:
        """The receipt in its form."""
        log, leaves = self.log, self.log.leaves(entry)
        hashes, root, text = path(log.index, leaves), tree(leaves), self.note(log.checkpoint(entry))
        uuid = TREE_ID + leaf(entry).hex() if self.hashed_id else "entry-4"
        if self.form == "kit":
            return {"uuid": uuid, "logIndex": log.index, "rootHash": root.hex(), "hashes": [hash_.hex() for hash_ in hashes],
                    "checkpoint": text if self.inline else self.checkpoint}
        if self.form == "v1":
            proof = {"checkpoint": text, "hashes": [hash_.hex() for hash_ in hashes], "logIndex": log.index,
                     "rootHash": root.hex(), "treeSize": log.size}
            return {uuid: {"body": base64_standard(entry), "integratedTime": 1760000000, "logID": "00" * 32,
                           "logIndex": 1000 + log.index, "verification": {"inclusionProof": proof}}}
        proof = {"logIndex": str(log.index), "rootHash": base64_standard(root), "treeSize": str(log.size),
                 "hashes": [base64_standard(hash_) for hash_ in hashes], "checkpoint": {"envelope": text}}
        return {"logIndex": str(1000 + log.index), "integratedTime": "1760000000", "inclusionProof": proof,
                "canonicalizedBody": base64_standard(entry)}

    def __call__(self, entry: bytes) -> dict[str, bytes]:
        """The receipt and the files around it."""
        value = self.value(entry)
        self.edit(value)
        files = {self.name: self.write(value)}
        if self.form == "kit" and not self.inline:
            files["tlog/checkpoint.sig"] = self.note(self.log.checkpoint(entry)).encode()
        if self.form == "kit" and self.pack:
            line = {"uuid": TREE_ID + leaf(entry).hex(), "logIndex": self.log.index, "body": base64_standard(entry)}
            if not self.hashed_id:
                del line["uuid"]
            other = {"uuid": TREE_ID + "00" * 32, "logIndex": 0, "body": base64_standard(b"entry 0")}
            files["tlog/entries/000.jsonl"] = self.lines(b"".join(compact(item) + b"\n" for item in (other, line)))
        return files | self.extra
