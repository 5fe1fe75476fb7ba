"""json:raw and json:policy run bundles."""

from collections.abc import Iterator

from ..case import NOT_VERIFIED, Case, key, verify
from ..compress import gzip_fixed
from ..devportal import altered, plus, replacing, setting, without
from ..mirror import blob, lines, member
from ..run import BUNDLE, EXPORT, POLICY, PROVENANCE, RUN_ID, Run
from ..sealing import Sealing
from ..signing import ECDSA_P256, ED25519, STRANGER
from .mirror_full import OTHER, TRUST, older, stating
from .mirror_sealed import MINE
from .mirror_sealed import STRANGER as STRANGERS_IDENTITY

GOOD_RAW = Run()
GOOD_POLICY = Run(variant="policy", data=POLICY)
ADVISORIES, SNAPSHOT, EVALUATIONS = ("data/advisories-nvd.jsonl.zst", "data/policy/snapshot.json",
                                     "data/policy/evaluations.jsonl.zst")
EXTRA = "data/advisories-osv.jsonl.zst"
SEALING = Sealing(run=RUN_ID)
SEALED = GOOD_POLICY.but(store=SEALING.store, vouched=lambda plain, _: plain, provenance_edit=SEALING.record)
STANDINGS = {EXPORT: "pinned", PROVENANCE: "pinned", f"{EXPORT}.sig": "evidence", f"{PROVENANCE}.sig": "evidence",
             ADVISORIES: "pinned"}


def case(name: str, title: str, run: Run, *failing: str, options: tuple[str, ...] = (),
         trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle and what must come out."""
    rest = {"kind": f"json:{run.variant}"} | rest
    return Case(f"json-{run.variant}", name, title, verify(BUNDLE, *options, trust=trust), run.build(),
                failing=failing, **rest)


def good() -> Iterator[Case]:
    """Bundles that verify, and those that prove nothing."""
    yield case("good-ecdsa-p256", "export.json and provenance.json are signed", GOOD_RAW, standings=STANDINGS)
    yield Case("json-raw", "good-directory", "The same as a directory", verify("run", trust=TRUST), GOOD_RAW.folder(),
               kind="json:raw")
    yield case("good-ecdsa-p256", "export.json and provenance.json are signed", GOOD_POLICY,
               standings=STANDINGS | {SNAPSHOT: "pinned", EVALUATIONS: "pinned"})
    yield case("good-ed25519-subjects", "Signed with Ed25519; provenance.json in the older form, with subjects",
               GOOD_POLICY.but(sign=blob(ED25519), provenance_edit=older), trust=key("ed25519"))
    yield case("good-encrypted", "Encrypted under the runId; the digests are those of the plain text", SEALED,
               options=MINE, standings={SNAPSHOT: "pinned", EVALUATIONS: "pinned"})
    yield case("unproven-encrypted-no-identity", "Encrypted, and no identity is given", SEALED, outcome=NOT_VERIFIED,
               standings={SNAPSHOT: "listed", EXPORT: "pinned"})
    yield case("unproven-only-export-signed", "Only export.json is signed: nobody vouches for provenance.json",
               GOOD_RAW.but(signatures={EXPORT: f"{EXPORT}.sig"}), outcome=NOT_VERIFIED,
               standings={EXPORT: "pinned", ADVISORIES: "pinned"})
    yield case("unproven-unsigned", "There is no signature", GOOD_RAW.but(signatures={}), outcome=NOT_VERIFIED)
    yield case("unproven-no-key", "No key is given", GOOD_POLICY, trust=(), outcome=NOT_VERIFIED)


def raw() -> Iterator[Case]:
    """json:raw, wrong."""
    advisories = {"subject": ADVISORIES}
    run = GOOD_RAW
    yield case("entry-altered", "A record of a JSONL member is another, of the same length", run.but(
        entries=altered(ADVISORIES, lambda _: lines({"id": "CVE-2026-0001"}, {"id": "CVE-2026-0003"}))),
        "entry-digest", **advisories)
    yield case("entry-missing", "A data file is not in the archive", run.but(entries=without(ADVISORIES)),
               "entry-missing", **advisories)
    yield case("entry-unlisted", "A data file is in no list", run.but(entries=plus(member(EXTRA, lines(
        {"id": "OSV-1"})))), "entry-unlisted", subject=EXTRA)
    yield case("record-count-wrong", "contents states one record where two are",
               run.but(contents=stating(ADVISORIES, records=1)), "record-count", **advisories)
    yield case("rerun-hash-wrong", "No known recipe gives the rerunHash",
               run.but(edit=setting("rerunHash", to=f"sha256:{OTHER}")), "rerun-hash")
    yield case("wrong-key-given", "The key given is a stranger's", run, "blob-signature", trust=key("stranger"))
    yield case("export-signature-of-other", "The signature of export.json is that of another one", run.but(
        signed=setting(f"{EXPORT}.sig", to=blob(ECDSA_P256)(b"{}"))), "blob-signature",
        "entry-unlisted")
    yield case("provenance-signed-by-stranger", "The signature of provenance.json is a stranger's", run.but(
        signed=setting(f"{PROVENANCE}.sig", to=blob(STRANGER)(run.tree()[PROVENANCE]))), "blob-signature")
    yield case("provenance-of-other-export", "provenance.json is about another export.json", run.but(
        provenance_edit=setting("subject", 0, "digest", "sha256", to=OTHER)), "provenance-subject")
    yield case("stale", "19 days old, with a maximum of 7", run, "age", options=("--max-age", "7d"))


def policy() -> Iterator[Case]:
    """json:policy, wrong."""
    run, snapshot, evaluations = GOOD_POLICY, {"subject": SNAPSHOT}, {"subject": EVALUATIONS}
    yield case("entry-altered", "One bit of the policy snapshot is flipped", run.but(entries=altered(SNAPSHOT)),
               "entry-digest", **snapshot)
    yield case("entry-size-misstated", "contents states one byte too many for the policy snapshot",
               run.but(contents=stating(SNAPSHOT, bytes=len(POLICY[SNAPSHOT]) + 1)), "entry-size", **snapshot)
    yield case("record-member-gzip", "A listed member named .zst is gzip", run.but(
        data=POLICY | {EVALUATIONS: gzip_fixed(b'{"finding":"f-1"}\n{"finding":"f-2"}\n')}), "record-count",
        **evaluations)
    yield case("path-twice", "contents lists one path twice, with one digest",
               run.but(contents=lambda contents: contents.append(contents[-1])), "manifest-paths")
    yield case("tenant-not-selected", "The tenant is not among the selected ones", run.but(
        identity=setting("selectors", "tenants", to=["umbrella"])), "selectors-tenant")
    yield case("export-key-twice", "export.json has two tenants",
               run.but(exported=replacing(b'"tenant":"acme"', b'"tenant":"acme","tenant":"acme"')), "document-json",
               subject=EXPORT, kind=None)
    yield case("provenance-missing", "There is no provenance.json",
               run.but(entries=lambda entries: without(PROVENANCE)(without(f"{PROVENANCE}.sig")(entries))),
               "document-present", subject=PROVENANCE)
    yield case("encrypted-wrong-identity", "Encrypted; the identity given is a stranger's", SEALED, "encryption-key",
               options=STRANGERS_IDENTITY)
    yield case("encrypted-for-other-run", "The data was encrypted for another run", SEALED.but(
        store=Sealing(run="run-20261031-01").store), "encryption-open", options=MINE)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, raw, policy):
        yield from family()
