"""In-toto statements beside and inside archives, by themselves and in Sigstore bundles; revocation lists that a policy
honours; and detached JWS over manifests."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from ..case import AT, EXAMPLE_KEYS, NOT_VERIFIED, TRUST, USAGE, Case, key, verify
from ..devportal import BUNDLE as PORTAL
from ..devportal import Devportal, plus
from ..dsse import Envelope, dump
from ..jws import Jws
from ..plain import BUNDLE, Plain
from ..revocation import FILE as LIST
from ..revocation import Revocation
from ..revocation import key as revoked_key
from ..revocation import subject as revoked_subject
from ..signing import ECDSA_P256, ECDSA_P384, ED25519, SHARED_SECRET, STRANGER
from ..sigstore import IN_TOTO
from ..tar import Entry
from .dsse import FILE as ENVELOPE
from .sigstore import ARTIFACT, GOOD as SIGSTORE, LOGGED, TRUST as ROOT_TRUST
from .sigstore import case as sigstore
from .trust_policy import fingerprint, with_policy
from .trust_policy import key as policy_key

Value = dict[str, Any]
SLSA_V02, SLSA, VSA = ("https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1",
                       "https://slsa.dev/verification_summary/v1")
V0_1, V1 = "https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"
SIGN = Envelope(IN_TOTO, (ED25519,))
BARE = Plain(lists={})
FILES = BARE.files
ARCHIVE = BARE.build()[BUNDLE]
SIDE = f"{BUNDLE}.intoto.jsonl"
PINNED = {path: "pinned" for path in FILES}
PREDICATE = {
    "buildDefinition": {
        "buildType": "https://ci.example/build/v1", "externalParameters": {"ref": "v1.4.0"},
        "resolvedDependencies": [{"uri": "git+https://git.example/tool@v1.4.0", "digest": {"gitCommit": "a" * 40}}],
    },
    "runDetails": {
        "builder": {"id": "https://ci.example/builder"},
        "metadata": {"invocationId": "run-17", "startedOn": "2026-11-01T08:00:00Z", "finishedOn": "2026-11-01T08:05:00Z"},
    },
}


def digests(data: bytes, *algorithms: str) -> dict[str, str]:
    """Digests of one artifact."""
    return {name: hashlib.new(name, data).hexdigest() for name in algorithms or ("sha256",)}


def subject(name: str, data: bytes, *algorithms: str) -> Value:
    """One subject."""
    return {"name": name, "digest": digests(data, *algorithms)}


INPUT = subject(BUNDLE, ARCHIVE)
ENTRIES = [subject(path, data) for path, data in FILES.items()]


def statement(*subjects: Value, predicate_type: str = SLSA, version: str = V1, predicate: Any = None) -> Value:
    """A statement about them."""
    return {"_type": version, "subject": list(subjects or (INPUT,)), "predicateType": predicate_type,
            "predicate": PREDICATE if predicate is None else predicate}


def line(payload: Value | bytes, sign: Envelope = SIGN) -> bytes:
    """The envelope as one line."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return json.dumps(sign.value(data), separators=(",", ":")).encode() + b"\n"


def case(name: str, title: str, text: bytes, *failing: str, options: tuple[str, ...] = (), side: str = SIDE,
         trust: tuple[str, ...] = TRUST, archive: bytes = ARCHIVE, **rest: Any) -> Case:
    """An archive with statements beside it."""
    return Case("intoto", name, title, verify(BUNDLE, *options, trust=trust), {BUNDLE: archive, side: text},
                failing=failing, kind="plain", **rest)


def inside(name: str, title: str, text: bytes, *failing: str, path: str = "attest/build.intoto.jsonl", **rest: Any) -> Case:
    """An archive with statements among its entries."""
    archive = BARE.but(entries=plus(Entry(path.encode(), text))).build()[BUNDLE]
    options, trust = rest.pop("options", ()), rest.pop("trust", TRUST)
    return Case("intoto", name, title, verify(BUNDLE, *options, trust=trust), {BUNDLE: archive}, failing=failing,
                kind="plain", **rest)


def single(name: str, title: str, payload: Value | bytes, *failing: str, options: tuple[str, ...] = (),
           sign: Envelope = SIGN, **rest: Any) -> Case:
    """An envelope by itself."""
    args = ("dsse", "verify", f"{{case}}/{ENVELOPE}", *TRUST, *EXAMPLE_KEYS, "--at", AT, *options)
    return Case("intoto", name, title, args, {ENVELOPE: line(payload, sign)}, failing=failing, **rest)


def predicate(uri: str) -> tuple[str, ...]:
    """The option that demands a predicate type."""
    return "--predicate-type", uri


def of(name: str) -> tuple[str, ...]:
    """The option that demands a subject."""
    return "--subject", name


def good() -> Iterator[Case]:
    """Statements by a trusted key about what is there."""
    yield case("good-input", "A statement names the archive by its digest", line(statement()), standings=PINNED)
    yield case("good-v0-1", "A statement of version 0.1 with provenance of version 0.2",
               line(statement(version=V0_1, predicate_type=SLSA_V02)), standings=PINNED)
    yield case("good-dsse-json", "The statement lies in NAME.dsse.json", line(statement()), side=f"{BUNDLE}.dsse.json",
               standings=PINNED)
    yield case("good-named", "The statement has another name and is named", line(statement()), side="build.json",
               options=("--sidecar", "{case}/build.json"), standings=PINNED)
    yield case("good-two-digests", "The subject has SHA-256, SHA-512 and SHA-1", line(statement(
        subject(BUNDLE, ARCHIVE, "sha256", "sha512", "sha1"))), standings=PINNED)
    yield case("good-sha512", "The subject has SHA-512 alone", line(statement(subject(BUNDLE, ARCHIVE, "sha512"))),
               standings=PINNED)
    yield case("good-other-name", "The subject has another name, and the digest of the archive",
               line(statement(subject("release/tool.tgz", ARCHIVE))), standings=PINNED)
    yield case("good-two-lines", "Two statements about the archive, one a line", line(statement()) + line(statement(
        predicate_type=VSA, predicate={"verifier": {"id": "https://v.example"}, "verificationResult": "PASSED"})),
        standings=PINNED)
    yield case("good-entries", "The subjects are the entries, by path and digest", line(statement(*ENTRIES)),
               standings=PINNED)
    yield case("good-entries-sha512", "The subjects are the entries, by path and SHA-512", line(statement(
        *(subject(path, data, "sha512") for path, data in FILES.items()))), standings=PINNED)
    yield case("good-demanded", "Predicate type and subject are the demanded ones", line(statement()),
               options=(*predicate(SLSA), *of(BUNDLE)), standings=PINNED)
    yield case("good-unknown-type", "The predicate type is not known, and told", line(statement(
        predicate_type="https://a.example/own/v1", predicate={})), standings=PINNED)
    yield case("good-demanded-entries", "The subjects are all entries, and the predicate type is the demanded one",
               line(statement(*ENTRIES)), options=predicate(SLSA), standings=PINNED)
    yield inside("good-inside", "A statement among the entries names all others", line(statement(*ENTRIES)),
                 standings=PINNED | {"attest/build.intoto.jsonl": "evidence"})
    yield single("good-single", "A statement by itself, of the demanded type", statement(),
                 options=(*predicate(SLSA), *of(f"sha256:{INPUT['digest']['sha256']}")))
    offline = {"offline_manifest_sha256": "a" * 64, "feeds": [], "builder": "ci", "created_at": AT, "oukit_channel": "stable"}
    yield single("good-single-object", "The subject of an offline update is one object, as one paper has it",
                 statement(predicate_type="https://stella-ops.org/attestations/offline-update/1",
                           predicate=offline) | {"subject": INPUT})
    named = {"_type": V0_1, "predicateType": SLSA_V02, "predicate": {},
             "subject": [subject("artifact.bin", ARTIFACT)]}
    yield sigstore("good-statement-demanded", "The statement of the bundle is of the demanded type", SIGSTORE.but(
        payload=lambda _: json.dumps(named).encode()), options=(*LOGGED, *predicate(SLSA_V02), *of("artifact.bin")))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nobody vouches."""
    yield case("unproven-no-key", "No key is given", line(statement()), trust=(), outcome=NOT_VERIFIED)
    yield inside("unproven-inside-stranger", "A stranger's statement among the entries is content",
                 line(statement(*ENTRIES), SIGN.but(signers=(STRANGER,))), outcome=NOT_VERIFIED)
    yield inside("unproven-inside-elsewhere", "A statement among the entries is about an image that is not here",
                 line(statement(subject("registry.example/tool", b"image"))), outcome=NOT_VERIFIED)
    for name, title, about in (
        ("elsewhere", "A statement is demanded, and the one in the signed archive is about an image that is not here",
         subject("registry.example/tool", b"image")),
        ("part", "A statement is demanded, and the one in the signed archive is about one entry of it", ENTRIES[0]),
    ):
        archive = BARE.but(entries=plus(Entry(b"attest/build.intoto.jsonl", line(statement(about))))).build()[BUNDLE]
        signature = base64.b64encode(ED25519.sign(archive)) + b"\n"
        yield Case("intoto", f"unproven-demanded-{name}", title, verify(BUNDLE, *predicate(SLSA)),
                   {BUNDLE: archive, f"{BUNDLE}.sig": signature}, outcome=NOT_VERIFIED, kind="plain")
    portal = Devportal().build()
    yield Case("intoto", "unproven-demanded-none", "A statement is demanded, and the bundle has none",
               verify(PORTAL, *predicate(SLSA)), portal, outcome=NOT_VERIFIED)


def bad() -> Iterator[Case]:
    """The statement is none, is about something else, or is not the demanded one."""
    none, kind, about, row = "intoto-statement", "intoto-predicate", "intoto-subject", "dsse-signature"
    yield case("garbage", "A trusted key signed what is no statement", line(b"\x00\x01garbage"), none)
    yield case("garbage-json", "A trusted key signed JSON that is no statement", line({"hello": "world"}), none)
    yield case("no-envelope", "The file holds the statement without an envelope", dump(statement()), none,
               side=f"{BUNDLE}.intoto.json")
    yield case("payload-type", "A statement under another payload type", line(
        statement(), SIGN.but(payload_type="application/json")), none, "dsse-payload-type")
    yield case("other-archive", "The statement of yesterday's archive", line(statement(subject("other.tgz", b"other"))), about)
    yield case("same-name", "The subject has the name of the archive, and another digest",
               line(statement(subject(BUNDLE, b"yesterday"))), about)
    yield case("name-alone", "The subject has the name of the archive, and SHA-1 alone", line(statement(
        subject(BUNDLE, ARCHIVE, "sha1"))), about)
    yield case("md5-alone", "The subject has MD5 alone", line(statement(subject(BUNDLE, ARCHIVE, "md5"))), about)
    mixed = {"name": BUNDLE, "digest": digests(ARCHIVE) | digests(b"other", "sha512")}
    yield case("digests-contradict", "SHA-256 is that of the archive, SHA-512 is not", line(statement(mixed)), about)
    yield case("subjects-contradict", "One subject is the archive, and another has its name and another digest",
               line(statement(INPUT, subject(BUNDLE, b"other"))), about)
    yield case("entry-altered", "A subject names an entry that has another digest", line(statement(
        *ENTRIES[1:], subject(ENTRIES[0]["name"], b"other"))), about)
    yield case("entry-digest-elsewhere", "The digests are those of the entries, under other paths", line(statement(
        *(subject(f"x/{path}", data) for path, data in FILES.items()))), about)
    yield case("entries-some", "The subjects leave one entry out", line(statement(*ENTRIES[:2])), "entry-unlisted",
               standings={ENTRIES[0]["name"]: "pinned", ENTRIES[2]["name"]: "unlisted"})
    yield case("archive-altered", "The archive was changed after the statement was signed", line(statement(subject(
        "release.tgz", ARCHIVE + b"."))), about)
    yield case("upper-case", "The digest is written in upper case", line(statement(
        {"name": BUNDLE, "digest": {"sha256": INPUT["digest"]["sha256"].upper()}})), none)
    yield case("two-spellings", "SHA256 stands beside sha256", line(statement(
        {"name": BUNDLE, "digest": digests(ARCHIVE) | {"SHA256": "0" * 64}})), none)
    yield case("subject-twice", "The statement has two members subject", line(
        json.dumps(statement()).encode().replace(b'"subject"', b'"subject": [], "subject"', 1)), none)
    yield case("no-subject", "The list of subjects is empty", line(statement() | {"subject": []}), none)
    yield case("version-unknown", "_type names a version that there is not", line(
        statement(version="https://in-toto.io/Statement/v0.2")), none)
    yield case("v0-1-no-name", "A subject of version 0.1 has no name", line(statement(
        {"digest": digests(ARCHIVE)}, version=V0_1)), none)
    yield case("stranger", "A stranger signed", line(statement(), SIGN.but(signers=(STRANGER,))), row)
    yield case("second-line", "The second of two statements is about another archive",
               line(statement()) + line(statement(subject("other.tgz", b"other"))), about)
    yield case("summary-failed", "A verification summary says that the archive did not pass", line(statement(
        predicate_type=VSA, predicate={"verifier": {"id": "https://v.example"}, "verificationResult": "FAILED"})), kind)
    yield case("predicate", "Another predicate type is demanded", line(statement()), kind, options=predicate(VSA))
    yield case("predicate-prefix", "The demanded predicate type is the beginning of the one that is there",
               line(statement(predicate_type=SLSA + ".1")), kind, options=predicate(SLSA))
    yield case("subject-name", "Another subject is demanded", line(statement()), about, options=of("tool.tgz"))
    yield case("subject-digest", "A subject of another digest is demanded", line(statement()), about,
               options=of("sha256:" + "0" * 64))
    yield case("subject-other", "The demanded subject is there, and is not the archive", line(statement(
        INPUT, subject("other.tgz", b"other"))), about, options=of("other.tgz"))
    yield inside("inside-contradicts", "A trusted statement among the entries gives one of them another digest", line(
        statement(*ENTRIES[:2], subject(ENTRIES[2]["name"], b"other"))), about)
    tool = next(one for one in ENTRIES if one["name"] == "bin/tool")
    yield case("entry-folder", "A subject names a file as a folder", line(statement(
        *(one | {"name": "bin/tool/"} if one is tool else one for one in ENTRIES))), "entry-unlisted",
        standings={"bin/tool": "unlisted"})
    yield from impure()
    crowd = {SIDE: line(statement(subject(ENTRIES[0]["name"], b"other")))}
    full = BARE.but(entries=plus(Entry(b"attest/build.intoto.jsonl", line(statement(*ENTRIES)) + b"x\n" * 63)))
    yield Case("intoto", "crowded-lines", "Lines inside fill the limit, and a statement beside the archive contradicts it",
               verify(BUNDLE), full.build() | crowd, failing=("entry-unlisted", about), kind="plain")
    full = BARE.but(entries=plus(Entry(b"attest/build.intoto.jsonl", line(statement(*ENTRIES)) * 64)))
    yield Case("intoto", "crowded-statements", "Good statements inside fill the limit, and one beside the archive contradicts it",
               verify(BUNDLE), full.build() | crowd, failing=("entry-unlisted", about), kind="plain")
    yield inside("inside-garbage", "A trusted key signed garbage as the statement among the entries",
                 line(b"garbage"), none)
    yield single("single-garbage", "A trusted key signed garbage as a statement", b"garbage", none)
    yield single("single-predicate", "Another predicate type is demanded", statement(), kind, options=predicate(VSA))
    yield single("single-subject", "Another subject is demanded", statement(), about, options=of("tool.tgz"))
    yield single("single-no-statement", "A statement is demanded, and another document is signed", b"{}", kind,
                 sign=SIGN.but(payload_type="application/json"), options=predicate(SLSA))
    named = {"_type": V0_1, "predicateType": SLSA_V02, "predicate": {}, "subject": [subject("artifact.bin", ARTIFACT)]}
    other = json.dumps(named | {"subject": [*named["subject"], subject("other", b"other")]}).encode()
    bundle = SIGSTORE.but(payload=lambda _: other)
    yield sigstore("statement-predicate", "The statement of the bundle is of another type than demanded", bundle, kind,
                   options=predicate(SLSA))
    yield sigstore("statement-subject", "The demanded subject is not the artifact", bundle, about, options=of("other"))
    yield sigstore("statement-none", "A statement is demanded, and the artifact itself is signed", SIGSTORE, kind,
                   options=predicate(SLSA))
    untyped = json.dumps(named | {"_type": "x"}).encode()
    yield sigstore("statement-version", "The statement of the bundle is of an unknown version",
                   SIGSTORE.but(payload=lambda _: untyped), none)


def impure() -> Iterator[Case]:
    """A file among the entries holds a good statement, and something besides that nobody signed."""
    path = "attest/build.intoto.jsonl"

    def with_junk(name: str, title: str, text: bytes, **rest: Any) -> Case:
        return inside(f"inside-{name}", title, text, "entry-unlisted", subject=path, path=path,
                      standings=PINNED | {path: "unlisted"}, **rest)

    good_line = line(statement(*ENTRIES))

    def edited(change: Any) -> bytes:
        value = json.loads(good_line)
        change(value)
        return json.dumps(value).encode() + b"\n"

    yield with_junk("script-before", "A script stands before the statement", b"#!/bin/sh\necho run me; exit\n" + good_line)
    yield with_junk("line-after", "A line after the statement is no envelope", good_line + b'{"note": "unsigned"}\n')
    yield with_junk("stranger-after", "The second statement is by a stranger", good_line + line(
        statement(*ENTRIES), SIGN.but(signers=(STRANGER,))))
    yield with_junk("elsewhere-after", "The second statement is about nothing that is here", good_line + line(
        statement(subject("registry.example/tool", b"image"))))
    yield with_junk("member", "The envelope has a member that is not signed", edited(lambda v: v.update(note="unsigned")))
    yield with_junk("signature-member", "A signature has a member that is not signed", edited(
        lambda v: v["signatures"][0].update(note="unsigned")))
    yield with_junk("signature-junk", "A second signature is bytes of anybody", edited(
        lambda v: v["signatures"].append({"keyid": "any", "sig": "YW55IGJ5dGVz"})))
    yield with_junk("signature-twin", "A second signature is by a stranger", line(
        statement(*ENTRIES), SIGN.but(signers=(ED25519, STRANGER))))
    yield with_junk("keyid-words", "The key id is a sentence", edited(
        lambda v: v["signatures"][0].update(keyid="pipe this file into a shell")))


# --- revocation lists that a policy honours --------------------------------------------------------------------------

AUTHORITY = policy_key("p256.pub.pem", 'kinds = ["revocation:bundle"]\n', name="authority")
ACME = policy_key("acme.pub.pem")
HONOURED = f'\n[[revocations]]\nfile = "{LIST}"\nkey = "authority"\n'


def revoking(*entries: Value, **members: Any) -> Revocation:
    """A list of these."""
    def change(value: Value) -> None:
        value["revocations"] = list(entries)
        value.update(members)
    return Revocation(change=change)


def honoured(name: str, title: str, recipe: Revocation, *failing: str, policy: str = ACME + AUTHORITY + HONOURED,
             files: dict[str, bytes] | None = None, file: str = PORTAL, options: tuple[str, ...] = EXAMPLE_KEYS,
             at: str = AT, verb: tuple[str, ...] = ("verify",), **rest: Any) -> Case:
    """A bundle under a policy with a revocation list."""
    args = (*verb, f"{{case}}/{file}", "--trust", "{case}/trust.toml", "--at", at, *options)
    tree = with_policy((Devportal().build() if files is None else files) | recipe.tree(), policy)
    return Case("intoto", name, title, args, tree, failing=failing, **rest)


def revocations() -> Iterator[Case]:
    """What a list revokes never counts, and a list that cannot be relied on makes the policy unusable."""
    others = revoking(revoked_key("auth-2025"))
    row = "dsse-signature"
    print_ = fingerprint("ed25519")
    yield honoured("good-revocations", "The policy honours a list that revokes others", others)
    yield honoured("good-revocations-floor", "The list is as new as the policy demands", others,
                   policy=f'{ACME}{AUTHORITY}{HONOURED}min_sequence = 7\nmax_age = "30d"\n')
    for name, title, entry in (
            ("name", "by the name that the policy gives it", revoked_key("acme")),
            ("fingerprint", "by its fingerprint", revoked_key("auth-1", fingerprint=print_)),
            ("colons", "by its fingerprint with colons, in capitals", revoked_key("auth-1", fingerprint=":".join(
                print_.removeprefix("sha256:").upper()[at:at + 2] for at in range(0, 64, 2)))),
            ("id", "by its fingerprint as id, without a prefix", revoked_key(print_.removeprefix("sha256:"))),
            ("keyid", "by the key id that the signature states", revoked_key(ED25519.keyid)),
            ("future", "from a time on that lies ahead", revoked_key("acme", revokedAt="2026-11-30T00:00:00Z"))):
        yield honoured(f"revoked-{name}", f"The list revokes the key that signed, {title}", revoking(entry), row,
                       subject="manifest.dsse.json")
    yield honoured("revoked-option", "The key comes by --key, and the list revokes it all the same",
                   revoking(revoked_key(print_)), row, policy=AUTHORITY + HONOURED,
                   options=(*EXAMPLE_KEYS, "--key", "{keys}/ed25519.pub.pem"))
    files = {ENVELOPE: line(statement())}
    yield honoured("revoked-envelope", "The list revokes the key that signed an envelope by itself",
                   revoking(revoked_key(print_)), row, files=files, file=ENVELOPE, verb=("dsse", "verify"))
    payload = json.dumps(statement()).encode()
    digest = f"sha256:{digests(payload)['sha256']}"
    content = "content-revoked"
    yield honoured("revoked-payload", "The list revokes the payload of an envelope, by digest",
                   revoking(revoked_subject(digest)), content, files=files, file=ENVELOPE, verb=("dsse", "verify"))
    portal = Devportal().build()
    yield honoured("revoked-bundle", "The list revokes the bundle, by digest",
                   revoking(revoked_subject(f"sha256:{digests(portal[PORTAL])['sha256']}")), content)
    page = Devportal().files["portal/index.html"]
    yield honoured("revoked-entry", "The list revokes an entry, by digest",
                   revoking(revoked_subject(f"sha256:{digests(page)['sha256']}")), content, subject="portal/index.html")
    upper = digests(page)['sha256'].upper()
    yield honoured("revoked-entry-upper", "The list revokes an entry, by digest in capitals",
                   revoking(revoked_subject(f"SHA256:{upper}")), content, subject="portal/index.html")
    unusable = {
        "base64": ("The list names a fingerprint in base64, with which no key here can be compared",
                   revoking(revoked_key("auth-2025", fingerprint="SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"))),
        "unsigned": ("The list has no signature", others.but(sign=None)),
        "other-key": ("Another key signed the list", others.but(sign=Jws(ECDSA_P384, "ES384"))),
        "altered": ("The list was changed after it was signed", others.but(spoil=lambda data: data.replace(b"auth-2025", b"auth-2026"))),
        "expired": ("The list is not in force any more", revoking(expiresAt="2026-11-19T00:00:00Z")),
        "early": ("The list is not in force yet", revoking(validFrom="2026-11-21T00:00:00Z")),
        "disorder": ("The list is not in order", revoking(revoked_key("b"), revoked_key("a"))),
        "secret": ("A shared secret signed the list", others.but(sign=Jws(SHARED_SECRET, "HS256"))),
    }
    for name, (title, recipe) in unusable.items():
        yield honoured(f"usage-revocations-{name}", title, recipe, outcome=USAGE)
    policies = {
        "rollback": ("The list is older than the policy demands", f"{ACME}{AUTHORITY}{HONOURED}min_sequence = 8\n"),
        "stale": ("The list is older than the policy allows", f'{ACME}{AUTHORITY}{HONOURED}max_age = "7d"\n'),
        "nobody": ("The key of the list is none of the policy", ACME + HONOURED),
        "may-not": ("The key of the list may sign other kinds only",
                    ACME + policy_key("p256.pub.pem", 'kinds = ["mirror:*"]\n', name="authority") + HONOURED),
        "key-over": ("The key of the list does not count any more",
                     ACME + policy_key("p256.pub.pem", "valid_until = 2026-11-19T00:00:00Z\n", name="authority") + HONOURED),
        "absent": ("The list is not there", ACME + AUTHORITY + HONOURED.replace(LIST, "none.json")),
        "field": ("A field is not known", f"{ACME}{AUTHORITY}{HONOURED}ignore = true\n"),
    }
    for name, (title, policy) in policies.items():
        yield honoured(f"usage-revocations-{name}", title, others, policy=policy, outcome=USAGE)


# --- detached JWS over manifests -------------------------------------------------------------------------------------

def manifests() -> Iterator[Case]:
    """A JWS vouches for a manifest as an envelope does."""
    unsigned = Devportal(sign=None)
    manifest, name = unsigned.manifest(), "manifest.json.jws"
    es256 = Jws(ECDSA_P256, "ES256")

    def beside(case_name: str, title: str, text: bytes, *failing: str, **rest: Any) -> Case:
        options, trust = rest.pop("options", ()), rest.pop("trust", TRUST)
        return Case("intoto", case_name, title, verify(PORTAL, *options, trust=trust), unsigned.build() | {name: text},
                    failing=failing, kind="devportal:offline", **rest)

    pinned = {"portal/index.html": "pinned"}
    yield beside("good-jws", "A detached JWS over manifest.json lies beside the bundle", Jws()(manifest), standings=pinned)
    yield beside("good-jws-es256", "The same with ES256", es256(manifest), trust=key("ecdsa-p256"), standings=pinned)
    yield beside("good-jws-jwks", "The same, and the keys are a JWK set", es256(manifest),
                 trust=("--key", "{keys}/trusted.jwks.json"), standings=pinned)
    yield beside("good-jws-encoded", "The payload is encoded and detached", Jws(encoded=True)(manifest), standings=pinned)
    yield beside("good-jws-attached", "The payload is attached, and is the manifest", Jws(encoded=True, attached=True)(manifest),
                 standings=pinned)
    within = unsigned.but(entries=plus(Entry(name.encode(), Jws()(manifest))))
    yield Case("intoto", "good-jws-inside", "The JWS lies in the bundle beside the manifest", verify(PORTAL), within.build(),
               kind="devportal:offline", standings=pinned | {name: "evidence"})
    other = b'{"revocations": []}\n'
    stray = unsigned.but(entries=plus(Entry(name.encode(), Jws()(manifest)), Entry(b"portal/export.json", other),
                                      Entry(b"portal/export.json.jws", Jws()(other))))
    yield Case("intoto", "jws-no-manifest", "A trusted JWS is over a file that only has the name of a manifest",
               verify(PORTAL), stray.build(), failing=("entry-unlisted",), kind="devportal:offline",
               standings=pinned | {"portal/export.json": "unlisted", "portal/export.json.jws": "unlisted"})
    yield beside("unproven-jws-no-key", "No key is given", Jws()(manifest), trust=(), outcome=NOT_VERIFIED)
    yield beside("unproven-jws-text", "The file holds text that is no JWS", b"unsigned-dev-bundle\n", outcome=NOT_VERIFIED)
    row = "jws-signature"
    yield beside("jws-stranger", "A stranger signed", Jws(STRANGER)(manifest), row, subject=name)
    yield beside("jws-other-manifest", "The JWS is over another manifest", Jws()(manifest + b" "), row)
    yield beside("jws-attached-other", "The attached payload is another manifest",
                 Jws(encoded=True, attached=True)(manifest + b" "), row)
    yield beside("jws-none", "The header says alg none", Jws(header={"alg": "none"})(manifest), row)
    yield beside("jws-confusion", "The header says HS256, and a public key is given", Jws(SHARED_SECRET, "HS256")(manifest), row)
    yield beside("jws-crit", "crit names what is not understood",
                 Jws(header={"crit": ["b64", "exp"], "exp": 1})(manifest), row)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad, revocations, manifests):
        yield from family()
