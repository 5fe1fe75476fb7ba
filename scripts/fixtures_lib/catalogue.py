"""All cases as one set of files: the folders, fixtures/README.md, and what git must know about them."""

import tomllib

from . import aead, age
from .case import Case
from .cases import (attacks, cosign, devportal_container, devportal_good, devportal_integrity, devportal_signature, diff_delta, diff_meaning, draft, dsse,
                    evidence, intoto, mirror_airgap, mirror_concelier, mirror_contract, mirror_delta, mirror_dsse_1501, mirror_full,
                     mirror_policy, mirror_sealed, mirror_thin, oci_layout, plain, rekor, revocation, run, sigstore, trivy_db,
                     trivy_java_db, trivy_oci, trust_policy, tuf, whole)

FAMILIES = (devportal_good, devportal_signature, devportal_integrity, devportal_container, draft, evidence, mirror_full,
            mirror_sealed, mirror_delta, mirror_thin, run, mirror_airgap, mirror_contract, mirror_dsse_1501, mirror_policy,
            mirror_concelier, oci_layout, trivy_oci, trivy_db, trivy_java_db, plain, attacks, whole, dsse, sigstore, rekor, cosign, tuf,
            revocation, trust_policy, intoto, diff_delta, diff_meaning)

INTRODUCTION = """\
# Test cases

Each folder `<kind>/<case>/` holds one input and `case.toml`, which says what `portcullis` must make of it. The name of
a case says what is wrong; `good-`, `intact-` and `unproven-` begin the names of those where nothing is. Every bad case
has one defect, so that a failing test names what broke.

| field of `case.toml` | meaning |
|---|---|
| `title` | one sentence: what is right, or the one defect |
| `args` | the command line; the test replaces `{case}` by the folder and `{keys}` by `keys-example/` |
| `verdict`, `exit` | the verdict of the report and the exit code |
| `failing` | the sorted ids of the checks that end with `fail`; no more and no fewer |
| `subject` | the subject of one failing check, where it matters |
| `kind` | the id of the kind in the report, where it matters |
| `standings` | the standing of some entries, where it matters |

Cases of `diff` have two bundles, and where it matters an `expected.json`: what the report must contain, of objects the members
that it names, of lists each element.

All of this directory, this page included, is written by `scripts/make-fixtures`, which needs Python 3.11 or newer and
`openssl`, and gives the same bytes on every machine. Change the script, never a file in here:

    scripts/make-fixtures            # write fixtures/ anew
    scripts/make-fixtures --check    # exit 1 and name the differences, if there are any

The archives are built byte by byte (`scripts/fixtures_lib/`), for no decent tar writes what the hostile cases need.
**Do not unpack them with other tools.** All signatures are by the keys of `keys-example/`, which are public in full.
"""


def files() -> dict[str, bytes]:
    """Every file under fixtures/ by its path."""
    aead.self_check()
    age.self_check()
    cases = [case for family in FAMILIES for case in family.cases()]
    tree = {"README.md": page(cases).encode(), ".gitattributes": b"* -text\n"}
    for case in cases:
        check(case)
        added = case.tree()
        assert not tree.keys() & added.keys(), f"two cases are named {case.folder}/{case.name}"
        tree |= added
    return tree


def check(case: Case) -> None:
    """What must be true of a case before it is written."""
    parsed = tomllib.loads(case.toml())
    assert parsed["args"] == list(case.args), case.name
    assert case.outcome is None or not case.failing, f"{case.name} has two outcomes"


def page(cases: list[Case]) -> str:
    """fixtures/README.md."""
    lines = [INTRODUCTION]
    for folder in sorted({case.folder for case in cases}):
        of_kind = sorted((case for case in cases if case.folder == folder), key=lambda case: case.name)
        lines += [f"## {folder} ({len(of_kind)} cases)", "", "| case | what it is | verdict | exit | failing |",
                  "|---|---|---|---|---|", *map(row, of_kind), ""]
    return "\n".join(lines)


def row(case: Case) -> str:
    """One line of the table."""
    failing = ", ".join(f"`{id_}`" for id_ in sorted(case.failing))
    return f"| `{case.name}` | {case.title} | {case.verdict} | {case.exit} | {failing} |"
