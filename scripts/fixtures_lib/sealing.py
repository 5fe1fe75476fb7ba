"""Encrypted mirror bundles: AES-256-GCM for each file under data/, the key wrapped for age recipients."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import age
from .aead import gcm_seal
from .dsse import base64_standard
from .mirror import EXPORT_ID, Mirror

DEK = hashlib.sha256(b"data encryption key of the example mirror").digest()
KMS = {"kmsKeyId": "alias/export/envelope", "wrappedKey": base64_standard(b"only the service can unwrap this"),
       "algorithm": "AES_256"}


@dataclass(frozen=True)
class Sealing:
    """How the files under data/ are encrypted, and what provenance.json says of it."""

    run: str = EXPORT_ID
    beside: bool = False                 # whether the nonce lies beside the file, not in front of the ciphertext
    key: bytes = DEK                     # what is wrapped, and encrypts
    recipients: tuple[str, ...] = (age.recipient(),)
    kms: bool = False

    def but(self, **changes: Any) -> "Sealing":
        """The same with changes."""
        return replace(self, **changes)

    def nonce(self, path: str) -> bytes:
        """Twelve bytes, another for each file."""
        return hashlib.sha256(b"nonce of the example mirror" + path.encode()).digest()[:12]

    def sealed(self, path: str, plain: bytes) -> dict[str, bytes]:
        """What lies in the bundle for one file."""
        nonce = self.nonce(path)
        cipher = gcm_seal((self.key + DEK)[:32], nonce, plain, f"{self.run}:{path}".encode())
        return {path: cipher, f"{path}.nonce": nonce} if self.beside else {path: nonce + cipher}

    def store(self, data: Mapping[str, bytes]) -> dict[str, bytes]:
        """What lies in the bundle for all files."""
        return {name: part for path, plain in data.items() for name, part in self.sealed(path, plain).items()}

    def encryption(self) -> dict[str, Any]:
        """`environment.encryption` of provenance.json."""
        wrapped = [{"recipient": name, "wrappedKey": base64_standard(age.wrap([name], self.key))}
                   for name in sorted(self.recipients)]
        return {"mode": "age" if wrapped else "aes-gcm+kms", "aadFormat": "{runId}:{relativePath}",
                "nonceFormat": "sidecar" if self.beside else "prefix",
                "recipients": wrapped + ([KMS] if self.kms else [])}

    def record(self, provenance: dict[str, Any]) -> None:
        """Say so in provenance.json."""
        provenance["environment"] = {"encryption": self.encryption()}


def encrypted(sealing: Sealing = Sealing(), cipher_digests: bool = False) -> Mirror:
    """A mirror bundle whose `contents` states digests over the plain text, or over what lies in the bundle."""
    base = Mirror(store=sealing.store, provenance_edit=sealing.record)
    return base if cipher_digests else base.but(vouched=lambda plain, _: plain)
