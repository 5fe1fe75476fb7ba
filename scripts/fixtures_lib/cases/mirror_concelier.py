"""mirror:concelier: advisories by domain."""

from collections.abc import Iterator

from .. import tar
from ..case import NOT_VERIFIED, TRUST, Case, key, verify
from ..concelier import BUNDLE, DOMAINS, EXPORT, UNSIGNED, Concelier
from ..devportal import plus, replacing, setting, without
from ..jws import Jws
from ..signing import ECDSA_P256, STRANGER
from ..tar import Entry

GOOD = Concelier()
JWS = Jws()
PRIMARY = EXPORT + "mirror/primary/"
CONTENT, SIGNATURE, MANIFEST = PRIMARY + "bundle.json", PRIMARY + "bundle.json.jws", PRIMARY + "manifest.json"
LINK = Entry(b"latest", type=tar.SYMLINK, link=EXPORT.rstrip("/").encode())


def case(name: str, title: str, bundle: Concelier, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One export and what must come out."""
    return Case("mirror-concelier", name, title, verify(BUNDLE, *options, trust=trust), bundle.build(),
                failing=failing, kind="mirror:concelier", **rest)


def none(_: bytes) -> None:
    """No signature file."""
    return None


def unsigned(_: bytes) -> bytes:
    """What development builds write in place of a signature."""
    return UNSIGNED


def good() -> Iterator[Case]:
    """Nothing is wrong."""
    yield case("good", "Two domains, each with a detached JWS over the bytes of bundle.json", GOOD,
               standings={CONTENT: "pinned", SIGNATURE: "evidence", MANIFEST: "set-aside",
                          EXPORT + "mirror/index.json": "set-aside"})
    yield case("good-encoded", "The payload is encoded before it is signed, as RFC 7515 has it",
               GOOD.but(sign=JWS.but(encoded=True)))
    yield case("good-attached", "The JWS carries its payload, which is bundle.json",
               GOOD.but(sign=JWS.but(encoded=True, attached=True)))
    yield case("good-es256", "Signed with ECDSA P-256", GOOD.but(
        sign=Jws(ECDSA_P256, "ES256"), other_sign=Jws(ECDSA_P256, "ES256")), trust=key("ecdsa-p256"))
    yield case("good-at-root", "There is no folder of the export", GOOD.but(top=""),
               standings={"mirror/primary/bundle.json": "pinned"})
    yield case("good-beside-mirror", "The domains lie beside mirror/, not in it", GOOD.but(folder=""),
               standings={EXPORT + "primary/bundle.json": "pinned"})
    yield case("good-advisories-listed", "The manifest lists the advisories instead of counting them",
               GOOD.but(manifest_edit=setting("advisories", to=DOMAINS["primary"])))
    yield case("good-signed-time", "Each bundle.json says when it was made, and the older one is young enough",
               GOOD.but(every_edit=setting("generatedAt", to="2026-11-15T00:00:00Z"),
                        content_edit=setting("generatedAt", to="2026-11-16T00:00:00Z")), options=("--max-age", "7d"))
    yield case("good-latest-waived", "A link latest points to the export; no document can vouch for it, so it is waived",
               GOOD.but(entries=plus(LINK)), options=("--allow-extra", "latest"))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nobody vouches."""
    yield case("unproven-no-key", "No key is given", GOOD, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-dev-bundle", "The signatures are the text of development builds: unsigned, not broken",
               GOOD.but(sign=unsigned, other_sign=unsigned), outcome=NOT_VERIFIED,
               standings={SIGNATURE: "set-aside", CONTENT: "listed"})
    yield case("unproven-one-domain", "One of two domains is unsigned", GOOD.but(sign=unsigned), outcome=NOT_VERIFIED,
               standings={CONTENT: "listed", EXPORT + "mirror/community/bundle.json": "pinned"})
    yield case("unproven-no-signature", "A domain has no bundle.json.jws", GOOD.but(sign=none), outcome=NOT_VERIFIED)
    yield case("unproven-digests", "Nothing is signed, and nothing states a digest either",
               GOOD.but(sign=none, other_sign=none), outcome=NOT_VERIFIED, options=("--require", "integrity"),
               trust=())
    yield case("unproven-signature-not-checked", "A signature that no key was given for states no digest of its file",
               GOOD, outcome=NOT_VERIFIED, options=("--require", "integrity,complete"), trust=(),
               standings={CONTENT: "listed"})
    yield case("unproven-age", "An age is required, and only what nobody signed says when the export was made",
               GOOD, options=("--max-age", "30d"), outcome=NOT_VERIFIED)
    yield case("unproven-age-of-one", "An age is required, and one of two signed domains does not say when it was made",
               GOOD.but(content_edit=setting("generatedAt", to="2026-11-19T00:00:00Z")),
               options=("--max-age", "2d", "--require", "integrity,complete,signature,fresh"), outcome=NOT_VERIFIED)


def signatures() -> Iterator[Case]:
    """Signatures that prove nothing."""
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "jws-signature", trust=key("stranger"))
    yield case("signed-by-stranger", "A stranger signed one domain under the key id of the trusted key",
               GOOD.but(sign=JWS.but(signer=STRANGER, header={"kid": "example-ed25519"})), "jws-signature",
               subject=SIGNATURE)
    yield case("content-altered", "An advisory has another key than what was signed",
               GOOD.but(shipped=replacing(b"EXAMPLE-2026-0003", b"EXAMPLE-2026-0004")), "jws-signature",
               subject=SIGNATURE)
    yield case("attached-other", "The JWS carries another payload than bundle.json",
               GOOD.but(sign=JWS.but(encoded=True, attached=True),
                        shipped=replacing(b"EXAMPLE-2026-0003", b"EXAMPLE-2026-0004")), "jws-signature",
               subject=SIGNATURE)
    yield case("alg-none", "The header says that nobody signed", GOOD.but(sign=JWS.but(alg="none")), "jws-signature",
               subject=SIGNATURE)
    yield case("alg-other", "The header names the algorithm of another type of key",
               GOOD.but(sign=JWS.but(alg="ES256")), "jws-signature", subject=SIGNATURE)
    yield case("crit-unknown", "The header has a critical extension that nobody knows",
               GOOD.but(sign=JWS.but(header={"crit": ["b64", "exp"], "exp": 1})), "jws-signature", subject=SIGNATURE)
    yield case("jws-broken", "The signature is no base64url",
               GOOD.but(sign=lambda data: JWS(data)[:-3] + b"==\n"), "jws-signature", subject=SIGNATURE)


def content() -> Iterator[Case]:
    """Documents and files that do not agree."""
    yield case("count-misstated", "The manifest counts two advisories, bundle.json has three",
               GOOD.but(manifest_edit=setting("advisories", to=2)), "documents-agree", subject=MANIFEST,
               standings={MANIFEST: "contradicted"})
    yield case("manifest-of-other-domain", "The manifest is of another domain",
               GOOD.but(manifest_edit=setting("domainId", to="community")), "documents-agree", subject=MANIFEST)
    yield case("content-of-other-domain", "bundle.json says that it is of another domain",
               GOOD.but(content_edit=setting("domainId", to="community")), "documents-agree", subject=MANIFEST)
    yield case("content-absent", "A domain has no bundle.json", GOOD.but(sign=none, entries=without(CONTENT)),
               "document-present", "entry-missing", subject=CONTENT)
    yield case("manifest-absent", "A domain has no manifest", GOOD.but(entries=without(MANIFEST)), "document-present",
               subject=MANIFEST)
    yield case("content-key-twice", "bundle.json has two lists of advisories",
               GOOD.but(content_edit=lambda value: value.update(Advisories=[])), "document-json", subject=CONTENT)
    yield case("index-schema", "The index is of another version", GOOD.but(
        index_edit=setting("schemaVersion", to=2)), "document-schema", subject=EXPORT + "mirror/index.json")
    yield case("index-domain-parent", "The index names a domain outside the tree", GOOD.but(
        index_edit=lambda index: index["domains"].append({"id": ".."})), "document-schema",
        subject=EXPORT + "mirror/index.json")
    yield case("index-lacks-domain", "A domain is not in the index", GOOD.but(
        index_edit=lambda index: index["domains"].pop()), "entry-unlisted", subject=CONTENT)
    yield case("entry-unlisted", "A file is none of a domain",
               GOOD.but(entries=plus(Entry(f"{PRIMARY}notes.txt".encode(), b"trust me\n"))), "entry-unlisted",
               subject=PRIMARY + "notes.txt")
    yield case("link-latest", "A link latest points to the export, and nobody waives it", GOOD.but(entries=plus(LINK)),
               "entry-unlisted", subject="latest")
    yield case("link-outside", "The link latest points out of the tree", GOOD.but(
        entries=plus(Entry(b"latest", type=tar.SYMLINK, link=b"../elsewhere"))), "entry-link", "entry-unlisted")
    yield case("index-too-many-domains", "The index names 300 domains, of which 298 are not there", GOOD.but(
        index_edit=lambda index: index["domains"].extend({"id": f"d{n:03}"} for n in range(298))), "document-schema",
        "document-present")
    yield case("stale", "One bundle.json was made 19 days ago, the other today, with a maximum of 7",
               GOOD.but(every_edit=setting("generatedAt", to="2026-11-20T00:00:00Z"),
                        content_edit=setting("generatedAt", to="2026-11-01T00:00:00Z")), "age",
               options=("--max-age", "7d"), subject=CONTENT)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, signatures, content):
        yield from family()
