"""Artifacts and archives with Sigstore bundles that are signed with keys, or with certificates of an authority of our own."""

import hashlib
from collections.abc import Iterator

from ..case import AT, EXAMPLE_KEYS, NOT_VERIFIED, USAGE, Case, key, verify
from ..plain import BUNDLE, Plain
from ..dsse import base64_standard
from ..signing import ECDSA_P256, ECDSA_P384, ED25519, KEYS, RSA_3072, RSA_3072_PKCS1, STRANGER
from ..sigstore import (BUNDLE_0_1, IN_TOTO, LOG, SIGNED_AT, Log, Sigstore, entry_from, many_entries, moved, promise_flipped, proof_flipped,
                        signature_flipped, statement, timestamp_of_nothing, without_entry, without_promise, without_proof)
from ..x509 import Authority

ARTIFACT = b"artifact 1.4.0\n"
FILE, NAME, ROOT = "artifact.bin", "artifact.bin.sigstore.json", "trusted_root.json"
P256 = key("ecdsa-p256")
GOOD = Sigstore()
TRUST = ("--trusted-root", f"{{case}}/{ROOT}")
LOGGED = ("--require", "transparency")
PLAIN = Plain(lists={})
PINNED = {"bin/tool": "pinned", "doc/README.md": "pinned"}


def case(name: str, title: str, bundle: Sigstore, *failing: str, trust: tuple[str, ...] = P256, artifact: bytes = ARTIFACT,
         subject: str | None = None, root: bytes = LOG.root(), options: tuple[str, ...] = (), at: str = AT,
         text: bytes | None = None, **rest) -> Case:
    """One artifact; `subject` takes the place of its file on the command line."""
    args = ("sigstore", "verify", subject or f"{{case}}/{FILE}", "--bundle", f"{{case}}/{NAME}", *TRUST, *trust,
            *EXAMPLE_KEYS, "--at", at, *options)
    files = {FILE: artifact, NAME: text or bundle(ARTIFACT), ROOT: root}
    return Case("sigstore", name, title, args, files, failing=failing, kind=rest.pop("kind", "sigstore:artifact"), **rest)


def digest(algorithm: str = "sha256") -> str:
    """The artifact on the command line, by its digest."""
    return f"{algorithm}:{hashlib.new(algorithm, ARTIFACT).hexdigest()}"


def good() -> Iterator[Case]:
    """Bundles that verify."""
    pinned = {FILE: "pinned"}
    for signer in (ECDSA_P256, ECDSA_P384, ED25519):
        yield case(f"good-{signer.name}", f"Signed with {signer.name}, and logged", GOOD.but(signer=signer),
                   trust=key(signer.name), options=LOGGED, standings=pinned)
    yield case("good-digest", "The artifact is known by its digest", GOOD, subject=digest(), options=LOGGED)
    yield case("good-one-of-two-keys", "Another key is trusted besides", GOOD, trust=(*key("ecdsa-p384"), *P256))
    yield case("good-p384-after-p256", "The key that signed is the second one given, and needs another digest",
               GOOD.but(signer=ECDSA_P384), trust=(*P256, *key("ecdsa-p384")))
    yield case("good-rsa-pkcs1", "Signed with RSA, PKCS#1 v1.5", GOOD.but(signer=RSA_3072_PKCS1), trust=key("rsa-3072"),
               standings=pinned)
    yield case("good-promise", "Version 0.1 with the promise of the log alone",
               GOOD.but(media_type=BUNDLE_0_1, change=without_proof), standings=pinned)
    for algorithm in ("sha256", "sha512"):
        envelope = GOOD.but(payload=statement(algorithm))
        yield case(f"good-statement-{algorithm}", f"A statement names the artifact by its {algorithm}", envelope,
                   options=LOGGED, standings=pinned)
        yield case(f"good-statement-{algorithm}-digest", f"A statement names the artifact, known by its {algorithm}", envelope,
                   subject=digest(algorithm))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and something is not established."""
    promise = GOOD.but(media_type=BUNDLE_0_1, change=without_proof)
    yield case("unproven-promise", "An inclusion proof is required, and the log only promised", promise, options=LOGGED,
               outcome=NOT_VERIFIED)
    yield case("unproven-no-entry", "No log has the signature, and nobody says when it was made",
               GOOD.but(change=without_entry), outcome=NOT_VERIFIED)
    for signer in (ED25519, ECDSA_P384):
        yield case(f"unproven-digest-{signer.name}", f"{signer.name} does not sign the digest that is given",
                   GOOD.but(signer=signer), trust=key(signer.name), subject=digest(), outcome=NOT_VERIFIED)
    pss = {"trust": key("rsa-3072"), "outcome": NOT_VERIFIED}
    yield case("unproven-rsa-pss", "The signature is in RSA-PSS, which is not read in Sigstore bundles", GOOD.but(signer=RSA_3072), **pss)
    yield case("unproven-rsa-pss-statement", "The statement is signed in RSA-PSS", GOOD.but(signer=RSA_3072, payload=statement()), **pss)
    yield case("unproven-rsa-pss-after-p256", "The key of the signature in RSA-PSS is the second one given", GOOD.but(signer=RSA_3072),
               trust=(*P256, *key("rsa-3072")), outcome=NOT_VERIFIED)
    yield case("unproven-other-digest", "The statement names the artifact by another digest than the one given",
               GOOD.but(payload=statement("sha512")), subject=digest(), outcome=NOT_VERIFIED)


def bad() -> Iterator[Case]:
    """One part is wrong."""
    bundle, signature, inclusion, promise = (f"sigstore-{part}" for part in ("bundle", "signature", "inclusion", "set"))
    for change, row, title in (
            (moved, promise, "The entry says that it came in a minute later"),
            (promise_flipped, promise, "One bit of the promise is flipped"),
            (proof_flipped, inclusion, "One bit of the inclusion proof is flipped"),
            (without_proof, inclusion, "The inclusion proof is gone from a version that has to have it"),
            (timestamp_of_nothing, "sigstore-timestamp", "A timestamp is there that no authority made"),
            (many_entries, bundle, "The log entry stands there 33 times")):
        yield case(change.__name__.replace("_", "-"), title, GOOD.but(change=change), row)
    yield case("signature-flipped", "One bit of the signature is flipped", GOOD.but(change=signature_flipped), signature)
    yield case("artifact-altered", "The artifact was changed after it was signed", GOOD, signature, artifact=ARTIFACT + b".",
               standings={FILE: "unlisted"})
    yield case("statement-of-another", "The statement is about another artifact",
               GOOD.but(payload=lambda _: statement()(b"another")), signature)
    yield case("statement-payload-type", "The envelope says that it holds something else than a statement",
               GOOD.but(payload=statement(), payload_type=IN_TOTO + "+v2"), signature)
    yield case("statement-twice", "The statement states its subjects twice", GOOD.but(
        payload=lambda data: statement()(data).replace(b"{", b'{"subject":[],', 1)), bundle)
    yield case("rsa-pss-of-another", "The signature in RSA-PSS is that of another artifact",
               GOOD.but(signer=RSA_3072, change=lambda bundle: bundle["messageSignature"].update(
                   signature=base64_standard(RSA_3072.sign(b"another")))), signature, trust=key("rsa-3072"))
    yield case("wrong-key", "The key given is a stranger's", GOOD, signature, trust=key("stranger"))
    yield case("signed-by-stranger", "A stranger signed", GOOD.but(signer=STRANGER), signature)
    yield case("entry-of-another", "The log entry is that of another signature over the same artifact",
               GOOD.but(change=entry_from(GOOD.but(signer=ECDSA_P384)(ARTIFACT))), inclusion)
    yield case("entry-of-another-artifact", "The log entry is that of another artifact",
               GOOD.but(change=entry_from(GOOD(b"another"))), inclusion)
    yield case("log-of-stranger", "A log that the root does not name has the entry", GOOD.but(log=Log(STRANGER)), inclusion)
    yield case("from-the-future", "The log took the entry in after the time of the run", GOOD, promise,
               at="2023-12-31T23:59:59Z")
    yield case("key-twice", "A member stands there twice", GOOD, bundle,
               text=GOOD(ARTIFACT).replace(b"{", b'{"mediaType": "x",', 1))
    yield case("version-unknown", "The bundle is of an unknown version", GOOD.but(media_type=BUNDLE_0_1 + "9"), bundle)
    yield case("not-json", "The bundle is no JSON", GOOD, bundle, text=b"bundle\n")
    yield case("name-expected", "A certificate was expected, and a key signed", GOOD, signature,
               trust=("--certificate-identity", "release@example.com", "--certificate-oidc-issuer", "https://example.com"))
    for name, title, root in (("usage-root-not-json", "The trusted root is no JSON", b"root\n"),
                              ("usage-root-of-other-kind", "The trusted root is another document", b"{}\n"),
                              ("usage-root-key-unusable", "The key of the log cannot be used",
                               LOG.root().replace(b'"rawBytes": "MC', b'"rawBytes": "MA'))):
        yield case(name, title, GOOD, root=root, outcome=USAGE, kind=None)


IDENTITY, ISSUER = "release@example.com", "https://issuer.example.com"
NAMED = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
AUTHORITY = Authority()
TERM = ("231231235500Z", "240101000500Z")


def leaf(authority: Authority = AUTHORITY, term: tuple[str, str] = TERM, **rest) -> bytes:
    """A certificate of the signer."""
    return authority.leaf(ECDSA_P256, IDENTITY, ISSUER, SIGNED_AT, term, **rest)


def certified(name: str, title: str, bundle: Sigstore, *failing: str, trust: tuple[str, ...] = NAMED,
              root: bytes = LOG.root(AUTHORITY), **rest) -> Case:
    """One artifact with a bundle that has a certificate."""
    return case(name, title, bundle, *failing, trust=trust, root=root, **rest)


def certificates() -> Iterator[Case]:
    """Signed with a certificate that was made for one signature."""
    good, certificate = GOOD.but(certificate=leaf()), "sigstore-certificate"
    yield certified("good-certificate", "Signed with a certificate of the identity that is named", good, options=LOGGED,
                    standings={FILE: "pinned"})
    yield certified("good-certificate-statement", "A statement, signed with a certificate", good.but(payload=statement()),
                    subject=digest(), options=LOGGED)
    yield certified("unproven-no-time", "Nobody says when the certificate was used", good.but(change=without_promise),
                    outcome=NOT_VERIFIED)
    yield certified("certificate-other-identity", "The certificate states another identity", good, "sigstore-identity",
                    trust=("--certificate-identity", "ops@example.com", *NAMED[2:]))
    yield certified("certificate-other-issuer", "Another issuer vouches for the identity", good, "sigstore-identity",
                    trust=(*NAMED[:3], "https://issuer.example.org"))
    yield certified("certificate-for-key", "A key was expected, and a certificate signed", good, "sigstore-identity", trust=P256)
    yield certified("certificate-not-trusted", "The root names no authority", good, certificate, root=LOG.root())
    altered = leaf()[:-1] + bytes([leaf()[-1] ^ 1])
    yield certified("certificate-altered", "One bit of the authority's signature is flipped", GOOD.but(certificate=altered),
                    certificate)
    yield certified("certificate-expired", "The certificate had expired when the log took the entry in",
                    GOOD.but(certificate=leaf(term=("231231234500Z", "231231235500Z"))), certificate, "sigstore-set")
    yield certified("sct-missing", "No log of certificates stamped the certificate",
                    GOOD.but(certificate=leaf(stamped=False)), "sigstore-sct")
    yield certified("sct-not-trusted", "The root names no log of certificates", good, "sigstore-sct",
                    root=LOG.root(AUTHORITY, stamps=False))


def beside(name: str, title: str, bundle: Sigstore | None, *failing: str, trust: tuple[str, ...] = (*TRUST, *P256),
           options: tuple[str, ...] = (), signed: Plain = PLAIN, root: bytes = LOG.root(), **rest) -> Case:
    """An archive with a bundle beside it."""
    text = (bundle or GOOD)(signed.build()[BUNDLE])
    files = PLAIN.build() | {f"{BUNDLE}.sigstore.json": text, ROOT: root}
    return Case("plain", name, title, verify(BUNDLE, *options, trust=trust), files, failing=failing, **rest)


def sidecars() -> Iterator[Case]:
    """Bundles beside the input of `verify`."""
    for signer in (ECDSA_P256, ECDSA_P384, ED25519):
        yield beside(f"good-sigstore-{signer.name}", f"A Sigstore bundle over the archive, signed with {signer.name}",
                     GOOD.but(signer=signer), trust=(*TRUST, *key(signer.name)), standings=PINNED,
                     options=("--require", "signature,public-key,transparency"))
    yield beside("good-sigstore-statement", "The Sigstore bundle holds a statement about the archive",
                 GOOD.but(payload=statement()), standings=PINNED)
    yield beside("good-sigstore-certificate", "The Sigstore bundle has a certificate of the identity that is named",
                 GOOD.but(certificate=leaf()), trust=(*TRUST, *NAMED), root=LOG.root(AUTHORITY), standings=PINNED,
                 options=("--require", "signature,public-key,transparency"))
    yield beside("unproven-sigstore-no-root", "A Sigstore bundle, and no trusted root", None, trust=P256, outcome=NOT_VERIFIED)
    yield beside("unproven-sigstore-no-key", "A Sigstore bundle, and no key", None, trust=TRUST, outcome=NOT_VERIFIED)
    yield beside("unproven-sigstore-promise", "An inclusion proof is required, and the log only promised",
                 GOOD.but(media_type=BUNDLE_0_1, change=without_proof), options=("--require", "signature,transparency"),
                 outcome=NOT_VERIFIED)
    yield beside("sigstore-moved", "The log entry of the Sigstore bundle says another time", GOOD.but(change=moved),
                 "sigstore-set", standings={"bin/tool": "unlisted"})
    yield beside("sigstore-of-another", "The Sigstore bundle is that of another archive", None, "sigstore-signature",
                 signed=PLAIN.but(files={"bin/tool": b"another\n"}), subject=f"{BUNDLE}.sigstore.json")
    yield beside("sigstore-wrong-key", "The key given is a stranger's", None, "sigstore-signature",
                 trust=(*TRUST, *key("stranger")))
    # The key of the certificate signed a second bundle by itself.
    certified, named = GOOD.but(certificate=leaf()), ("{case}/by-key.sigstore.json",)
    archive = PLAIN.build()[BUNDLE]
    twice = PLAIN.build() | {f"{BUNDLE}.sigstore.json": certified(archive), "by-key.sigstore.json": GOOD(archive),
                             ROOT: LOG.root(AUTHORITY)}
    yield Case("plain", "sigstore-one-key-twice", "Two signers are required, and one key signed both bundles",
               verify(BUNDLE, "--sidecar", *named, "--threshold", "2", trust=(*TRUST, *NAMED, *P256)), twice,
               failing=("sigstore-identity",))
    policy = ('version = 1\n\n[[key]]\nname = "stolen"\nfile = "p256.pub.pem"\nrevoked = true\nreason = "stolen in March"\n'
              '\n[[key]]\nname = "other"\nfile = "ed25519.pub.pem"\n\n[[waiver]]\nexample_keys = true\nreason = "a test"\n')
    public = {"p256.pub.pem": (KEYS / "ecdsa-p256.pub.pem").read_bytes(),
              "ed25519.pub.pem": (KEYS / "ed25519.pub.pem").read_bytes(), "trust.toml": policy.encode()}
    revoked = {f"{BUNDLE}.sigstore.json": certified(archive), ROOT: LOG.root(AUTHORITY)}
    yield Case("plain", "sigstore-certificate-of-revoked-key", "The certificate is over a key that the policy revokes",
               verify(BUNDLE, "--trust", "{case}/trust.toml", trust=(*TRUST, *NAMED)),
               PLAIN.build() | revoked | public, failing=("sigstore-signature",))
    yield beside("sigstore-threshold", "Two keys are required, and one signed the Sigstore bundle", None, "sigstore-identity",
                 trust=(*TRUST, *P256, *key("ecdsa-p384")), options=("--threshold", "2"))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad, certificates, sidecars):
        yield from family()
