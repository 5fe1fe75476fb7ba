//! Opening the encrypted entries of an input with an identity of the operator: a second reading, since the documents that
//! say how come after the entries.

use super::error::EnvironmentError;
use super::meter::{Form, Meters};
use super::reread::{reread, settle};
use super::scan::{ScanError, ScanOptions};
use super::source::Source;
use crate::bundle::encryption::Locked;
use crate::bundle::sealed_plan::{SealedEntry, SealedPlan};
use crate::format::inventory::{EntryIndex, Inventory, Plain, Sealed};
use crate::trust::check::{self, Check, MAX_LISTED};
use crate::trust::identity::Identities;
use crate::trust::sealed::{Candidate, DataKey, MAX_SEALED, MAX_TRIES, NONCE_BYTES, Nonce, SealedFile, diagnose};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

/// Sealed files that did not open and are kept until it can be told why, in bytes together. Only words depend on it.
const MAX_KEPT: usize = 64 << 20;

/// Opens what `plan` names and notes in `inventory` what is sealed and what was found inside. Returns the checks.
pub(super) fn open(
    source: &Source,
    inventory: &mut Inventory,
    plan: &SealedPlan,
    identities: Option<&Identities>,
    options: &ScanOptions,
) -> Result<Vec<Check>, EnvironmentError> {
    let closed = |file: &SealedEntry| Sealed { nonce_beside: matches!(file.nonce, Some(Ok(_))), plain: None };
    inventory.sealed = plan.files.iter().map(|file| (file.entry, closed(file))).collect();
    if plan.files.is_empty() {
        return Ok(vec![Check::skip(
            check::ENCRYPTION_KEY,
            "",
            "the provenance speaks of encryption, and no file is encrypted",
        )]);
    }
    let (key, row) = data_key(plan, identities);
    let mut checks = vec![row];
    let Some(key) = key else { return Ok(checks) };
    if !source.rereadable() {
        let detail = "encrypted files are read twice, and a pipe can be read only once; give the input as a file";
        checks.push(Check::skip(check::ENCRYPTION_OPEN, "", detail));
        return Ok(checks);
    }
    let mut opener = Opener::new(plan, key, options);
    let wanted = opener.wanted(inventory, &mut checks);
    let outcome = reread(source, inventory, &wanted, options, &mut |index, reader| {
        let mut bytes = Vec::with_capacity(inventory.entry(index).size as usize);
        reader.read_to_end(&mut bytes)?;
        opener.open(index, bytes, inventory.entry(index).normal_path());
        Ok(())
    });
    settle(source, outcome)?;
    opener.explain(inventory, &mut checks);
    for (entry, plain) in opener.opened {
        if let Some(sealed) = inventory.sealed.get_mut(&entry) {
            sealed.plain = Some(plain);
        }
    }
    Ok(checks)
}

/// The data key, unwrapped by an identity of the operator.
fn data_key(plan: &SealedPlan, identities: Option<&Identities>) -> (Option<DataKey>, Check) {
    let count = plan.files.len();
    let skip = |why: &str| Check::skip(check::ENCRYPTION_KEY, "", format!("{count} files are encrypted, and {why}"));
    let Some(identities) = identities else {
        let why = if plan.metadata.has_age_recipient() {
            "no identity was given; --identity FILE opens them, and nothing is known of them until then"
        } else {
            "their key is wrapped by a key management service only: nothing is known of them without it"
        };
        return (None, skip(why));
    };
    match plan.metadata.unlock(identities) {
        Ok((key, recipient)) => {
            let detail = format!("the data key of {count} files was unwrapped for {recipient}");
            (Some(key), Check::pass(check::ENCRYPTION_KEY, "", detail))
        }
        Err(locked @ Locked::ServiceOnly { .. }) => (None, skip(&locked.to_string())),
        Err(locked) => (None, Check::fail(check::ENCRYPTION_KEY, "", locked.to_string())),
    }
}

/// Opens file after file and keeps what is needed to say why some did not open.
struct Opener<'a> {
    files: BTreeMap<EntryIndex, &'a SealedEntry>,
    key: DataKey,
    meters: Meters,
    opened: Vec<(EntryIndex, Plain)>,
    nonces: BTreeMap<EntryIndex, Nonce>,
    refused: Vec<(EntryIndex, String, Option<SealedFile>)>,
    kept: usize,
}

impl<'a> Opener<'a> {
    fn new(plan: &'a SealedPlan, key: DataKey, options: &ScanOptions) -> Self {
        let files = plan.files.iter().map(|file| (file.entry, file)).collect();
        let meters = Meters::new(false, &options.limits);
        Opener { files, key, meters, opened: Vec::new(), nonces: BTreeMap::new(), refused: Vec::new(), kept: 0 }
    }

    /// The entries to read: not those that are too large to be held, which nothing is then known of.
    fn wanted(&self, inventory: &Inventory, checks: &mut Vec<Check>) -> Vec<EntryIndex> {
        let (small, large): (Vec<EntryIndex>, Vec<EntryIndex>) =
            self.files.keys().partition(|entry| inventory.entry(**entry).size <= MAX_SEALED as u64);
        checks.extend(large.into_iter().map(|entry| {
            let found = inventory.entry(entry);
            let detail = format!(
                "not opened: {} bytes; a sealed file has to be held in memory as a whole, at most {MAX_SEALED} bytes",
                found.size
            );
            Check::skip(check::ENCRYPTION_OPEN, &found.path, detail)
        }));
        small
    }

    fn open(&mut self, entry: EntryIndex, bytes: Vec<u8>, normal_path: &[u8]) {
        let Some(file) = self.files.get(&entry) else { return };
        let length = bytes.len();
        self.nonces
            .extend(bytes.first_chunk::<NONCE_BYTES>().filter(|_| file.nonce.is_none()).map(|nonce| (entry, *nonce)));
        let sealed = match &file.nonce {
            Some(Ok(nonce)) => {
                self.nonces.insert(entry, *nonce);
                SealedFile::with_nonce(bytes, *nonce).map_err(|error| error.to_string())
            }
            Some(Err(why)) => Err(format!("the document beside it: {why}")),
            None => SealedFile::with_prefix(bytes).map_err(|error| error.to_string()),
        };
        match sealed {
            Err(why) => self.refused.push((entry, why, None)),
            Ok(sealed) => match sealed.open(&self.key, &file.aad) {
                Ok(opened) => {
                    let mut meter = self.meters.start(Form::of(normal_path));
                    meter.update(opened.plain());
                    let measured = meter.finish();
                    let size = opened.plain().len() as u64;
                    let plain = Plain { sha256: measured.digests.sha256, size, contents: measured.contents };
                    self.opened.push((entry, plain));
                }
                Err(not) => {
                    let kept = not.sealed.filter(|_| self.kept + length <= MAX_KEPT);
                    self.kept += kept.as_ref().map_or(0, |_| length);
                    self.refused.push((entry, not.error.to_string(), kept));
                }
            },
        }
    }

    /// One row a file that did not open, with what can be told of the reason.
    fn explain(&self, inventory: &Inventory, checks: &mut Vec<Check>) {
        let refused: BTreeSet<EntryIndex> = self.refused.iter().map(|(entry, ..)| *entry).collect();
        // Those first that did not open either: files that were exchanged are two of them.
        let (first, second): (Vec<&SealedEntry>, Vec<&SealedEntry>) =
            self.files.values().partition(|file| refused.contains(&file.entry));
        let order = || first.iter().chain(&second);
        let mut by_nonce: BTreeMap<&Nonce, Vec<EntryIndex>> = BTreeMap::new();
        for (entry, nonce) in &self.nonces {
            by_nonce.entry(nonce).or_default().push(*entry);
        }
        let mut rows = Vec::new();
        for (entry, why, sealed) in &self.refused {
            let mut detail = why.clone();
            if let (Some(sealed), Some(own)) =
                (sealed.as_ref().filter(|_| rows.len() < MAX_LISTED), self.files.get(entry))
            {
                let others = order().filter(|file| file.entry != *entry).take(MAX_TRIES);
                let candidates: Vec<Candidate<'_>> = others
                    .map(|file| Candidate {
                        path: &file.path,
                        aad: &file.aad,
                        nonce: self.nonces.get(&file.entry).copied(),
                    })
                    .collect();
                let twin = by_nonce.get(&sealed.nonce()).and_then(|all| all.iter().find(|other| *other != entry));
                let twin = twin.and_then(|other| self.files.get(other)).map_or(String::new(), |other| {
                    format!("; its nonce is that of {:?} too, and no two files of a run may share one", other.path)
                });
                detail = format!("it does not open: {}{twin}", diagnose(&self.key, sealed, &own.aad, &candidates));
            }
            rows.push(Check::fail(check::ENCRYPTION_OPEN, &inventory.entry(*entry).path, detail));
        }
        check::push_failures(checks, rows, None);
    }
}

/// What is done with the plain text of one entry.
pub(super) type Plainly<'a> = dyn FnMut(EntryIndex, &[u8]) -> Result<(), ScanError> + 'a;

/// Opens `wanted`, which opened before, once more, and hands their plain texts to `each`. An entry that no longer opens is
/// left out, which the caller finds by counting.
pub(super) fn reopen(
    source: &Source,
    inventory: &Inventory,
    plan: &SealedPlan,
    identities: Option<&Identities>,
    options: &ScanOptions,
    wanted: &[EntryIndex],
    each: &mut Plainly<'_>,
) -> Result<(), ScanError> {
    let (Some(key), _) = data_key(plan, identities) else { return Ok(()) };
    let files: BTreeMap<EntryIndex, &SealedEntry> = plan.files.iter().map(|file| (file.entry, file)).collect();
    reread(source, inventory, wanted, options, &mut |index, reader| {
        let Some(file) = files.get(&index) else { return Ok(()) };
        let mut bytes = Vec::with_capacity(inventory.entry(index).size as usize);
        reader.read_to_end(&mut bytes)?;
        let sealed = match &file.nonce {
            Some(Ok(nonce)) => SealedFile::with_nonce(bytes, *nonce).ok(),
            Some(Err(_)) => None,
            None => SealedFile::with_prefix(bytes).ok(),
        };
        match sealed.and_then(|sealed| sealed.open(&key, &file.aad).ok()) {
            Some(opened) => each(index, opened.plain()),
            None => Ok(()),
        }
    })
}
