"""Artifacts and archives with files of cosign's older format (`sign-blob --bundle`)."""

import base64
import json
from collections.abc import Iterator

from ..case import NOT_VERIFIED, Case, key, verify
from ..cosign import Cosign, certificate_pem, key_pem, payload_of, setting, taking, without
from ..plain import BUNDLE
from ..signing import ECDSA_P256, ECDSA_P384, ED25519, STRANGER, Signer
from ..sigstore import LOG, SIGNED_AT, Log, flip, statement
from .sigstore import (ARTIFACT, AUTHORITY, FILE, IDENTITY, ISSUER, LOGGED, NAME, NAMED, P256, PINNED, PLAIN, ROOT, TERM, TRUST, case,
                       certified, digest, leaf)

GOOD = Cosign()
ANOTHER = GOOD.value(b"another")
BUNDLE_ROW, SIGNATURE, INCLUSION, PROMISE = (f"sigstore-{part}" for part in ("bundle", "signature", "inclusion", "set"))


def one(name: str, title: str, recipe: Cosign, *failing: str, text: bytes | None = None, **rest) -> Case:
    """One artifact; its name says that the file is of the older format."""
    prefix, _, stem = name.partition("-") if name.startswith(("good-", "unproven-")) else ("", "", name)
    full = f"{prefix}-cosign-{stem}" if prefix else f"cosign-{stem}"
    make = certified if recipe.certificate else case
    return make(full, title, None, *failing, text=text or recipe(ARTIFACT), **rest)


def good() -> Iterator[Case]:
    """Files that verify."""
    pinned = {FILE: "pinned"}
    for signer in (ECDSA_P256, ECDSA_P384, ED25519):
        yield one(f"good-{signer.name}", f"Signed with {signer.name}, and promised by the log", GOOD.but(signer=signer),
                  trust=key(signer.name), standings=pinned)
    yield one("good-digest", "The artifact is known by its digest", GOOD, subject=digest())
    yield one("good-key-named", "The file brings the key along, and it is the trusted one", GOOD.but(named=key_pem(ECDSA_P256)))
    certificate = GOOD.but(certificate=leaf())
    yield one("good-certificate", "Signed with a certificate of the identity that is named", certificate, standings=pinned)
    pem = certificate.but(change=lambda file: file.update(cert=certificate_pem(leaf()).decode()))
    yield one("good-certificate-pem", "The certificate stands there in PEM, not in base64 once more", pem)
    yield one("good-attestation", "The file holds an envelope with a statement about the artifact",
              GOOD.but(payload=statement()), standings=pinned)
    yield one("good-attestation-certificate", "The statement is signed with a certificate",
              certificate.but(payload=statement()))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and something is not established."""
    gone = without("rekorBundle")
    yield one("unproven-no-entry", "No log has the signature, and nobody says when it was made", GOOD.but(change=gone),
              outcome=NOT_VERIFIED)
    yield one("unproven-certificate-no-entry", "Nobody says when the certificate was used",
              GOOD.but(certificate=leaf(), change=gone), outcome=NOT_VERIFIED)
    yield one("unproven-logged", "An inclusion proof is required, and this format has none", GOOD, options=LOGGED,
              outcome=NOT_VERIFIED)
    yield one("unproven-rekord", "The log entry is of a type that is not read", GOOD.but(kind="rekord"), outcome=NOT_VERIFIED)


def bad() -> Iterator[Case]:
    """Parts of several files put together, or one part wrong."""
    by_other_key = GOOD.but(signer=ECDSA_P384).value(ARTIFACT)
    by_certificate = GOOD.but(certificate=leaf())
    other_leaf = AUTHORITY.leaf(ECDSA_P256, "other@example.com", ISSUER, SIGNED_AT, TERM)
    for name, title, change, failing in (
            ("entry-of-another-key", "The log entry is that of another key's signature over the same artifact",
             taking("rekorBundle", by_other_key), (INCLUSION,)),
            ("entry-of-another-artifact", "The log entry is that of another artifact", taking("rekorBundle", ANOTHER), (INCLUSION,)),
            ("signature-of-another", "The signature is that of another artifact", taking("base64Signature", ANOTHER),
             (SIGNATURE, INCLUSION)),
            ("entry-and-signature-of-another", "Signature and log entry are those of another artifact", lambda file: file.update(ANOTHER),
             (SIGNATURE, INCLUSION)),
            ("promise-of-another", "The promise of the log is that for another entry", lambda file: file["rekorBundle"].update(
                SignedEntryTimestamp=ANOTHER["rekorBundle"]["SignedEntryTimestamp"]), (PROMISE,)),
            ("promise-flipped", "One bit of the promise is flipped", lambda file: file["rekorBundle"].update(
                SignedEntryTimestamp=flip(file["rekorBundle"]["SignedEntryTimestamp"])), (PROMISE,)),
            ("body-of-another", "The log promised another body", setting("body", payload_of(ANOTHER)["body"]),
             (PROMISE, INCLUSION)),
            ("moved", "The entry says that it came in a minute later", setting("integratedTime", SIGNED_AT + 60), (PROMISE,)),
            ("index-moved", "The entry says that it has another place in the log", setting("logIndex", 1003), (PROMISE,)),
            ("log-id-of-another", "The entry names another log than the one that promised it",
             setting("logID", Log(STRANGER).id.hex()), (PROMISE,)),
            ("key-of-another", "The file brings a stranger's key along", lambda file: file.update(
                cert=base64.b64encode(key_pem(STRANGER)).decode()), (INCLUSION, SIGNATURE)),
            ("certificate-added", "A certificate was added to a signature by a key", lambda file: file.update(
                cert=base64.b64encode(certificate_pem(leaf())).decode()), (INCLUSION, "sigstore-identity")),
            ("signature-url-safe", "The signature is in the alphabet for addresses", lambda file: file.update(
                base64Signature=file["base64Signature"].replace("+", "-").replace("/", "_")), (BUNDLE_ROW,)),
            ("signature-wrapped", "A line break follows the signature", lambda file: file.update(
                base64Signature=file["base64Signature"] + "\n"), (BUNDLE_ROW,)),
            ("body-unpadded", "The body of the entry is without its padding", setting("body", lambda text: text.rstrip("=") + " "),
             (BUNDLE_ROW,)),
            ("log-id-upper-case", "The id of the log is in upper case", setting("logID", str.upper), (BUNDLE_ROW,)),
            ("time-text", "The time of the entry is a text", setting("integratedTime", str(SIGNED_AT)), (BUNDLE_ROW,)),
            ("no-promise", "The entry has no promise of the log", lambda file: file["rekorBundle"].pop("SignedEntryTimestamp"),
             (BUNDLE_ROW,))):
        yield one(name, title, GOOD.but(change=change), *failing)
    yield one("log-of-stranger", "A log that the root does not name has the entry", GOOD.but(log=Log(STRANGER)), PROMISE)
    yield one("artifact-altered", "The artifact was changed after it was signed", GOOD, SIGNATURE, INCLUSION,
              artifact=ARTIFACT + b".", standings={FILE: "unlisted"})
    yield one("wrong-key", "The key given is a stranger's", GOOD, SIGNATURE, trust=key("stranger"))
    yield one("from-the-future", "The log took the entry in after the time of the run", GOOD, PROMISE, at="2023-12-31T23:59:59Z")
    yield one("member-twice", "A member stands there twice", GOOD, BUNDLE_ROW,
              text=GOOD(ARTIFACT).replace(b"{", b'{"base64Signature": "AA==", ', 1))
    yield one("member-by-case", "A member stands there a second time with other letters", GOOD, BUNDLE_ROW,
              text=GOOD(ARTIFACT).replace(b"{", b'{"Base64Signature": "AA==", ', 1))
    yield one("statement-of-another", "The statement is about another artifact",
              GOOD.but(payload=lambda _: statement()(b"another")), SIGNATURE)
    yield one("certificate-of-another", "The certificate is another one over the same key", by_certificate.but(
        named=certificate_pem(other_leaf)), INCLUSION, "sigstore-identity")
    yield one("certificate-gone", "The certificate that the log entry names is not in the file",
              by_certificate.but(change=without("cert")), "sigstore-signature", INCLUSION)
    yield one("certificate-twice", "Two certificates stand where one is expected",
              by_certificate.but(named=certificate_pem(leaf()) * 2), BUNDLE_ROW)
    yield one("certificate-expired", "The certificate had expired when the log took the entry in",
              GOOD.but(certificate=leaf(term=("231231234500Z", "231231235500Z"))), "sigstore-certificate", PROMISE)
    yield one("certificate-other-identity", "The certificate states another identity", by_certificate, "sigstore-identity",
              trust=("--certificate-identity", "ops@example.com", *NAMED[2:]))
    yield one("certificate-not-trusted", "The root names no authority", by_certificate, "sigstore-certificate", root=LOG.root())


def beside(name: str, title: str, recipe: Cosign, *failing: str, file: str = f"{BUNDLE}.bundle", trust: tuple[str, ...] = (*TRUST, *P256),
           options: tuple[str, ...] = (), over: bytes | None = None, text: bytes | None = None, root: bytes = LOG.root(), **rest) -> Case:
    """An archive with a file of the older format beside it."""
    files = PLAIN.build()
    files |= {file: text or recipe(over or files[BUNDLE]), ROOT: root}
    return Case("plain", name, title, verify(BUNDLE, *options, trust=trust), files, failing=failing, **rest)


def sidecars() -> Iterator[Case]:
    """Files beside the input of `verify`."""
    certificate, named = GOOD.but(certificate=leaf()), (*TRUST, *NAMED)
    for file in (f"{BUNDLE}.bundle", f"{BUNDLE}.cosign.bundle", f"{BUNDLE}.sigstore.json"):
        end = file.removeprefix(f"{BUNDLE}.").replace(".", "-")
        yield beside(f"good-cosign-{end}", f"A file of the older cosign format, named {file}", GOOD, file=file, standings=PINNED)
    yield beside("good-cosign-sidecar", "The file has another name and is named on the command line", GOOD, file="signed.json",
                 options=("--sidecar", "{case}/signed.json"), standings=PINNED)
    yield beside("good-cosign-certificate", "The file has a certificate of the identity that is named", certificate, trust=named,
                 root=LOG.root(AUTHORITY), standings=PINNED)
    yield beside("unproven-cosign-no-root", "A file of the older format, and no trusted root", GOOD, trust=P256, outcome=NOT_VERIFIED)
    yield beside("unproven-cosign-other-file", "What is named like one is another file", GOOD, text=b"an archive, perhaps\n",
                 outcome=NOT_VERIFIED)
    yield beside("cosign-of-another", "The file is that of another archive", GOOD, SIGNATURE, INCLUSION, over=b"another",
                 subject=f"{BUNDLE}.bundle", standings={"bin/tool": "unlisted"})
    yield beside("cosign-entry-of-another", "The log entry in the file is that of another archive",
                 GOOD.but(change=taking("rekorBundle", ANOTHER)), INCLUSION)
    yield beside("cosign-cut", "The file ends too early", GOOD, BUNDLE_ROW, text=json.dumps(ANOTHER).encode()[:-2])


def signed(name: str, title: str, beside_it: dict[str, bytes], *failing: str, trust: tuple[str, ...] = (*TRUST, *NAMED),
           signer: Signer = ECDSA_P256, over: bytes | None = None, options: tuple[str, ...] = (), **rest) -> Case:
    """An archive with a detached signature, and what says who made it."""
    files = PLAIN.build()
    files |= {f"{BUNDLE}.sig": base64.b64encode(signer.sign(over or files[BUNDLE])), ROOT: LOG.root(AUTHORITY)} | beside_it
    return Case("plain", name, title, verify(BUNDLE, *options, trust=trust), files, failing=failing, **rest)


def companions() -> Iterator[Case]:
    """Certificates and keys beside a detached signature: they are named, never trusted for lying there."""
    pem = certificate_pem(leaf())
    for end, text in (("pem", pem), ("crt", base64.b64encode(pem)), ("cert", pem), ("sig.pem", pem)):
        yield signed(f"unproven-whole-certificate-{end.replace('.', '-')}",
                     f"The certificate lies beside the signature as {end}, and nobody says when it was used",
                     {f"{BUNDLE}.{end}": text}, outcome=NOT_VERIFIED)
    yield signed("unproven-whole-certificate-expired", "The certificate beside the signature expired long ago",
                 {f"{BUNDLE}.pem": certificate_pem(leaf(term=("200101000000Z", "200101001000Z")))}, outcome=NOT_VERIFIED)
    yield signed("unproven-whole-key-beside", "The key that made the signature lies beside it, and nobody trusts it",
                 {f"{BUNDLE}.pub": key_pem(ECDSA_P256), "cosign.pub": key_pem(ECDSA_P256)}, trust=(), outcome=NOT_VERIFIED)
    yield signed("unproven-whole-certificate-named", "A certificate is named, and proves nothing by itself",
                 {"who.pem": pem}, trust=(*P256,), options=("--sidecar", "{case}/who.pem"), outcome=NOT_VERIFIED)
    yield signed("good-whole-key-and-certificate", "A trusted key made the signature; certificate and key beside it add nothing",
                 {f"{BUNDLE}.pem": pem, f"{BUNDLE}.pub": key_pem(ECDSA_P256)}, trust=P256, standings=PINNED)
    yield signed("good-whole-certificate-and-bundle", "The older bundle beside certificate and signature says when it was used",
                 {f"{BUNDLE}.pem": pem, f"{BUNDLE}.bundle": GOOD.but(certificate=leaf())(PLAIN.build()[BUNDLE])}, standings=PINNED)
    yield signed("whole-key-beside-of-stranger", "A stranger signed, and laid his key beside it",
                 {f"{BUNDLE}.pub": key_pem(STRANGER), "cosign.pub": key_pem(STRANGER)}, "blob-signature", trust=P256, signer=STRANGER,
                 subject=f"{BUNDLE}.sig")
    yield signed("whole-certificate-of-another", "The certificate beside the signature is over another key",
                 {f"{BUNDLE}.pem": pem}, "sigstore-signature", signer=STRANGER, subject=f"{BUNDLE}.sig")
    yield signed("whole-certificate-other-file", "Signature and certificate belong together, and to another archive",
                 {f"{BUNDLE}.pem": pem}, "sigstore-signature", over=b"another", subject=f"{BUNDLE}.sig")


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad, sidecars, companions):
        yield from family()
