"""Receipts of a transparency log over what signs a bundle, and everything that can be wrong with them."""

import json
from collections.abc import Callable, Iterator

from ..case import EXAMPLE_KEYS, NOT_VERIFIED, TRUST, USAGE, Case, key, verify
from ..devportal import BUNDLE, ENVELOPE, SIGN, Devportal, plus
from ..dsse import base64_standard
from ..rekor import (LOG, Receipt, dsse_entry, dsse_entry_v2, file_entry, intoto_entry, leaf, node, path, tree)
from ..signing import ECDSA_P256, ECDSA_P384, ED25519, ED25519_SECOND, KEYS, P256, STRANGER, Signer, der_signature
from ..tar import Entry
from .trust_policy import key as policy_key
from .whole import BARE, signed

PORTAL = Devportal()
OLDER = PORTAL.but(edit=lambda manifest: manifest["metadata"].update(releaseVersion="2025.10.0"))
FILES = PORTAL.build()
SIGNED = FILES[ENVELOPE]
OURS = dsse_entry(SIGNED, (ED25519,))
GOOD = Receipt()
ALONE = GOOD.but(lines=lambda text: alone(text))
BOTH = PORTAL.but(sign=SIGN.but(signers=(ED25519, ECDSA_P256)))
LOG_KEY = ("--rekor-key", "{keys}/ed25519-second.pub.pem")
REQUIRED = ("--require", "integrity,complete,signature,transparency")
TWO = (*key("ecdsa-p256"), "--threshold", "2", *REQUIRED)
NAME = "rekor-receipt.json"
Files = dict[str, bytes]


def case(name: str, title: str, files: Files, *failing: str, options: tuple[str, ...] = LOG_KEY, more: tuple[str, ...] = (),
         file: str = BUNDLE, trust: tuple[str, ...] = TRUST, **rest) -> Case:
    """One bundle with its receipt."""
    return Case("rekor", name, title, verify(file, *options, *more, trust=trust), files, failing=failing, **rest)


def with_receipt(receipt: Receipt, entry: bytes = OURS, files: Files = FILES) -> Files:
    """The bundle with a receipt beside it."""
    return files | receipt(entry)


def good() -> Iterator[Case]:
    """A log has the signature, by its own signed word."""
    yield case("good-receipt", "The log has the envelope, and its checkpoint is signed", with_receipt(GOOD), more=REQUIRED,
               standings={"portal/index.html": "pinned"})
    yield case("good-inline", "The checkpoint is in the receipt", with_receipt(GOOD.but(inline=True)))
    yield case("good-canonical", "There is no entry pack; the entry is the one that Rekor makes of the envelope",
               with_receipt(GOOD.but(pack=False)))
    yield case("good-canonical-by-proof", "The same, and the id says nothing of the leaf",
               with_receipt(GOOD.but(pack=False, hashed_id=False)))
    for name, text in {"bytes": lambda digest: digest, "hex": lambda digest: digest.hex().encode(),
                       "prefixed": lambda digest: b"sha256:" + digest.hex().encode()}.items():
        entry = text(payload_digest(SIGNED))
        yield case(f"good-payload-{name}", f"The leaf is of the payload's SHA-256, {name}",
                   with_receipt(GOOD.but(pack=False, hashed_id=name == "hex"), entry))
    yield case("good-plain-id", "The id says nothing of the leaf; the pack has the entry by its index",
               with_receipt(GOOD.but(hashed_id=False)))
    for form in ("v1", "sigstore"):
        yield case(f"good-form-{form}", f"The receipt has the form {form}, with the entry in it",
                   with_receipt(GOOD.but(form=form)), more=REQUIRED)
    yield case("good-entry-v2", "The entry is of Rekor version 2", with_receipt(GOOD, dsse_entry_v2(SIGNED, ED25519)))
    yield case("good-entry-intoto", "The entry is of the older kind intoto", with_receipt(GOOD, intoto_entry(SIGNED, ED25519)))
    yield case("good-log-p256", "The key of the log is ECDSA P-256", with_receipt(GOOD.but(log=LOG.but(signer=ECDSA_P256))),
               options=("--rekor-key", "{keys}/ecdsa-p256.pub.pem"))
    yield case("good-log-p384", "The key of the log is ECDSA P-384", with_receipt(GOOD.but(log=LOG.but(signer=ECDSA_P384))),
               options=("--rekor-key", "{keys}/ecdsa-p384.pub.pem"))
    high = LOG.but(signer=ECDSA_P256, sign=high_s)
    yield case("good-log-high-s", "The log's ECDSA signature has the higher of the two values of s, as many signers write it",
               with_receipt(GOOD.but(log=high)), options=("--rekor-key", "{keys}/ecdsa-p256.pub.pem"))
    yield case("good-log-rekor-1", "Key hash and origin are those of Rekor version 1",
               with_receipt(GOOD.but(log=LOG.but(named_hash=False, name=LOG.origin, origin=f"{LOG.origin} - 1193050959916656506"))))
    yield case("good-verifier-key", "The key of the log is given as one line", with_receipt(GOOD) | {"log.vkey": LOG.verifier_key()},
               options=("--rekor-key", "{case}/log.vkey"))
    yield case("good-cosigned", "A witness signed besides, which counts for nothing", with_receipt(GOOD.but(note=witness)))
    pinned = LOG.checkpoint(OURS).encode()
    yield case("good-pinned", "The checkpoint is the pinned one", with_receipt(GOOD) | {"known.txt": pinned},
               more=("--checkpoint", "{case}/known.txt"))
    yield case("good-pinned-signed", "The receipt's checkpoint is not signed, the pinned one of the same state is",
               with_receipt(GOOD.but(note=unsigned)) | {"known.txt": pinned}, more=("--checkpoint", "{case}/known.txt"))
    only = LOG.but(size=1, index=0)
    yield case("good-only-entry", "The log has one entry, and the proof no hashes", with_receipt(GOOD.but(log=only)))
    whole = signed(BARE, ECDSA_P256)
    archive = whole[BARE.name]
    yield case("good-whole", "The archive is signed as a whole, and the log has that signature",
               with_receipt(GOOD, file_entry(archive, ECDSA_P256), whole), file=BARE.name, trust=key("ecdsa-p256"), more=REQUIRED)
    yield case("good-whole-canonical", "The same without an entry pack",
               with_receipt(GOOD.but(pack=False, name=f"{BARE.name}.rekor.json"), file_entry(archive, ECDSA_P256), whole),
               file=BARE.name, trust=key("ecdsa-p256"))
    yield case("good-inside", "Receipt, checkpoint and entry pack lie in the archive", inside(ALONE(OURS)), more=REQUIRED,
               standings={NAME: "evidence", "tlog/checkpoint.sig": "evidence", "tlog/entries/000.jsonl": "evidence"})
    two = PORTAL.but(sign=SIGN.but(signers=(STRANGER, ED25519)))
    yield case("good-inside-pinned", "The checkpoint in the archive is not signed, the pinned one of the same state is",
               inside(ALONE.but(note=unsigned)(OURS)) | {"known.txt": pinned}, more=("--checkpoint", "{case}/known.txt", *REQUIRED),
               standings={NAME: "evidence", "tlog/checkpoint.sig": "evidence"})
    yield case("good-threshold", "Two keys are demanded, and the log has the signatures of both",
               with_receipt(GOOD, dsse_entry(BOTH.build()[ENVELOPE], (ED25519, ECDSA_P256)), BOTH.build()), more=TWO)
    yield case("good-inside-v1", "A receipt of Rekor's own form lies in the archive", inside(GOOD.but(form="v1")(OURS)),
               standings={NAME: "evidence"})
    yield case("good-two-signatures", "The envelope has two signatures, one of which is logged with the trusted key",
               with_receipt(GOOD, dsse_entry(two.build()[ENVELOPE], (ED25519,)), two.build()))
    yield case("good-named", "The receipt has another name and is named on the command line",
               with_receipt(GOOD.but(name="log.json")), more=("--sidecar", "{case}/log.json"))
    yield case("good-policy", "The policy names the log, its key and its origin",
               with_receipt(GOOD) | policy(f'origin = "{LOG.origin}"\n'), options=("--trust", "{case}/trust.toml"), trust=(),
               more=REQUIRED + EXAMPLE_KEYS)
    yield case("good-no-log-key", "No key of a log is given, and transparency is not required", with_receipt(GOOD), options=())


def unproven() -> Iterator[Case]:
    """Nothing is wrong, and nothing is established about the log."""
    unproven_case = lambda *args, **rest: case(*args, outcome=NOT_VERIFIED, **rest)
    yield unproven_case("unproven-no-log-key", "Transparency is required, and no key of a log is given", with_receipt(GOOD),
                        options=REQUIRED)
    yield unproven_case("unproven-pinned-only", "A checkpoint is pinned, and no key of a log is given",
                        with_receipt(GOOD) | {"known.txt": LOG.checkpoint(OURS).encode()},
                        options=("--checkpoint", "{case}/known.txt"))
    yield unproven_case("unproven-recipe", "The leaf is of something that nobody can explain, and there is no entry pack",
                        with_receipt(GOOD.but(pack=False), b"what the log was given"))
    yield unproven_case("unproven-recipe-plain-id", "The same, and the id says nothing of the leaf",
                        with_receipt(GOOD.but(pack=False, hashed_id=False), b"what the log was given"))
    yield unproven_case("unproven-entry-kind", "The entry is of a kind that is not compared",
                        with_receipt(GOOD, b'{"apiVersion":"0.0.1","kind":"rpm","spec":{}}'))
    yield unproven_case("unproven-unsigned", "The checkpoint has no signature", with_receipt(GOOD.but(note=unsigned)))
    without = with_receipt(GOOD)
    del without["tlog/checkpoint.sig"]
    yield unproven_case("unproven-no-checkpoint", "The checkpoint that the receipt names is not there", without)
    yield unproven_case("unproven-form-no-checkpoint", "The receipt has no checkpoint",
                        with_receipt(GOOD.but(form="v1", edit=lambda value: proof_of(value).pop("checkpoint"))))
    yield unproven_case("unproven-no-receipt", "Transparency is required, and there is no receipt", FILES, more=REQUIRED)
    yield unproven_case("unproven-no-key", "The log has the envelope, and no key says who signed it", with_receipt(GOOD), trust=(),
                        more=EXAMPLE_KEYS)
    yield unproven_case("unproven-threshold", "Two keys are demanded, and the log has the signature of one",
                        with_receipt(GOOD, dsse_entry(BOTH.build()[ENVELOPE], (ED25519,)), BOTH.build()), more=TWO)
    yield unproven_case("unproven-threshold-content", "Two keys are demanded, and the log has the digest of what they signed",
                        with_receipt(GOOD.but(pack=False), payload_digest(BOTH.build()[ENVELOPE]), BOTH.build()), more=TWO)
    yield unproven_case("unproven-other-target", "The log has the signature of the manifest, and the archive is signed as well",
                        with_receipt(GOOD) | {f"{BUNDLE}.sig": signed_whole()}, more=REQUIRED)


def bad() -> Iterator[Case]:
    """One thing is wrong."""
    receipt, checkpoint, signature, origin, pinned, size, root, leaf_, inclusion, entry = (
        f"rekor-{part}" for part in
        ("receipt", "checkpoint", "signature", "origin", "pinned", "tree-size", "root", "leaf", "inclusion", "entry"))

    def edited(name: str, title: str, edit: Callable, *failing: str, recipe: Receipt = GOOD, **rest) -> Case:
        return case(name, title, with_receipt(recipe.but(edit=edit)), *failing, subject=NAME, **rest)

    def noted(name: str, title: str, note: Callable, *failing: str, **rest) -> Case:
        return case(name, title, with_receipt(GOOD.but(note=note)), *failing, subject=NAME, **rest)

    # The receipt itself.
    yield edited("receipt-without-root", "The receipt has no rootHash", lambda value: value.pop("rootHash"), receipt)
    yield edited("receipt-other-member", "The receipt has a member that its schema does not have",
                 lambda value: value.update(treeSize=7), receipt)
    yield edited("receipt-hash-short", "A hash of the proof has 63 digits",
                 lambda value: value["hashes"].append("a" * 63), receipt)
    yield edited("receipt-upper-case", "The root is in upper case", lambda value: value.update(rootHash=value["rootHash"].upper()),
                 receipt)
    yield edited("receipt-many-hashes", "The proof has 20,000 hashes",
                 lambda value: value.update(hashes=["ab" * 32] * 20000), receipt)
    yield edited("receipt-negative-index", "The index is negative", lambda value: value.update(logIndex=-1), receipt)
    yield edited("receipt-path-parent", "The checkpoint is said to lie above the receipt",
                 lambda value: value.update(checkpoint="../checkpoint.sig"), receipt)
    yield edited("receipt-path-absolute", "The checkpoint is said to lie at an absolute path",
                 lambda value: value.update(checkpoint="/etc/hostname"), receipt)
    twice = lambda value: json.dumps(value)[:-1].encode() + b', "logIndex": 0}'
    yield case("receipt-index-twice", "The receipt has two indices", with_receipt(GOOD.but(write=twice)), receipt, subject=NAME)
    yield case("receipt-not-json", "The receipt is no JSON", with_receipt(GOOD) | {NAME: b"rekor\n"}, receipt, subject=NAME,
               options=())
    # The checkpoint.
    yield noted("checkpoint-cut", "The checkpoint ends in the middle", lambda text: text[:-9], checkpoint)
    yield noted("checkpoint-crlf", "The lines of the checkpoint end in CR LF", lambda text: text.replace("\n", "\r\n"), checkpoint)
    yield noted("checkpoint-size-zeros", "The tree size has leading zeros", lambda text: text.replace("\n7\n", "\n007\n"), checkpoint)
    yield noted("checkpoint-signature-twice", "The checkpoint has two signatures of one key",
                lambda text: text + text[text.index("\u2014"):], checkpoint)
    yield noted("checkpoint-no-dash", "A minus stands before the signature", lambda text: text.replace("\u2014", "-"), checkpoint)
    # Its signature.
    stranger = GOOD.but(log=LOG.but(signer=STRANGER))
    yield case("signed-by-other-log", "The checkpoint is signed by another log", with_receipt(stranger), signature, subject=NAME)
    yield case("signature-flipped", "One bit of the log's signature is flipped",
               with_receipt(GOOD.but(log=LOG.but(sign=flipped))), signature, subject=NAME)
    p256 = ("--rekor-key", "{keys}/ecdsa-p256.pub.pem")
    yield case("signature-der-trailing", "A byte follows the DER of the log's ECDSA signature",
               with_receipt(GOOD.but(log=LOG.but(signer=ECDSA_P256, sign=lambda s, text: s.sign(text) + b"\0"))), signature,
               options=p256, subject=NAME)
    yield case("signature-zero", "r and s of the log's ECDSA signature are zero",
               with_receipt(GOOD.but(log=LOG.but(signer=ECDSA_P256, sign=lambda *_: der_signature(0, 0)))), signature,
               options=p256, subject=NAME)
    yield case("signature-with-bundle-key", "The checkpoint is signed with the key of the bundle, which is no key of a log",
               with_receipt(GOOD.but(log=LOG.but(signer=ED25519))), signature, subject=NAME)
    yield noted("size-raised", "The tree size was raised after signing", lambda text: text.replace("\n7\n", "\n8\n"),
                signature)
    yield noted("origin-altered", "The origin was changed after signing",
                lambda text: text.replace(f"{LOG.origin}\n7", "rekor.other.example\n7"), signature)
    yield noted("key-hash-altered", "The signature line states the hash of another key",
                lambda text: text.replace("example " + line_of(text)[:4], "example AAAA"), signature)
    # Its origin.
    yield case("origin-of-other-log", "The checkpoint is of another log than the key's name says",
               with_receipt(GOOD.but(log=LOG.but(name="log.other.example"))), origin, subject=NAME)
    other = LOG.but(origin="rekor.other.example")
    yield case("origin-not-of-policy", "The log signs checkpoints of another origin than the policy says",
               with_receipt(GOOD.but(log=other)) | policy(f'origin = "{LOG.origin}"\n'), origin,
               options=("--trust", "{case}/trust.toml"), trust=(), more=EXAMPLE_KEYS, subject=NAME)
    yield case("origin-not-of-key-line", "The key line is for another origin than the checkpoint has",
               with_receipt(GOOD.but(log=LOG.but(origin="rekor.other.example", name="rekor.other.example", named_hash=False)))
               | {"log.vkey": LOG.verifier_key()}, origin, options=("--rekor-key", "{case}/log.vkey"), subject=NAME)
    # The pinned checkpoint.
    for name, title, log in (
            ("pinned-other-size", "The pinned checkpoint is of a larger tree", LOG.but(size=9)),
            ("pinned-other-root", "The pinned checkpoint has another root for this size", LOG.but(index=3)),
            ("pinned-other-log", "The pinned checkpoint is of another log", LOG.but(origin="rekor.other.example"))):
        yield case(name, title, with_receipt(GOOD) | {"known.txt": log.checkpoint(OURS).encode()}, pinned,
                   more=("--checkpoint", "{case}/known.txt"), subject=NAME)
    # Size and root.
    yield edited("index-beyond-tree", "The index lies beyond the tree", lambda value: value.update(logIndex=7), size, inclusion,
                 recipe=GOOD.but(lines=lambda text: text.replace(b'"logIndex":4', b'"logIndex":7')))
    yield edited("root-altered", "The receipt states another root", lambda value: value.update(rootHash="ab" * 32), root)
    # A tree of seven entries, and a proof and a size for its first six.
    smaller = LOG.but(size=6)
    yield case("size-of-receipt", "The proof is right for the size that the receipt states, not for that of the checkpoint",
               with_receipt(GOOD.but(form="v1", edit=lambda value: proof_of(value).update(
                   treeSize=6, rootHash=tree(smaller.leaves(OURS)).hex(),
                   hashes=[hash_.hex() for hash_ in path(4, smaller.leaves(OURS))]))), size, root, inclusion, subject=NAME)
    # The leaf and the proof.
    yield edited("proof-flipped", "One digit of the proof is another", lambda value: value["hashes"].__setitem__(
        0, value["hashes"][0][:-1] + ("0" if value["hashes"][0][-1] != "0" else "1")), inclusion)
    yield edited("proof-short", "The last hash of the proof is missing", lambda value: value["hashes"].pop(), inclusion)
    yield edited("proof-long", "A hash is added to the proof", lambda value: value["hashes"].append("ab" * 32), inclusion)
    yield edited("proof-of-other-leaf", "The proof is that of the entry before", lambda value: value.update(
        hashes=[hash_.hex() for hash_ in path(3, LOG.leaves(OURS))]), inclusion)
    yield edited("index-of-other-leaf", "The index is that of the entry before", lambda value: value.update(logIndex=5), inclusion,
                 recipe=GOOD.but(form="kit", lines=lambda text: text.replace(b'"logIndex":4', b'"logIndex":5')))
    yield case("tree-of-other-log", "The checkpoint is a signed one of the log before the entry came in",
               with_receipt(GOOD) | {"tlog/checkpoint.sig": LOG.checkpoint(b"entry 4").encode()}, root, inclusion, subject=NAME)
    yield case("pack-of-other-entry", "The entry of the pack is not the one that the id states",
               with_receipt(GOOD.but(lines=lambda text: text.replace(base64_standard(OURS).encode(),
                                                                   base64_standard(OURS + b" ").encode()))), leaf_, inclusion,
               subject=NAME)
    yield case("pack-contradicts-itself", "The pack has two different entries for the receipt",
               with_receipt(GOOD.but(lines=lambda text: text + text.splitlines()[1].replace(
                   base64_standard(OURS).encode(), base64_standard(b"{}").encode()) + b"\n")), leaf_, subject=NAME)
    yield case("pack-not-json", "The entry pack is no JSON", with_receipt(GOOD.but(lines=lambda _: b"entries\n")), leaf_,
               subject=NAME)
    # The second preimage that the two prefixes are there to prevent: an inner node in place of the leaf, one level up.
    leaves = LOG.leaves(OURS)
    inner = leaves[4] + leaves[5]
    above = lambda value: value.update(logIndex=2, uuid="1f3a5c7e9b0d2468" + node(leaves[4], leaves[5]).hex(),
                                       hashes=value["hashes"][1:])
    node_line = json.dumps({"logIndex": 2, "body": base64_standard(inner)}).encode() + b"\n"
    yield edited("node-as-leaf", "An inner node of the tree is passed off as the entry", above, leaf_, inclusion,
                 recipe=GOOD.but(lines=lambda _: node_line))
    # Parts of different bundles.
    older = OLDER.build()[ENVELOPE]
    yield case("receipt-of-older-release", "The receipt is that of an older release by the same key",
               with_receipt(GOOD, dsse_entry(older, (ED25519,))), entry, subject=NAME)
    yield case("entry-by-stranger", "A stranger logged a signature of their own over the same payload",
               with_receipt(GOOD, dsse_entry(SIGNED, (STRANGER,))), entry, subject=NAME)
    mixed = dsse_entry(SIGNED, (ED25519,)).replace(
        json.loads(OURS)["spec"]["signatures"][0]["verifier"].encode(), verifier_of("stranger"))
    yield case("entry-with-other-key", "The entry has our signature and a stranger's key", with_receipt(GOOD, mixed), entry,
               subject=NAME)
    swapped = dsse_entry(SIGNED, (STRANGER,)).replace(verifier_of("stranger"), verifier_of("ed25519"))
    yield case("entry-with-other-signature", "The entry has a stranger's signature and our key", with_receipt(GOOD, swapped), entry,
               subject=NAME)
    yield case("entry-of-file", "The entry is about the archive, of which nobody signed the bytes",
               with_receipt(GOOD, file_entry(FILES[BUNDLE], ED25519)), entry, subject=NAME)
    whole = signed(BARE, ECDSA_P256)
    yield case("whole-of-another", "The archive is signed as a whole, and the log has the signature of another",
               with_receipt(GOOD, file_entry(b"another archive", ECDSA_P256), whole), entry, file=BARE.name,
               trust=key("ecdsa-p256"), subject=NAME)
    yield case("inside-of-older-release", "The receipt in the archive is that of an older release",
               inside(GOOD(dsse_entry(older, (ED25519,)))), entry, "entry-unlisted", subject=NAME)
    yield case("inside-not-json", "The receipt in the archive is no JSON", inside({NAME: b"rekor\n"}), receipt, "entry-unlisted")
    unlisted = lambda name, title, files, path, **rest: case(
        name, title, inside(files), "entry-unlisted", subject=path, standings={path: "unlisted"}, **rest)
    pack, note = "tlog/entries/000.jsonl", "tlog/checkpoint.sig"
    yield case("inside-no-log-key", "No key of a log is given, so nobody vouches for what lies in the archive",
               inside(ALONE(OURS)), "entry-unlisted", options=(), subject=pack,
               standings={NAME: "unlisted", note: "unlisted", pack: "unlisted"})
    yield unlisted("inside-script", "A receipt in the archive names a script in the shape of a checkpoint, and no key of a log "
                   "is given", script(), "checkpoint-install.sh", options=())
    yield unlisted("inside-script-log-key", "The same with the key of a log, which has the envelope by a receipt beside the input",
                   script("portal/"), "portal/checkpoint-install.sh")
    yield unlisted("inside-note-cosigned", "The checkpoint in the archive has a line of a witness that nobody trusts",
                   ALONE.but(note=witness)(OURS), note)
    yield case("inside-note-extended", "The checkpoint in the archive is not signed and has a further line, the pinned one of "
               "the same state is signed", inside(ALONE.but(note=lambda text: unsigned(text) + "anything\n")(OURS))
               | {"known.txt": LOG.checkpoint(OURS).encode()}, "entry-unlisted", more=("--checkpoint", "{case}/known.txt"),
               subject=note, standings={NAME: "evidence", note: "unlisted"})
    yield unlisted("inside-id-free", "The id of the receipt in the archive is free text",
                   ALONE.but(edit=lambda value: value.update(uuid="anything"), hashed_id=False)(OURS), NAME)
    yield unlisted("inside-pack-more", "The entry pack in the archive has a further line", GOOD(OURS), pack)
    yield unlisted("inside-pack-member", "The line of the entry pack in the archive has a further member",
                   ALONE.but(lines=lambda text: alone(text)[:-2] + b',"note":"anything"}\n')(OURS), pack)
    more = {"attestation": {"data": "anything"}, "other": "anything"}
    for form in ("v1", "sigstore"):
        edit = lambda value: (next(iter(value.values())) if len(value) == 1 else value).update(more)
        yield unlisted(f"inside-{form}-members", f"The receipt in the archive has the form {form} and further members",
                       ALONE.but(form=form, edit=edit)(OURS), NAME)
    revoked = policy_key("second.pub.pem", 'revoked = true\nreason = "stolen in March"\n')
    yield case("log-revoked", "The policy revokes the key of the log",
               with_receipt(GOOD) | policy(f'origin = "{LOG.origin}"\n{revoked}')
               | {"second.pub.pem": (KEYS / "ed25519-second.pub.pem").read_bytes()}, signature,
               options=("--trust", "{case}/trust.toml"), trust=(), more=REQUIRED + EXAMPLE_KEYS, subject=NAME)
    yield case("origin-not-of-key-given-twice", "The key of the log is given with another origin, and once more without any",
               with_receipt(GOOD) | policy('origin = "log.other.example"\n'), origin, options=("--trust", "{case}/trust.toml"),
               more=LOG_KEY, subject=NAME)
    yield case("one-of-two-receipts-bad", "A second receipt is that of an older release",
               with_receipt(GOOD) | GOOD.but(name=f"{BUNDLE}.rekor.json", inline=True, pack=False, form="v1")(
                   dsse_entry(older, (ED25519,))), entry, subject=f"{BUNDLE}.rekor.json")


def usage() -> Iterator[Case]:
    """Trust anchors that are none."""
    def refused(name: str, title: str, files: Files, *options: str, trust: tuple[str, ...] = TRUST) -> Case:
        return case(name, title, with_receipt(GOOD) | files, options=options, trust=trust, outcome=USAGE)

    yield refused("usage-rsa-log-key", "The key of the log is RSA", {}, "--rekor-key", "{keys}/rsa-3072.pub.pem")
    yield refused("usage-key-line-altered", "The key line has the hash of another key",
                  {"log.vkey": LOG.verifier_key().replace(b"+", b"x+", 1)}, "--rekor-key", "{case}/log.vkey")
    yield refused("usage-no-such-key", "The file of the log key is not there", {}, "--rekor-key", "{case}/none.pem")
    yield refused("usage-example-log-key", "The key of the log is published, and nobody waives that", {}, *LOG_KEY, trust=())
    yield refused("usage-checkpoint-not-one", "The pinned checkpoint is none", {"known.txt": b"known\n"}, *LOG_KEY,
                  "--checkpoint", "{case}/known.txt")
    yield refused("usage-policy-log-origin", "The policy states an origin that the key line does not",
                  policy('origin = "rekor.other.example"\n', "log.vkey", LOG.verifier_key()), "--trust", "{case}/trust.toml",
                  *EXAMPLE_KEYS, trust=())
    yield refused("usage-policy-log-member", "The log of the policy has a member that there is not",
                  policy('kinds = ["devportal:*"]\n'), "--trust", "{case}/trust.toml", *EXAMPLE_KEYS, trust=())


# --- parts --------------------------------------------------------------------------------------------------------

def payload_digest(envelope: bytes) -> bytes:
    """SHA-256 of what an envelope signs."""
    import base64
    import hashlib
    return hashlib.sha256(base64.b64decode(json.loads(envelope)["payload"])).digest()


def proof_of(value: dict) -> dict:
    """The proof in an answer of Rekor's interface."""
    return next(iter(value.values()))["verification"]["inclusionProof"]


def witness(text: str) -> str:
    """The note with the signature of somebody else besides."""
    return text + "\u2014 witness.example " + base64_standard(bytes(76)) + "\n"


def alone(text: bytes) -> bytes:
    """The pack without its first line, which is another entry."""
    return text[text.index(b"\n") + 1:]


def script(folder: str = "") -> Files:
    """A receipt of the sender's own making that calls a script its checkpoint. In a folder: besides one that holds."""
    root = bytes.fromhex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
    text = f"#!/bin/sh\n1\n{base64_standard(root)}\necho anything\n".encode()
    receipt = {"uuid": "x", "logIndex": 0, "rootHash": root.hex(), "hashes": [], "checkpoint": "checkpoint-install.sh"}
    files = {f"{folder}{NAME}": json.dumps(receipt).encode(), f"{folder}checkpoint-install.sh": text}
    return files | ALONE(OURS) if folder else files


def unsigned(text: str) -> str:
    """The note without its signatures."""
    return text[:text.index("\n\n") + 1]


def line_of(text: str) -> str:
    """The base64 of the first signature."""
    return text[text.index("\u2014"):].split(" ")[2]


def flipped(signer: Signer, text: bytes) -> bytes:
    """A signature with one bit changed."""
    signature = signer.sign(text)
    return signature[:9] + bytes([signature[9] ^ 1]) + signature[10:]


def high_s(signer: Signer, text: bytes) -> bytes:
    """The other signature of the same pair, or the same where it is high already."""
    r, s = signer.numbers(text)
    return der_signature(r, max(s, P256.n - s))


def signed_whole() -> bytes:
    """A signature over the archive by the second key that may sign, which here is the same."""
    return base64_standard(ED25519.sign(FILES[BUNDLE])).encode() + b"\n"


def inside(files: Files) -> Files:
    """The bundle with these files in its archive."""
    return PORTAL.but(entries=plus(*(Entry(name.encode(), data) for name, data in files.items()))).build()


def verifier_of(name: str) -> bytes:
    """A key as entries have it."""
    return base64_standard((KEYS / f"{name}.pub.pem").read_bytes()).encode()


def policy(more: str, file: str = "log.pub.pem", key_file: bytes | None = None) -> Files:
    """A policy with the key of the bundle and the log."""
    text = f'version = 1\n{policy_key("acme.pub.pem")}\n[[log]]\nname = "example log"\nfile = "{file}"\n{more}'
    return {"trust.toml": text.encode(), "acme.pub.pem": (KEYS / "ed25519.pub.pem").read_bytes(),
            file: key_file or (KEYS / "ed25519-second.pub.pem").read_bytes()}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from good()
    yield from unproven()
    yield from bad()
    yield from usage()
