"""Revocation lists for `revocation verify`."""

from collections.abc import Callable, Iterator
from typing import Any

from ..case import AT, ENVIRONMENT, EXAMPLE_KEYS, NOT_VERIFIED, USAGE, Case, key
from ..jws import Jws
from ..revocation import (ES256, FILE, ISSUER, Document, Revocation, bare_digest, client, compact, state, subject, token,
                          unsorted)
from ..revocation import key as revoked_key
from ..signing import ECDSA_P256, ECDSA_P384, ED25519, KEYS, RSA_3072, RSA_3072_PKCS1, SHARED_SECRET, Ecdsa, Hmac

GOOD = Revocation()
TRUST = key("ecdsa-p256")
JWKS = ("--key", "{keys}/trusted.jwks.json")


def case(name: str, title: str, recipe: Revocation = GOOD, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, at: str = AT, **rest: Any) -> Case:
    """One list and what must come out."""
    waiver = EXAMPLE_KEYS if trust else ()
    args = ("revocation", "verify", f"{{case}}/{FILE}", *trust, *waiver, "--at", at, *options)
    return Case("revocation", name, title, args, recipe.tree(), failing=failing, **rest)


def changed(**members: Any) -> Revocation:
    """Members replaced before signing; None takes one away."""
    def change(value: Document) -> None:
        for name, member in members.items():
            if member is None:
                del value[name]
            else:
                value[name] = member
    return GOOD.but(change=change)


def listing(*revocations: Document) -> Revocation:
    """Other revocations, before signing."""
    return changed(revocations=list(revocations))


def without(entry: Document, member: str) -> Document:
    """A revocation without a member."""
    return {name: value for name, value in entry.items() if name != member}


def edited(old: bytes, new: bytes) -> Revocation:
    """The text changed before signing."""
    def edit(data: bytes) -> bytes:
        assert old in data, old
        return data.replace(old, new, 1)
    return GOOD.but(edit=edit)


def signed(sign: Callable[[bytes], bytes] | None) -> Revocation:
    """Another signature."""
    return GOOD.but(sign=sign)


def beside(**changes: Any) -> Revocation:
    """With the state of an earlier run."""
    return GOOD.but(beside={"state.json": state(GOOD.data(), **changes)})


STATE = ("--state", "{case}/state.json")


def good() -> Iterator[Case]:
    """Lists that verify."""
    yield case("good", "All four categories, digest and signature beside it, ES256")
    yield case("good-example-of-the-documents", "One line, as the example in the documents; only required members and an id",
               Revocation(change=only_required, emit=compact))
    yield case("good-jwks", "The key is one of a JWK set", trust=JWKS)
    for signer, alg in ((ED25519, "EdDSA"), (ECDSA_P384, "ES384"), (RSA_3072, "PS256"), (RSA_3072_PKCS1, "RS256")):
        recipe = changed(signingKeyId=signer.keyid).but(sign=Jws(signer=signer, alg=alg))
        yield case(f"good-{alg.lower()}", f"Signed with {alg}", recipe, trust=key(signer.name))
    yield case("good-encoded", "The signature is over the encoded payload (RFC 7515)", signed(ES256.but(encoded=True)))
    yield case("good-attached", "The signature carries the very same payload", signed(ES256.but(encoded=True, attached=True)))
    yield case("good-no-digest", "No digest lies beside it", GOOD.but(digest=None))
    yield case("good-digest-line", "The digest stands in a line with the name", GOOD.but(
        digest=lambda data: bare_digest(data).strip() + b"  " + FILE.encode() + b"\n"))
    yield case("good-nothing-revoked", "The list is empty", listing())
    yield case("good-members-unsorted", "Members are in another order: told, no failure", GOOD.but(emit=unsorted))
    yield case("good-named-signature", "The signature has another name and is named", GOOD.but(
        sign=None, beside={"signature.jws": ES256(GOOD.data())}), options=("--signature", "{case}/signature.jws"))
    yield case("good-own-key-revoked", "The list revokes the key that signed it: told loudly",
               listing(revoked_key(ECDSA_P256.keyid)))
    yield case("good-no-signing-key-id", "The list names no signing key", changed(signingKeyId=None))
    yield case("good-newer", "The sequence is above the last one", options=("--last-sequence", "6"))
    yield case("good-repeat", "The very list that was accepted before", beside(), options=STATE)
    yield case("good-fresh", "Younger than the maximum", options=("--max-age", "30d"))
    yield case("good-clock-ahead", "The clock of the issuer is five minutes ahead", at="2026-10-31T23:55:00Z")
    yield case("good-hostile-names", "Ids with characters that act on a terminal", listing(
        client("\u001b[2J\u202eci"), client("ci\nVERIFIED")))


def only_required(value: Document) -> None:
    """What the schema requires, and the id."""
    for name in ("expiresAt", "metadata", "signingKeyId", "validFrom"):
        del value[name]
    value["revocations"] = [client("ci")]


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nothing is known."""
    yield case("unproven-no-key", "No key is given", trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-no-signature", "There is no signature", signed(None), outcome=NOT_VERIFIED)
    yield case("unproven-sidecars-off", "What lies beside the list is not looked at", options=("--no-sidecars",),
               outcome=NOT_VERIFIED)
    yield case("unproven-signature-text", "The signature is unsigned text", signed(lambda _: b"unsigned-dev-bundle\n"),
               outcome=NOT_VERIFIED)
    yield case("unproven-same-sequence", "The sequence is the last one, and a number cannot tell one list from another",
               options=("--last-sequence", "7"), outcome=NOT_VERIFIED)


def bad_signature() -> Iterator[Case]:
    """Nobody who is trusted signed these bytes."""
    none = lambda _: b"eyJhbGciOiJub25lIn0..\n"  # {"alg":"none"}
    public = Hmac((KEYS / "ecdsa-p256.pub.pem").read_bytes(), ECDSA_P256.keyid)
    bad = {
        "altered": ("One digit of the list is another one", GOOD.but(
            spoil=lambda data: data.replace(b'"sequence": 7', b'"sequence": 9'))),
        "one-space-more": ("A line feed follows the list, after signing", GOOD.but(spoil=lambda data: data + b"\n")),
        "signed-by-other-key": ("The signature is by a key that nobody trusts", signed(
            Jws(signer=Ecdsa("ecdsa-p384", ECDSA_P256.keyid, ECDSA_P384.curve), alg="ES384"))),
        "signature-of-other-list": ("The signature belongs to another list", signed(
            lambda _: ES256(changed(sequence=6).data()))),
        "attached-other-payload": ("The signature carries another payload, well signed", signed(
            lambda _: ES256.but(encoded=True, attached=True)(changed(sequence=6).data()))),
        "alg-none": ("The header says that nobody signed", signed(none)),
        "alg-hmac-public-key": ("HMAC with the public key as its secret", signed(Jws(signer=public, alg="HS256"))),
        "alg-hmac": ("HMAC with a shared secret", signed(Jws(signer=SHARED_SECRET, alg="HS256"))),
        "alg-unknown": ("The header names an algorithm that nobody knows", signed(ES256.but(alg="ES257"))),
        "alg-of-other-type": ("The header names an algorithm of another type of key", signed(ES256.but(alg="PS256"))),
        "b64-not-critical": ("b64 is false, and not marked as critical", signed(ES256.but(
            encoded=True, header={"b64": False}))),
        "critical-unknown": ("A critical extension that is not known", signed(ES256.but(
            header={"crit": ["b64", "exp"], "exp": 1}))),
        "signature-cut": ("The last characters of the signature are missing", signed(
            lambda data: ES256(data).strip()[:-4] + b"\n")),
        "signature-json": ("The signature is in JSON form", signed(lambda _: b'{"payload":"","signatures":[]}')),
        "header-key-twice": ("The header has two algorithms", signed(
            lambda data: b"eyJhbGciOiJFUzI1NiIsImFsZyI6Im5vbmUifQ.." + ES256(data).rsplit(b".", 1)[1])),
    }
    for name, (title, recipe) in bad.items():
        failing = ("jws-signature", "signature-purpose") if name == "alg-hmac" else ("jws-signature",)
        yield case(name, title, recipe, *failing)
    yield case("wrong-key-given", "The key given is another one", GOOD, "jws-signature", trust=key("ecdsa-p384"))
    yield case("stranger-given", "The key given is of another type", GOOD, "jws-signature", trust=key("stranger"))
    yield case("key-id-differs", "The header names another key than the list", changed(signingKeyId="auth-2026"),
               "signature-purpose", subject=f"{FILE}.jws")
    yield case("alg-none-without-key", "The header says that nobody signed, and no key is given", signed(none),
               "jws-signature", trust=())


def bad_text() -> Iterator[Case]:
    """Texts that are well signed and no revocation lists."""
    strict = {
        "member-twice": ("There are two sequences", edited(b'"sequence": 7', b'"sequence": 7, "sequence": 8')),
        "member-by-case": ("Two members differ only by case", edited(b'"sequence": 7', b'"sequence": 7, "Sequence": 8')),
        "not-json": ("The list is no JSON", GOOD.but(edit=lambda _: b"revoked: all\n")),
        "empty": ("The list is empty text", GOOD.but(edit=lambda _: b"")),
        "byte-order-mark": ("A byte order mark comes first", GOOD.but(edit=lambda data: b"\xef\xbb\xbf" + data)),
        "second-value": ("A second list follows", GOOD.but(edit=lambda data: data * 2)),
    }
    for name, (title, recipe) in strict.items():
        yield case(name, title, recipe, "document-json")
    schema = {
        "array": ("The list is an array", GOOD.but(edit=lambda data: b"[" + data + b"]")),
        "version-other": ("A schema that is not known", changed(schemaVersion="1.1.0")),
        "version-missing": ("No schema version", changed(schemaVersion=None)),
        "issuer-no-uri": ("The issuer is no URI", changed(issuer="auth.example")),
        "sequence-negative": ("The sequence is below zero", changed(sequence=-1)),
        "sequence-fraction": ("The sequence is no integer", changed(sequence=7.5)),
        "sequence-huge": ("The sequence is beyond what all readers agree on", changed(sequence=2**53)),
        "sequence-missing": ("There is no sequence", changed(sequence=None)),
        "bundle-id-upper-case": ("The bundle id is in upper case", changed(bundleId="6F9D08BFA0C24A0A")),
        "issued-at-offset": ("The time has an offset in place of Z", changed(issuedAt="2026-11-01T00:00:00+00:00")),
        "expires-at-no-time": ("The end is no date of the calendar", changed(expiresAt="2026-11-31T00:00:00Z")),
        "member-unknown": ("A member that the schema does not know", changed(note="hello")),
        "metadata-nested": ("Metadata holds an object", changed(metadata={"a": {"b": 1}})),
        "revocations-object": ("The revocations are no array", changed(revocations={})),
        "category-unknown": ("A category that is not known", listing(client("ci", category="device"))),
        "token-without-type": ("A token without its type", listing(without(token("t-1"), "tokenType"))),
        "token-without-client": ("A token without its client", listing(without(token("t-1"), "clientId"))),
        "subject-without-subject": ("A subject without its id as one", listing(without(subject("u"), "subjectId"))),
        "client-without-client": ("A client without its id as one", listing(without(client("ci"), "clientId"))),
        "key-without-id": ("A key without an id", listing(without(revoked_key("k"), "id"))),
        "revoked-at-missing": ("A revocation without a time", listing(without(client("ci"), "revokedAt"))),
        "reason-empty": ("A reason of no characters", listing(client("ci", reason=""))),
        "revocation-member-unknown": ("A revocation with a member that the schema does not know", listing(
            client("ci", severity="high"))),
        "scopes-text": ("Scopes are a text", listing(token("t-1", scopes="read"))),
    }
    for name, (title, recipe) in schema.items():
        yield case(name, title, recipe, "revocation-schema", subject=FILE)
    order = {
        "ids-unsorted": ("Two ids are in the wrong order", listing(client("b"), client("a"))),
        "categories-unsorted": ("A key comes before a client", listing(revoked_key("a"), client("b"))),
        "times-unsorted": ("Two times of one id are in the wrong order", listing(
            client("a", revokedAt="2026-10-12T00:00:00Z"), client("a"))),
        "revocation-twice": ("One revocation stands twice", listing(client("a"), client("a", reason="policy"))),
        "scopes-unsorted": ("Scopes are in the wrong order", listing(token("t-1", scopes=["write", "read"]))),
        "scope-twice": ("A scope stands twice", listing(token("t-1", scopes=["read", "read"]))),
    }
    for name, (title, recipe) in order.items():
        yield case(name, title, recipe, "revocation-order", subject=FILE)


def bad_time() -> Iterator[Case]:
    """Not in force, or not the next one."""
    yield case("digest-differs", "The digest beside it is another one", GOOD.but(
        digest=lambda data: bare_digest(data + b"\n")), "sidecar-digest", subject=f"{FILE}.sha256")
    yield case("digest-of-other-file", "The digest beside it is of another file", GOOD.but(
        digest=lambda data: bare_digest(data).strip() + b"  other.json\n"), "sidecar-digest")
    yield case("expired", "It expires at the second of the clock", changed(expiresAt=AT), "revocation-window")
    yield case("not-yet-valid", "It is valid from tomorrow on", changed(validFrom="2026-11-21T00:00:00Z"),
               "revocation-window")
    yield case("issued-in-future", "It was issued five minutes and a second after the clock", GOOD, "revocation-window",
               at="2026-10-31T23:54:59Z")
    yield case("window-inverted", "It ends before it begins", changed(
        validFrom="2026-11-10T00:00:00Z", expiresAt="2026-11-09T00:00:00Z"), "revocation-window")
    yield case("stale", "Older than the maximum", GOOD, "age", options=("--max-age", "7d"))
    yield case("older", "The sequence is below the last one", GOOD, "revocation-sequence",
               options=("--last-sequence", "8"))
    yield case("older-than-state", "The sequence is below that of the state", beside(sequence=8, sha256="00" * 32),
               "revocation-sequence", options=STATE)
    yield case("same-sequence-other-list", "Another list of this sequence was accepted before", beside(sha256="00" * 32),
               "revocation-sequence", options=STATE)
    yield case("other-issuer", "The state is of another issuer", beside(issuer=f"{ISSUER}.org", sequence=6),
               "revocation-sequence", options=STATE)
    yield case("older-with-other-id", "Older, with another id and a newer time: one paper lets it pass, the schema does not",
               beside(sequence=8, bundleId="0" * 16, issuedAt="2026-10-01T00:00:00Z", sha256="00" * 32),
               "revocation-sequence", options=STATE)
    yield case("several-failures", "Altered, expired and older: every failure is told", changed(expiresAt=AT).but(
        spoil=lambda data: data.replace(b'"sequence": 7', b'"sequence": 5')), "jws-signature", "revocation-window",
        "revocation-sequence", options=("--last-sequence", "6"))


def refused() -> Iterator[Case]:
    """Command lines and files with which no answer can be formed."""
    yield case("usage-state-garbage", "The state is no state", GOOD.but(beside={"state.json": b"{}\n"}), options=STATE,
               outcome=USAGE)
    yield case("usage-state-and-number", "Both a state and a number are given", beside(),
               options=(*STATE, "--last-sequence", "6"), outcome=USAGE)
    yield case("usage-weak-key", "The key is RSA with 1024 bits", trust=key("rsa-1024"), outcome=USAGE)
    yield case("environment-no-signature", "The signature that is named is not there",
               options=("--signature", "{case}/other.jws"), outcome=ENVIRONMENT)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad_signature, bad_text, bad_time, refused):
        yield from family()
