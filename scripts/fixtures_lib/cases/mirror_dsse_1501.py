"""mirror:dsse-1501: mirror.json and SHA256SUMS."""

from collections.abc import Iterator
from typing import Any

from ..case import INTACT, NOT_VERIFIED, TRUST, Case, key, verify
from ..devportal import altered, plus, replacing, setting, sha256, without
from ..mirror_dsse_1501 import BUNDLE, ENVELOPE, FILES, HEADER, KEY, LIST, SIGN, Mirror1501
from ..signing import STRANGER
from ..tar import Entry

GOOD = Mirror1501()
ENTRY = "vex/openvex.json"


def case(name: str, title: str, bundle: Mirror1501, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One mirror and what must come out."""
    return Case("mirror-dsse-1501", name, title, verify(BUNDLE, *options, trust=trust), bundle.build(),
                failing=failing, kind="mirror:dsse-1501", **rest)


def silent(mirror: dict[str, Any]) -> None:
    """mirror.json without a purpose."""
    del mirror["purpose"]


def line_of(path: str) -> bytes:
    """The line of SHA256SUMS for one file."""
    return f"{sha256(FILES[path])}  {path}\n".encode()


def good() -> Iterator[Case]:
    """Nothing is wrong."""
    pinned = {ENTRY: "pinned", "mirror.json": "pinned", LIST: "pinned", ENVELOPE: "evidence", KEY: "set-aside",
              "SHA256SUMS.dsse": "evidence"}
    yield case("good", "mirror.json and SHA256SUMS are signed, the key beside them is set aside", GOOD,
               standings=pinned)
    yield case("good-envelope-under-mirror", "The copy of the envelope lies at mirror/metadata/mirror.dsse.json",
               GOOD.but(envelope=f"mirror/{ENVELOPE}"), standings={f"mirror/{ENVELOPE}": "evidence"})
    yield case("good-in-mirror", "Everything lies in a directory mirror", GOOD.but(top="mirror/"),
               standings={f"mirror/{ENTRY}": "pinned", f"mirror/{KEY}": "set-aside"})
    yield case("good-list-unsigned", "SHA256SUMS is not signed and agrees", GOOD.but(list_sign=None),
               standings={LIST: "evidence", ENTRY: "pinned"})
    yield case("good-mirror-unsigned", "Only SHA256SUMS is signed, and it names mirror.json", GOOD.but(sign=None),
               standings={"mirror.json": "pinned", ENTRY: "pinned"})
    yield case("good-both-of-mirror", "Both envelopes are over mirror.json",
               GOOD.but(list_sign=None, tree_edit=lambda tree: tree | {"SHA256SUMS.dsse": tree[ENVELOPE]}))
    yield case("good-list-as-text", "The envelope of SHA256SUMS says that it is text",
               GOOD.but(list_sign=SIGN.but(payload_type="text/plain")))
    yield case("good-purpose-not-stated", "Nothing states a purpose", GOOD.but(edit=silent, header={}))
    yield case("good-purpose-hinted", "The purpose stands only beside the envelope, where nobody signed it",
               GOOD.but(edit=silent, header={"header": HEADER}))


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nobody vouches."""
    unsigned = GOOD.but(sign=None, list_sign=None)
    yield case("unproven-no-key", "No key is given; the one in the mirror does not count", GOOD, trust=(),
               outcome=NOT_VERIFIED, standings={KEY: "set-aside"})
    yield case("unproven-unsigned", "There are no envelopes", unsigned, outcome=NOT_VERIFIED)
    yield case("intact-unsigned", "There are no envelopes, and none is required", unsigned, trust=(),
               options=("--require", "integrity,complete"), outcome=INTACT)


def bad() -> Iterator[Case]:
    """One defect each."""
    stranger = SIGN.but(signers=(STRANGER,))
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "dsse-signature", trust=key("stranger"))
    yield case("signed-by-stranger", "A stranger signed all of it", GOOD.but(sign=stranger, list_sign=stranger),
               "dsse-signature")
    yield case("list-signed-by-stranger", "A stranger signed SHA256SUMS", GOOD.but(list_sign=stranger),
               "dsse-signature", subject="SHA256SUMS.dsse")
    yield case("payload-type-other", "The payload type has no version", GOOD.but(
        sign=SIGN.but(payload_type="application/vnd.stellaops.mirror+json")), "dsse-payload-type", subject=ENVELOPE)
    yield case("mirror-altered", "mirror.json has another generation than what was signed", GOOD.but(
        shipped=replacing(b'"generation": 7', b'"generation": 8'),
        listed=lambda data: b"".join(row for row in data.splitlines(True) if b"mirror.json" not in row)),
        "dsse-payload", subject=ENVELOPE)
    yield case("list-altered", "SHA256SUMS has an empty line that was not signed",
               GOOD.but(list_shipped=lambda data: data + b"\n"), "dsse-payload", subject="SHA256SUMS.dsse")
    yield case("purpose-signed-other", "mirror.json was signed as something else",
               GOOD.but(edit=setting("purpose", to="mirror-test")), "signature-purpose", subject="mirror.json")
    yield case("purpose-beside-other", "The envelope states another purpose where nobody signed it",
               GOOD.but(header=HEADER | {"purpose": "mirror-test"}), "signature-purpose", subject=ENVELOPE)
    yield case("entry-altered", "One bit of a file is flipped", GOOD.but(entries=altered(ENTRY)), "entry-digest",
               subject=ENTRY, standings={ENTRY: "contradicted"})
    yield case("entry-missing", "A file is not in the archive", GOOD.but(entries=without(ENTRY)), "entry-missing",
               subject=ENTRY)
    yield case("entry-unlisted", "A file is in neither document",
               GOOD.but(entries=plus(Entry(b"policies/other.rego", b"package other\n"))), "entry-unlisted",
               subject="policies/other.rego")
    yield case("list-lacks-entry", "SHA256SUMS lacks a file that mirror.json names",
               GOOD.but(listed=replacing(line_of(ENTRY), b"")), "documents-agree", subject=ENTRY)
    yield case("mirror-lacks-entry", "mirror.json lacks a file that SHA256SUMS names",
               GOOD.but(edit=lambda mirror: mirror["entries"].pop()), "documents-agree", subject=ENTRY)
    yield case("list-absent", "There is no SHA256SUMS; the kind is named, for nobody could recognise it",
               GOOD.but(list_sign=None, entries=without(LIST)), "document-present",
               options=("--kind", "mirror:dsse-1501"), subject=LIST)
    yield case("second-key", "A second key lies beside the first", GOOD.but(
        entries=plus(Entry(b"keys/other.pub", b"trust me\n"))), "entry-unlisted", subject="keys/other.pub")
    yield case("path-twice", "mirror.json names a file twice", GOOD.but(
        edit=lambda mirror: mirror["entries"].append(mirror["entries"][0])), "manifest-paths")
    yield case("schema-no-digest", "An entry has no digest", GOOD.but(
        edit=lambda mirror: mirror["entries"][0].pop("digest")), "document-schema", subject="mirror.json")
    yield case("stale", "19 days old, with a maximum of 7", GOOD, "age", options=("--max-age", "7d"))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, unproven, bad):
        yield from family()
