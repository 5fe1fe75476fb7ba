"""mirror:full bundles whose data is encrypted."""

from collections.abc import Callable, Iterator
from typing import Any

from .. import age
from ..case import NOT_VERIFIED, Case
from ..compress import zstd_stored
from ..devportal import altered, flipped, plus, setting
from ..dsse import base64_standard
from ..mirror import DATA, TOP, Mirror, member
from ..sealing import DEK, Sealing, encrypted
from .mirror_full import CONSENSUS, OTHER, SNAPSHOT, case, stating

MINE = ("--identity", "{keys}/age.identity.txt")
STRANGER = ("--identity", "{keys}/age-stranger.identity.txt")
SEALED = Sealing()
PLAIN = encrypted()                            # digests over the plain text
CIPHER = encrypted(cipher_digests=True)        # digests over what lies in the bundle
RUN = "run-20261101-01"
OPENED = {TOP + SNAPSHOT: "pinned", TOP + CONSENSUS: "pinned", TOP + "indexes/vex.index.json": "pinned"}
SHUT = {TOP + SNAPSHOT: "listed", TOP + CONSENSUS: "listed", TOP + "indexes/vex.index.json": "pinned"}
Store = Callable[[dict[str, bytes]], dict[str, bytes]]


def opened(name: str, title: str, bundle: Mirror, *failing: str, options: tuple[str, ...] = MINE, **rest) -> Case:
    """One encrypted bundle, with the identity that opens it."""
    return case(name, title, bundle, *failing, options=options, **rest)


def good() -> Iterator[Case]:
    """What opens, in each form."""
    yield opened("good-encrypted-plain-digests", "Encrypted; the digests are those of the plain text", PLAIN,
                 standings=OPENED)
    yield opened("good-encrypted-cipher-digests", "Encrypted; the digests are those of the encrypted files", CIPHER,
                 standings=OPENED)
    beside = SEALED.but(beside=True)
    yield opened("good-encrypted-nonce-beside", "Encrypted; each nonce lies beside its file and is listed",
                 encrypted(beside, cipher_digests=True), standings=OPENED)
    yield opened("good-encrypted-nonce-unlisted", "Encrypted; the nonces beside the files are in no list, and each tag "
                 "vouches for its nonce", encrypted(beside), standings=OPENED)
    yield opened("good-encrypted-two-recipients", "Encrypted for two recipients and a KMS key",
                 encrypted(SEALED.but(recipients=(age.recipient(), age.recipient("age-stranger")), kms=True)))
    yield opened("good-encrypted-run-id", "Encrypted under the runId, which is not the exportId",
                 encrypted(SEALED.but(run=RUN)).but(edit=setting("runId", to=RUN)))
    yield opened("good-encrypted-in-predicate", "The encryption is described in the predicate of provenance.json",
                 PLAIN.but(provenance_edit=in_predicate))
    yield opened("good-identity-for-nothing", "An identity is given for a bundle that is not encrypted", Mirror())


def in_predicate(provenance: dict[str, Any]) -> None:
    """`predicate.environment.encryption`."""
    SEALED.record(provenance["predicate"])


def unproven() -> Iterator[Case]:
    """What stays shut."""
    rest = {"options": (), "outcome": NOT_VERIFIED, "standings": SHUT}
    yield opened("unproven-encrypted-no-identity", "Encrypted, and no identity is given", PLAIN, **rest)
    yield opened("unproven-encrypted-cipher-digests-no-identity", "Encrypted, with digests of the encrypted files, and "
                 "no identity is given", CIPHER, **rest)
    yield opened("unproven-encrypted-kms", "Encrypted, and only a KMS can unwrap the key",
                 encrypted(SEALED.but(recipients=(), kms=True)), **rest | {"options": MINE})


def keys() -> Iterator[Case]:
    """The data encryption key cannot be had."""
    failing = "encryption-key"
    yield opened("encrypted-wrong-identity", "The identity given is a stranger's", PLAIN, failing, options=STRANGER)
    yield opened("encrypted-wrapped-key-garbage", "The wrapped key is no age file",
                 with_key(base64_standard(b"the key is under the mat")), failing)
    yield opened("encrypted-wrapped-key-not-base64", "The wrapped key is not base64", with_key("***"), failing)
    yield opened("encrypted-wrapped-key-altered", "One bit of the wrapped key is flipped in the sealed part",
                 with_key(base64_standard(last_flipped(age.wrap([age.recipient()], DEK)))), failing)
    yield opened("encrypted-key-too-short", "The wrapped key has 16 bytes", encrypted(SEALED.but(key=DEK[:16])),
                 failing)


def with_key(wrapped: str) -> Mirror:
    """The bundle with another text for the wrapped key."""
    def edit(provenance: dict[str, Any]) -> None:
        """Describe the encryption, then replace the key."""
        SEALED.record(provenance)
        provenance["environment"]["encryption"]["recipients"][0]["wrappedKey"] = wrapped
    return PLAIN.but(provenance_edit=edit)


def last_flipped(data: bytes) -> bytes:
    """The last bit, that of a tag, is flipped."""
    return data[:-1] + bytes([data[-1] ^ 1])


def files() -> Iterator[Case]:
    """Files that do not open. They are listed as they lie there, unless the title says so."""
    snapshot, consensus = ({"subject": TOP + path} for path in (SNAPSHOT, CONSENSUS))
    failing = "encryption-open"
    first, other = CONSENSUS, SNAPSHOT
    yield opened("encrypted-tag-flipped", "One bit of the tag of a file is flipped",
                 stored(lambda files: {other: last_flipped(files[other])}), failing, **snapshot)
    yield opened("encrypted-nonce-swapped", "A file has the nonce of another",
                 stored(lambda files: {first: files[other][:12] + files[first][12:]}), failing, **consensus)
    yield opened("encrypted-nonce-beside-swapped", "The nonce beside a file is that of another",
                 stored(lambda files: {f"{first}.nonce": files[f"{other}.nonce"]}, SEALED.but(beside=True)), failing,
                 **consensus)
    yield opened("encrypted-nonce-short", "The nonce beside a file has 11 bytes",
                 stored(lambda files: {first + ".nonce": files[first + ".nonce"][:11]}, SEALED.but(beside=True)),
                 failing, **consensus)
    yield opened("encrypted-nonce-unused", "The nonces are prefixes, and beside a file lies a document named as one",
                 PLAIN.but(entries=plus(member(TOP + first + ".nonce", b"anything else"))), "entry-unlisted",
                 subject=TOP + first + ".nonce")
    yield opened("encrypted-file-moved", "Two encrypted files lie in each other's place",
                 stored(lambda files: {first: files[other], other: files[first]}), failing, **snapshot)
    yield opened("encrypted-for-other-run", "All files were encrypted for another run",
                 encrypted(SEALED.but(run="exp-20261031-07"), cipher_digests=True), failing)
    yield opened("encrypted-too-short", "An encrypted file is shorter than nonce and tag",
                 stored(lambda files: {other: files[other][:27]}), failing, **snapshot)
    yield opened("encrypted-file-in-the-clear", "One file under data/ is not encrypted",
                 stored(lambda _: {other: DATA[other]}), failing, **snapshot)
    yield opened("encrypted-file-altered", "One bit of an encrypted file is flipped; contents has the digest of its "
                 "plain text", PLAIN.but(entries=altered(TOP + other, flipped)), failing, **snapshot)
    yield opened("encrypted-digest-of-neither", "The digest of a file is neither that of the plain text nor that "
                 "of the encrypted file", PLAIN.but(contents=stating(other, digest=f"sha256:{OTHER}")), "entry-digest",
                 **snapshot)
    two = zstd_stored(b'{"status":"fixed"}\n\n{"status":"affected"}\n')
    yield opened("encrypted-record-count", "A file decrypts to two records where contents states one",
                 PLAIN.but(data=DATA | {first: two}), "record-count", **consensus)


def stored(change: Store, sealing: Sealing = SEALED) -> Mirror:
    """The bundle with some encrypted files replaced before their digests are taken."""
    def store(data: dict[str, bytes]) -> dict[str, bytes]:
        """Encrypt, then replace."""
        files = sealing.store(data)
        return files | change(files)
    return encrypted(sealing, cipher_digests=True).but(store=store)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, keys, files):
        yield from family()
