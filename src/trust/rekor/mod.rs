//! Receipts of a transparency log: that a log has an entry about a signature of the bundle, by the log's own signed word.
//!
//! | attack | answer |
//! | --- | --- |
//! | the receipt of another bundle, the entry of another signature or key | the entry is compared with envelope, signature and key at once |
//! | a tree of the receipt's own making | size and root come from the checkpoint, and that from a log whose key the operator gave |
//! | a checkpoint of another log, or of another history of this one | the origin is compared with the key's name and with the pinned checkpoint |
//! | a node passed off as a leaf | leaves are hashed here, from bytes that are known |
//! | a leaf that nobody can explain | what was tried is told, and nothing is established |
//! | the log's key in the bundle | keys come from the operator only |
//!
//! What a receipt says of times is not authenticated by a proof of inclusion, and decides nothing.

mod binding;
mod closed;
mod logs;

pub use binding::{Signed, Subject};
pub use logs::{LogKey, Logs, MAX_LOG_KEYS, Pinned};

use super::check::{self, Check, CheckKind};
use super::policy::Policy;
use super::verified::Verified;
use crate::format::digest::{Sha256Bytes, hex};
use crate::format::merkle::{self, leaf_hash};
use crate::format::note::{self, Checkpoint, Note};
use crate::format::rekor::{self as format, CheckpointPlace, PackEntry, Receipt};
use binding::{Bound, bind, recipes};
use logs::{Judged, fits_origin, same_state};

/// A receipt with the files that belong to it. All of it is untrusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiptFile {
    /// The name of the receipt.
    pub name: Vec<u8>,
    /// Whether the operator named it.
    pub named: bool,
    /// Whether it is an entry of the bundle, and so are the files that belong to it.
    pub inside: bool,
    /// Its text.
    pub bytes: Vec<u8>,
    /// The file that the receipt names as its checkpoint, where it is there: name and text.
    pub checkpoint: Option<(Vec<u8>, Vec<u8>)>,
    /// What entry packs have for the receipt.
    pub packs: Vec<PackFile>,
}

/// What an entry pack has for a receipt. All of it is untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFile {
    /// The name of the pack.
    pub name: Vec<u8>,
    /// The entry, or why the pack cannot be read.
    pub entry: Result<PackEntry, String>,
}

/// What a receipt establishes: the subject at this position is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Position among the subjects.
    pub subject: usize,
    /// Fingerprints of the keys whose signatures the entry has.
    pub keys: Vec<String>,
    /// Names of the files inside the bundle that hold nothing besides what is proven.
    pub files: Vec<Vec<u8>>,
}

/// What came out for one receipt.
#[derive(Debug)]
pub struct Outcome {
    /// One row a part.
    pub checks: Vec<Check>,
    /// Proof, where everything holds.
    pub proof: Option<Verified<Logged>>,
}

/// Verifies an untrusted receipt over the signatures of the bundle.
pub fn verify(file: &ReceiptFile, subjects: &[Subject<'_>], policy: &Policy) -> Outcome {
    let mut rows = Rows { name: &file.name, checks: Vec::new() };
    let logged = rows.receipt(file, subjects, policy);
    let whole = !rows.checks.iter().any(Check::failed);
    let proof = logged.filter(|_| whole).map(Verified::established);
    if proof.is_none() && file.named {
        // A file that the operator named has to be of use.
        for row in rows.checks.iter_mut().filter(|row| row.status == check::Status::Skip) {
            row.evidence.insert("named", "true".into());
        }
    }
    Outcome { checks: rows.checks, proof }
}

struct Rows<'a> {
    name: &'a [u8],
    checks: Vec<Check>,
}

/// The leaf, and what is known of its entry.
struct Leaf {
    hash: Sha256Bytes,
    entry: Known,
}

enum Known {
    /// The entry itself, and where it was found.
    Body(Vec<u8>),
    /// A recipe made it.
    Recipe { subject: usize, words: &'static str, signature: bool },
    /// Nothing but the hash.
    Nothing,
}

impl Rows<'_> {
    fn add(&mut self, kind: CheckKind, outcome: Result<String, String>) -> bool {
        let row = Check::of(kind, self.name, outcome);
        let held = !row.failed();
        self.checks.push(row);
        held
    }

    fn skip(&mut self, kind: CheckKind, why: impl Into<String>) {
        self.checks.push(Check::skip(kind, self.name, why));
    }

    fn fact(&mut self, key: &'static str, value: impl Into<String>) {
        if let Some(row) = self.checks.last_mut() {
            row.evidence.insert(key, value.into());
        }
    }

    /// Every row; the position of the subject that is in the log by the word of a trusted one.
    fn receipt(&mut self, file: &ReceiptFile, subjects: &[Subject<'_>], policy: &Policy) -> Option<Logged> {
        let receipt = match format::parse_receipt(&file.bytes) {
            Ok(receipt) => receipt,
            Err(why) => {
                self.add(check::REKOR_RECEIPT, Err(format!("expected a receipt of a transparency log, found: {why}")));
                return None;
            }
        };
        self.add(check::REKOR_RECEIPT, Ok(format!("a receipt of the form {}", receipt.form.name())));
        self.fact("form", receipt.form.name());
        self.fact("claimed_log_index", receipt.index.to_string());
        if let Some(uuid) = &receipt.uuid {
            self.fact("claimed_log_entry", uuid.clone());
        }
        let (note, checkpoint) = self.checkpoint(&receipt, file)?;
        let signed = self.signature(&note, &checkpoint, policy);
        self.pinned(&checkpoint, policy.logs.pinned.as_deref());
        self.tree(&receipt, &checkpoint);
        let leaf = self.leaf(&receipt, &checkpoint, file, subjects, policy)?;
        self.inclusion(&receipt, &checkpoint, &leaf.hash, signed);
        let (subject, keys) = self.entry(leaf.entry, subjects).filter(|_| signed)?;
        let files = closed::files(file, &receipt, &note, &checkpoint, policy);
        Some(Logged { subject, keys, files })
    }

    fn checkpoint(&mut self, receipt: &Receipt, file: &ReceiptFile) -> Option<(Note, Checkpoint)> {
        let text = match (&receipt.checkpoint, &file.checkpoint) {
            (CheckpointPlace::Inline(text), _) => text.as_bytes(),
            (CheckpointPlace::File(_), Some((_, bytes))) => bytes,
            (CheckpointPlace::File(path), None) => {
                self.skip(
                    check::REKOR_CHECKPOINT,
                    format!("the receipt names {path}, which is not there, or too large to be one"),
                );
                return None;
            }
            (CheckpointPlace::Missing, _) => {
                self.skip(
                    check::REKOR_CHECKPOINT,
                    "the receipt has no checkpoint: nobody says which tree the proof is of",
                );
                return None;
            }
        };
        match note::parse(text) {
            Ok((note, checkpoint)) => {
                let Checkpoint { origin, size, root, .. } = &checkpoint;
                let detail = format!("the state of {origin} with {size} entries");
                self.add(check::REKOR_CHECKPOINT, Ok(detail));
                self.fact("claimed_log_origin", origin.clone());
                self.fact("claimed_tree_size", size.to_string());
                self.fact("claimed_root", hex(root));
                Some((note, checkpoint))
            }
            Err(why) => {
                self.add(check::REKOR_CHECKPOINT, Err(format!("expected the checkpoint of a log, found: {why}")));
                None
            }
        }
    }

    /// Whether a trusted log says so; with its origin.
    fn signature(&mut self, note: &Note, checkpoint: &Checkpoint, policy: &Policy) -> bool {
        match logs::judge(note, policy) {
            Judged::NoKey => {
                self.skip(
                    check::REKOR_SIGNATURE,
                    "no key of a log was given (--rekor-key, or [[log]] of --trust): nobody \
                    vouches for the checkpoint, and a bundle can bring along a log of its own",
                );
                false
            }
            Judged::Unsigned => self.by_pinned(checkpoint, policy),
            Judged::Bad(why) => self.add(check::REKOR_SIGNATURE, Err(why)),
            Judged::Good { log, scheme, line } => {
                let others: Vec<&str> =
                    note.signatures.iter().filter(|other| *other != line).map(|other| other.name.as_str()).collect();
                let cosigned = if others.is_empty() {
                    String::new()
                } else {
                    let names = others.iter().take(4).copied().collect::<Vec<_>>().join(", ");
                    format!("; {} more signatures ({names}) count for nothing", others.len())
                };
                let key = log.key.fingerprint();
                self.add(check::REKOR_SIGNATURE, Ok(format!("signed by the log key {key}, {scheme}{cosigned}")));
                self.fact("fingerprint", key);
                if let Some(name) = &log.name {
                    self.fact("log_name", name.clone());
                }
                let expected = log.origin.as_deref().unwrap_or(&line.name);
                let outcome = if !fits_origin(&line.name, &checkpoint.origin) {
                    let found = &checkpoint.origin;
                    Err(format!("the signature is by {}, and the checkpoint is of {found}", line.name))
                } else if !fits_origin(expected, &checkpoint.origin) {
                    Err(format!(
                        "expected a checkpoint of {expected}, whose key signed it, found one of {}",
                        checkpoint.origin
                    ))
                } else {
                    Ok(format!("the checkpoint is of {}", checkpoint.origin))
                };
                self.add(check::REKOR_ORIGIN, outcome)
            }
        }
    }

    /// A checkpoint without signatures is as good as a pinned one of the same state that a trusted log signed.
    fn by_pinned(&mut self, checkpoint: &Checkpoint, policy: &Policy) -> bool {
        let pinned = policy.logs.pinned.as_deref().filter(|pinned| same_state(&pinned.checkpoint, checkpoint));
        match pinned.map(|pinned| logs::judge(&pinned.note, policy)) {
            Some(Judged::Good { log, line, .. })
                if fits_origin(log.origin.as_deref().unwrap_or(&line.name), &checkpoint.origin)
                    && fits_origin(&line.name, &checkpoint.origin) =>
            {
                let detail =
                    "not signed itself, and the same state as the pinned checkpoint, which is signed by the log key";
                self.add(check::REKOR_SIGNATURE, Ok(format!("{detail} {}", log.key.fingerprint())));
                true
            }
            _ => {
                self.skip(check::REKOR_SIGNATURE, "the checkpoint has no signature: no log vouches for it");
                false
            }
        }
    }

    fn pinned(&mut self, checkpoint: &Checkpoint, pinned: Option<&Pinned>) {
        let Some(Pinned { checkpoint: known, .. }) = pinned else { return };
        let outcome = if known.origin != checkpoint.origin {
            Err(format!("the pinned checkpoint is of {}, that of the receipt of {}", known.origin, checkpoint.origin))
        } else if known.size != checkpoint.size {
            Err(format!(
                "the pinned checkpoint has {} entries, that of the receipt {}, and no proof leads from one to the other; pin \
                 the state for which the receipt was made",
                known.size, checkpoint.size
            ))
        } else if known.root != checkpoint.root {
            Err(format!(
                "the pinned checkpoint of this size has the root {}, that of the receipt {}: the log shows different \
                 histories, or one of them is forged",
                hex(&known.root),
                hex(&checkpoint.root)
            ))
        } else {
            Ok("the checkpoint is the pinned one in origin, size and root".to_string())
        };
        self.add(check::REKOR_PINNED, outcome);
    }

    fn tree(&mut self, receipt: &Receipt, checkpoint: &Checkpoint) {
        let (index, size) = (receipt.index, checkpoint.size);
        let outcome = match receipt.size {
            Some(stated) if stated != size => {
                Err(format!("the receipt states a tree of {stated} entries, the checkpoint one of {size}"))
            }
            _ if index >= size => {
                Err(format!("the receipt is for index {index}, and the tree of the checkpoint has {size} entries"))
            }
            _ => Ok(format!("index {index} of the {size} entries of the checkpoint")),
        };
        self.add(check::REKOR_TREE_SIZE, outcome);
        let outcome = if receipt.root == checkpoint.root {
            Ok("the root of the receipt is that of the checkpoint".to_string())
        } else {
            Err(format!("the receipt states the root {}, the checkpoint {}", hex(&receipt.root), hex(&checkpoint.root)))
        };
        self.add(check::REKOR_ROOT, outcome);
    }

    /// The leaf: from the entry, else from the id, else by a recipe that the proof agrees with.
    fn leaf(
        &mut self,
        receipt: &Receipt,
        checkpoint: &Checkpoint,
        file: &ReceiptFile,
        subjects: &[Subject<'_>],
        policy: &Policy,
    ) -> Option<Leaf> {
        let stated = receipt.leaf();
        match self.body(receipt, file) {
            Err(()) => None,
            Ok(Some((body, place))) => {
                let hash = leaf_hash(&body);
                let outcome = match stated {
                    Some(stated) if stated != hash => Err(format!(
                        "the id of the receipt states the leaf {}, and the entry of {place} has {}: it is another entry",
                        hex(&stated),
                        hex(&hash)
                    )),
                    _ => Ok(format!("the hash of the entry of {place}")),
                };
                self.add(check::REKOR_LEAF, outcome);
                self.fact("leaf", hex(&hash));
                Some(Leaf { hash, entry: Known::Body(body) })
            }
            Ok(None) => self.by_recipe(stated, receipt, checkpoint, subjects, policy),
        }
    }

    fn by_recipe(
        &mut self,
        stated: Option<Sha256Bytes>,
        receipt: &Receipt,
        checkpoint: &Checkpoint,
        subjects: &[Subject<'_>],
        policy: &Policy,
    ) -> Option<Leaf> {
        let leads = |leaf: &Sha256Bytes| {
            merkle::check_inclusion(leaf, receipt.index, checkpoint.size, &receipt.hashes, &checkpoint.root).is_ok()
        };
        let fits = |leaf: &Sha256Bytes| stated.map_or_else(|| leads(leaf), |stated| stated == *leaf);
        if let Some(recipe) = recipes(subjects, policy).into_iter().find(|recipe| fits(&recipe.leaf)) {
            self.add(check::REKOR_LEAF, Ok(format!("the hash of {}", recipe.words)));
            self.fact("leaf", hex(&recipe.leaf));
            let binding::Recipe { subject, words, signature, leaf } = recipe;
            return Some(Leaf { hash: leaf, entry: Known::Recipe { subject, words, signature } });
        }
        let why = format!(
            "no entry was found for the receipt, and no recipe gives its leaf; tried were {}; give the entry pack (entries/*.jsonl \
             beside the checkpoint)",
            binding::TRIED
        );
        self.skip(check::REKOR_LEAF, why);
        match stated {
            Some(hash) => Some(Leaf { hash, entry: Known::Nothing }),
            None => {
                self.skip(check::REKOR_INCLUSION, "not checked: the leaf is not known");
                self.skip(check::REKOR_ENTRY, "not checked: the entry is not known");
                None
            }
        }
    }

    /// The entry, of the receipt itself or of a pack, and where it was found.
    fn body(&mut self, receipt: &Receipt, file: &ReceiptFile) -> Result<Option<(Vec<u8>, String)>, ()> {
        let mut found = receipt.body.clone().map(|body| (body, "the receipt".to_string()));
        for PackFile { name, entry } in &file.packs {
            let name = String::from_utf8_lossy(name);
            match entry {
                Ok(PackEntry { line, body, .. }) => match &found {
                    Some((known, place)) if known != body => {
                        let why =
                            format!("{place} and line {line} of {name} have two different entries for this receipt");
                        self.add(check::REKOR_LEAF, Err(why));
                        return Err(());
                    }
                    Some(_) => {}
                    None => found = Some((body.clone(), format!("line {line} of {name}"))),
                },
                Err(why) => {
                    self.add(check::REKOR_LEAF, Err(format!("expected the entries of a log in {name}, found: {why}")));
                    return Err(());
                }
            }
        }
        Ok(found)
    }

    fn inclusion(&mut self, receipt: &Receipt, checkpoint: &Checkpoint, leaf: &Sha256Bytes, signed: bool) {
        let held = merkle::check_inclusion(leaf, receipt.index, checkpoint.size, &receipt.hashes, &checkpoint.root);
        let whose = if signed { "the checkpoint" } else { "the checkpoint, for which no trusted log vouches" };
        let outcome = match held {
            Ok(()) => Ok(format!("{} hashes lead from the leaf to the root of {whose}", receipt.hashes.len())),
            Err(error) => Err(format!("the proof does not lead from the leaf to the root of {whose}: {error}")),
        };
        if self.add(check::REKOR_INCLUSION, outcome) && signed {
            // By the word of a log that the operator trusts.
            self.fact("log_index", receipt.index.to_string());
            self.fact("log_origin", checkpoint.origin.clone());
            self.fact("tree_size", checkpoint.size.to_string());
        }
    }

    fn entry(&mut self, known: Known, subjects: &[Subject<'_>]) -> Option<(usize, Vec<String>)> {
        let body = match known {
            Known::Nothing => {
                self.skip(check::REKOR_ENTRY, "not checked: the entry itself is not known, only its hash");
                return None;
            }
            Known::Recipe { subject, words, signature } => {
                let found = subjects.get(subject)?;
                let name = String::from_utf8_lossy(found.name);
                if found.signers.is_empty() {
                    let why =
                        format!("the entry is about what {name} signs; by whom that is signed was not established");
                    self.skip(check::REKOR_ENTRY, why);
                    return None;
                }
                let what = if signature { "its signature and its key" } else { "what it signs, and not who signed it" };
                self.add(check::REKOR_ENTRY, Ok(format!("{words} is about {name}: {what}")));
                // The entry that Rekor makes has all signatures of the document.
                return Some((subject, if signature { found.all_makers() } else { Vec::new() }));
            }
            Known::Body(body) => body,
        };
        match format::parse_body(&body) {
            Err(why) => {
                self.skip(check::REKOR_ENTRY, format!("the entry is none of a kind that is compared: {why}"));
                None
            }
            Ok(None) => {
                self.skip(
                    check::REKOR_ENTRY,
                    "the entry is of a kind that is not compared (dsse, intoto, hashedrekord are)",
                );
                None
            }
            Ok(Some(body)) => match bind(&body, subjects) {
                Bound::To(subject, keys, detail) => {
                    self.add(check::REKOR_ENTRY, Ok(detail));
                    Some((subject, keys))
                }
                Bound::Broken(why) => {
                    self.add(check::REKOR_ENTRY, Err(why));
                    None
                }
                Bound::Open(why) => {
                    self.skip(check::REKOR_ENTRY, why);
                    None
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
