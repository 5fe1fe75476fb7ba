"""Bundles of the devportal draft 0.1."""

from collections.abc import Iterator

from ..case import NOT_VERIFIED, TRUST, Case, key, verify
from ..devportal import ENVELOPE, SIGN, altered, plus, replacing, setting, without
from ..draft import BUNDLE, TOP, Draft
from ..tar import Entry

GOOD = Draft()
SPEC = TOP + "specs/gateway.yaml"


def case(name: str, title: str, bundle: Draft, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    return Case("devportal-draft", name, title, verify(BUNDLE, *options, trust=trust), bundle.build(),
                failing=failing, **rest)


def cases() -> Iterator[Case]:
    """All of them."""
    yield case("good", "Site, specifications and SDKs with a signed manifest beside the archive", GOOD,
               standings={SPEC: "pinned", TOP + "site/index.html": "pinned", TOP + "manifest.json": "pinned"})
    yield case("unproven-no-key", "No key is given", GOOD, trust=(), outcome=NOT_VERIFIED)
    yield case("unproven-site-altered", "A page has other bytes of the same number: the known recipe for the digest of a "
               "folder no longer fits, so nothing pins the pages", GOOD.but(entries=altered(TOP + "site/index.html")),
               outcome=NOT_VERIFIED, standings={TOP + "site/index.html": "listed", SPEC: "pinned"})
    yield case("wrong-key-given", "The key given is a stranger's", GOOD, "dsse-signature", trust=key("stranger"),
               subject=ENVELOPE)
    yield case("payload-type-other", "The payload type is not that of a devportal manifest",
               GOOD.but(sign=SIGN.but(payload_type="text/plain")), "dsse-payload-type", subject=ENVELOPE)
    yield case("manifest-altered", "manifest.json is not what was signed",
               GOOD.but(shipped=replacing(b"2026-11-01", b"2026-11-02")), "dsse-payload")
    yield case("entry-altered", "One bit of a specification is flipped", GOOD.but(entries=altered(SPEC)),
               "entry-digest", subject=SPEC, standings={SPEC: "contradicted"})
    yield case("entry-missing", "An SDK is not in the archive",
               GOOD.but(entries=without(TOP + "sdks/node-sdk.tar.gz")), "entry-missing")
    yield case("entry-unlisted", "A font is in no list",
               GOOD.but(entries=plus(Entry(f"{TOP}assets/fonts/sans.woff2".encode(), b"wOF2"))), "entry-unlisted",
               subject=TOP + "assets/fonts/sans.woff2")
    yield case("entry-size-misstated", "The manifest states a size for a specification that is too large",
               GOOD.but(edit=setting("specs", 0, "bytes", to=4096)), "entry-size", subject=SPEC)
    yield case("site-bytes-misstated", "The manifest states a size for the site that is not the sum of its files",
               GOOD.but(edit=setting("site", "bytes", to=1)), "site-digest")
    yield case("schema-integrity-md5", "The manifest names another digest than SHA-256",
               GOOD.but(edit=setting("checks", "integrity", to="md5")), "document-schema")
    yield case("schema-path-parent", "The manifest names an SDK outside the tree",
               GOOD.but(edit=lambda manifest: manifest["sdks"].append(
                   {"name": "evil", "path": "../evil-sdk.tar.gz", "sha256": "0" * 64, "bytes": 0})),
               "document-schema")
    yield case("site-absent", "There is no file in the site folder",
               GOOD.but(entries=lambda entries: [entry for entry in entries if b"/site/" not in entry.name]),
               "entry-missing", subject=TOP + "site")
    yield case("stale", "19 days old, with a maximum of 7", GOOD, "age", options=("--max-age", "7d"))
