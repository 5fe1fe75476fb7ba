"""Trust policies (`--trust`): which key counts for what, what is demanded and waived, and policies that are none."""

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator

from .. import mirror
from ..case import AT, EXAMPLE_KEYS, NOT_VERIFIED, USAGE, Case
from ..concelier import BUNDLE as CONCELIER
from ..concelier import Concelier
from ..devportal import BUNDLE, SIGN, Devportal, plus
from ..dsse import base64url_payload
from ..jws import Jws
from ..mirror import Mirror
from ..plain import BUNDLE as PLAIN
from ..signing import ECDSA_P256, ED25519, ED25519_SECOND, KEYS, RSA_3072_PKCS1
from ..tar import Entry
from .devportal_good import HMAC_DOCUMENT
from .dsse import FILE as ENVELOPE
from .dsse import PAYLOAD
from .dsse import SIGN as LONE
from .whole import BARE, signed

Files = dict[str, bytes]
PORTAL = Devportal()
TWO_SIGNED = PORTAL.but(sign=SIGN.but(signers=(ED25519, ED25519_SECOND)))
NOTES = PORTAL.but(entries=plus(Entry(b"notes/readme.txt", b"handwritten\n")))
LEGACY = PORTAL.but(sign=SIGN.but(signing_input=base64url_payload))
P256_JWS = Concelier().but(sign=Jws(ECDSA_P256, "ES256"), other_sign=Jws(ECDSA_P256, "ES256"))
KEY_FILES = {"ed25519": "acme.pub.pem", "ed25519-second": "second.pub.pem", "ecdsa-p256": "p256.pub.pem",
             "rsa-3072": "rsa.pub.pem"}
REVOKED = 'revoked = true\nreason = "stolen in March"\n'


def key(file: str, more: str = "", name: str = "") -> str:
    """A key of the policy, named as its file; the file lies beside the policy."""
    return f'\n[[key]]\nname = "{name or file.split(".")[0]}"\nfile = "{file}"\n{more}'


def secret(more: str = "") -> str:
    """The shared secret."""
    return f'\n[[secret]]\nname = "portal"\nfile = "portal.key"\n{more}'


def fingerprint(name: str) -> str:
    """SHA-256 of the SubjectPublicKeyInfo of a key of keys-example/."""
    body = re.sub(r"-----[^-]+-----|\s", "", (KEYS / f"{name}.pub.pem").read_text())
    return f"sha256:{hashlib.sha256(b64decode(body)).hexdigest()}"


ACME, SECOND, P256, RSA = (key(file) for file in KEY_FILES.values())
DEVPORTAL_ONLY = key("acme.pub.pem", 'kinds = ["devportal:*"]\n')
MIRRORS_ONLY = 'kinds = ["mirror:*"]\n'


def with_policy(files: Files, policy: str) -> Files:
    """The policy and the keys that it names beside the files."""
    added = {file: (KEYS / f"{name}.pub.pem").read_bytes() for name, file in KEY_FILES.items() if f'"{file}"' in policy}
    if '"portal.key"' in policy:
        added["portal.key"] = (KEYS / "hmac.key").read_bytes()
    return files | added | {"trust.toml": f"version = 1\n{policy}".encode()}


def case(folder: str, name: str, title: str, files: Files, policy: str, *failing: str, file: str = BUNDLE,
         options: tuple[str, ...] = EXAMPLE_KEYS, verb: tuple[str, ...] = ("verify",), **rest) -> Case:
    """One input under one policy."""
    args = (*verb, f"{{case}}/{file}", "--trust", "{case}/trust.toml", "--at", AT, *options)
    return Case(folder, name, title, args, with_policy(files, policy), failing=failing, **rest)


def portal(name: str, title: str, policy: str, *failing: str, bundle: Devportal = PORTAL, **rest) -> Case:
    """A devportal bundle, signed with Ed25519 where nothing else is said."""
    return case("devportal", name, title, bundle.build(), policy, *failing, **rest)


def whole(name: str, title: str, policy: str, *failing: str, **rest) -> Case:
    """An archive that is signed as a whole with ECDSA P-256."""
    return case("plain", name, title, signed(BARE, ECDSA_P256), policy, *failing, file=PLAIN, **rest)


def full(name: str, title: str, policy: str, *failing: str, **rest) -> Case:
    """A mirror whose documents have detached signatures with ECDSA P-256."""
    bundle = Mirror()
    return case("mirror-full", name, title, bundle.build(), policy, *failing, file=bundle.name, **rest)


def concelier(name: str, title: str, policy: str, *failing: str, **rest) -> Case:
    """A mirror whose domains have a detached JWS, ES256."""
    return case("mirror-concelier", name, title, P256_JWS.build(), policy, *failing, file=CONCELIER, **rest)


def envelope(name: str, title: str, policy: str, *failing: str, **rest) -> Case:
    """An envelope by itself."""
    return case("dsse", name, title, {ENVELOPE: LONE(PAYLOAD)}, policy, *failing, file=ENVELOPE,
                verb=("dsse", "verify"), **rest)


def good() -> Iterator[Case]:
    """A key that counts signed."""
    terms = ('kinds = ["mirror:*", "devportal:*"]\ndocuments = ["manifest.dsse.json"]\nschemes = ["ed25519"]\n'
             f'valid_from = 2026-01-01T00:00:00Z\nvalid_until = "{AT}"\n')
    yield portal("good-trust-all-terms", "The key may sign this kind, this document, with this scheme, until this second",
                 key("acme.pub.pem", terms), standings={"portal/index.html": "pinned"})
    yield portal("good-trust-threshold-of-kind", "Two keys are required of this kind, and two signed",
                 ACME + SECOND + '\n[threshold]\n"devportal:*" = 2\n', bundle=TWO_SIGNED)
    yield portal("good-trust-one-does-not-count", "Two keys signed, one of which does not count, and one is required",
                 ACME + key("second.pub.pem", REVOKED), bundle=TWO_SIGNED)
    yield portal("good-trust-secret", "A shared secret of the policy, for this kind",
                 secret('kinds = ["devportal:offline"]\n'), bundle=PORTAL.but(sign=HMAC_DOCUMENT))
    yield portal("good-trust-fingerprint-and-key", "The policy states the fingerprint, and --key gives the key",
                 f'\n[[key]]\nname = "acme"\nfingerprint = "{fingerprint("ed25519")}"\n',
                 options=(*EXAMPLE_KEYS, "--key", "{keys}/ed25519.pub.pem"))
    yield portal("good-trust-key-besides", "The policy has another key, and --key adds the one that signed", P256,
                 options=(*EXAMPLE_KEYS, "--key", "{keys}/ed25519.pub.pem"))
    yield portal("good-trust-extra-waived", "The policy waives entries that no list names",
                 ACME + '\n[[waiver]]\nallow_extra = "notes/*"\nkinds = ["devportal:*"]\nreason = "agreed"\n', bundle=NOTES)
    yield portal("good-trust-legacy-waived", "The policy accepts a signature over the base64url payload",
                 ACME + '\n[[waiver]]\nlegacy_signing = "base64url-payload"\nreason = "exporter of 2025"\n', bundle=LEGACY)
    yield portal("good-trust-example-waived", "The policy itself accepts the published keys",
                 ACME + '\n[[waiver]]\nexample_keys = true\nreason = "a trial"\n', options=())
    yield portal("good-trust-overridden", "The policy requires two keys, is older than it allows, and options say otherwise",
                 ACME + SECOND + '\n[threshold]\ndefault = 2\n[max_age]\ndefault = "7d"\n',
                 options=(*EXAMPLE_KEYS, "--threshold", "1", "--max-age", "30d"))
    yield whole("good-trust-whole", "The key may sign this kind as a whole",
                key("p256.pub.pem", 'kinds = ["plain"]\ndocuments = ["*.sig"]\n'))
    yield full("good-trust-mirror", "The key may sign mirrors", key("p256.pub.pem", MIRRORS_ONLY))
    yield concelier("good-trust-jws", "ES256 is allowed under the name that the scheme has in DER",
                    key("p256.pub.pem", 'schemes = ["ecdsa-p256-sha256"]\n' + MIRRORS_ONLY))
    yield envelope("good-trust-envelope", "The key may sign envelopes by themselves, and a public key is required",
                   key("acme.pub.pem", 'kinds = ["dsse:*"]\n') + '\n[require]\n"dsse:*" = ["public-key"]\n')


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and something that the policy requires was not established."""
    yield portal("unproven-trust-public-key", "The policy requires a public key, and a shared secret signed",
                 secret() + '\n[require]\n"devportal:*" = ["public-key"]\n', bundle=PORTAL.but(sign=HMAC_DOCUMENT),
                 outcome=NOT_VERIFIED)
    yield whole("unproven-trust-fresh", "The policy requires freshness, and nothing says how old this is",
                P256 + '\n[max_age]\nplain = "7d"\n', outcome=NOT_VERIFIED)
    yield envelope("unproven-trust-fresh", "The policy requires freshness, and an envelope does not say how old it is",
                   ACME + '\n[require]\ndefault = ["fresh"]\n', outcome=NOT_VERIFIED)
    yield whole("unproven-trust-tuf", "The policy requires TUF metadata, and there is none",
                P256 + '\n[require]\ndefault = ["tuf"]\n', outcome=NOT_VERIFIED)


def bad() -> Iterator[Case]:
    """A known key signed, and does not count; or what the policy demands is proven not to hold."""
    dsse, row = "dsse-signature", "blob-signature"
    terms = {
        "kind": ("The key may sign mirrors only", MIRRORS_ONLY),
        "document": ("The key may sign other documents only", 'documents = ["signatures/**"]\n'),
        "early": ("The key does not count yet", 'valid_from = "2026-11-20T00:00:01Z"\n'),
        "late": ("The key does not count any more", "valid_until = 2026-11-19T23:59:59Z\n"),
        "revoked": ("The key is revoked", REVOKED),
    }
    for name, (title, more) in terms.items():
        yield portal(f"trust-{name}", title, key("acme.pub.pem", more) + RSA, dsse, subject="manifest.dsse.json",
                     standings={"portal/index.html": "listed"})
    yield portal("trust-scheme", "The key may sign with RSA-PSS only, and signed with PKCS#1 v1.5",
                 key("rsa.pub.pem", 'schemes = ["rsa-pss-sha256"]\n'), dsse,
                 bundle=PORTAL.but(sign=SIGN.but(signers=(RSA_3072_PKCS1,))))
    yield portal("trust-revoked-despite-option", "The key is revoked by its fingerprint, and --key gives it all the same",
                 f'{P256}\n[[key]]\nname = "acme"\nfingerprint = "{fingerprint("ed25519")}"\n{REVOKED}', dsse,
                 options=(*EXAMPLE_KEYS, "--key", "{keys}/ed25519.pub.pem"))
    yield portal("trust-threshold-of-kind", "Two keys are required of this kind, and one signed",
                 ACME + SECOND + '\n[threshold]\n"devportal:offline" = 2\n', dsse)
    yield portal("trust-threshold-one-does-not-count", "Two keys are required, two signed, and one of them does not count",
                 ACME + key("second.pub.pem", MIRRORS_ONLY) + RSA + "\n[threshold]\ndefault = 2\n", dsse,
                 bundle=TWO_SIGNED)
    yield portal("trust-secret-kind", "The shared secret is for mirrors only", secret(MIRRORS_ONLY) + P256, dsse,
                 bundle=PORTAL.but(sign=HMAC_DOCUMENT))
    yield portal("trust-stale", "19 days old, and the policy allows this kind 7",
                 ACME + '\n[max_age]\ndefault = "1000d"\n"devportal:*" = "7d"\n', "age")
    yield portal("trust-extra-of-other-kind", "The policy waives such entries in mirrors only",
                 ACME + f'\n[[waiver]]\nallow_extra = "notes/*"\n{MIRRORS_ONLY}reason = "agreed"\n', "entry-unlisted",
                 bundle=NOTES)
    yield portal("trust-legacy-of-other-kind", "The policy accepts the other signing input for mirrors only",
                 ACME + f'\n[[waiver]]\nlegacy_signing = "base64url-payload"\n{MIRRORS_ONLY}reason = "agreed"\n', dsse,
                 bundle=LEGACY)
    yield whole("trust-whole-revoked", "The key that signed the archive is revoked", key("p256.pub.pem", REVOKED) + ACME,
                row, subject=f"{PLAIN}.sig")
    yield whole("trust-whole-kind", "The key that signed the archive may sign mirrors only",
                key("p256.pub.pem", MIRRORS_ONLY), row)
    yield full("trust-mirror-document", "The key may sign manifest.yaml only, and signed export.json too",
               key("p256.pub.pem", 'documents = ["**/manifest.sig"]\n'), row,
               subject=mirror.TOP + "signatures/export.sig")
    yield full("trust-mirror-kind", "The key may sign devportal bundles only",
               key("p256.pub.pem", 'kinds = ["devportal:*"]\n'), row)
    yield concelier("trust-jws-revoked", "The key that signed the domains is revoked",
                    key("p256.pub.pem", REVOKED) + ACME, "jws-signature")
    yield concelier("trust-jws-kind", "The key that signed the domains may sign devportal bundles only",
                    key("p256.pub.pem", 'kinds = ["devportal:*"]\n'), "jws-signature")
    yield envelope("trust-envelope-kind", "The key may sign bundles only, and this is an envelope by itself",
                   DEVPORTAL_ONLY, dsse)
    yield envelope("trust-envelope-revoked", "The key that signed the envelope is revoked",
                   key("acme.pub.pem", REVOKED) + P256, dsse)


def unusable() -> Iterator[Case]:
    """Policies that are none, and command lines that do not fit them."""
    policies = {
        "unknown-field": ("A field of the key is not known", key("acme.pub.pem", "can_sign = true\n")),
        "revocations": ("A revocation list has no key",
                        ACME + '\n[[revocations]]\nfile = "revocation-bundle.json"\n'),
        "duplicate-name": ("Two keys have one name", ACME + key("p256.pub.pem", name="acme")),
        "duplicate-key": ("One key has two names", ACME + key("acme.pub.pem", name="other")),
        "empty-list": ("A list of kinds is empty", key("acme.pub.pem", "kinds = []\n")),
        "unknown-kind": ("A glob fits no kind", key("acme.pub.pem", 'kinds = ["mirrors:*"]\n')),
        "unknown-scheme": ("A scheme is not known", key("acme.pub.pem", 'schemes = ["none"]\n')),
        "nobody": ("All keys are revoked", key("acme.pub.pem", REVOKED)),
        "threshold": ("Two keys are required, and there is one", ACME + "\n[threshold]\ndefault = 2\n"),
        "threshold-zero": ("No key is required", ACME + "\n[threshold]\ndefault = 0\n"),
        "fingerprint": ("The fingerprint is that of another key",
                        key("acme.pub.pem", f'fingerprint = "{fingerprint("stranger")}"\n')),
        "no-reason": ("A key is revoked without a reason", key("acme.pub.pem", "revoked = true\n") + P256),
        "waiver-no-reason": ("A waiver has no reason", ACME + '\n[[waiver]]\nallow_extra = "*"\n'),
        "key-missing": ("The file of a key is not there", key("none.pub.pem")),
        "window": ("A key ends before it begins",
                   key("acme.pub.pem", "valid_from = 2026-11-20T00:00:00Z\nvalid_until = 2026-11-19T00:00:00Z\n")),
        "fingerprint-only": ("The only key is known by fingerprint, and --key gives none",
                             f'\n[[key]]\nname = "acme"\nfingerprint = "{fingerprint("ed25519")}"\n'),
    }
    for name, (title, policy) in policies.items():
        yield portal(f"usage-trust-{name}", title, policy, outcome=USAGE)
    yield portal("usage-trust-example-key", "The key is a published one, and nothing waives that", ACME, options=(),
                 outcome=USAGE)
    other = portal("usage-trust-version", "The policy is of version 2", ACME, outcome=USAGE)
    other.files["trust.toml"] = other.files["trust.toml"].replace(b"version = 1", b"version = 2")
    yield other


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad, unusable):
        yield from family()
