//! Databases of Trivy as a scanner's cache has them: the file of the database and its `metadata.json` side by side.

use super::interrupt::Interrupt;
use super::opened;
use super::plan::{Item, item};
use super::staging::Staging;
use super::write::Writer;
use super::{Request, UnpackError};
use crate::bundle::model::DatabaseType;
use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::path::lossless;
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::progress::Progress;
use crate::pipeline::record::Recorder;
use crate::pipeline::reread::reread;
use crate::pipeline::scan;
use crate::pipeline::source::Source;
use crate::pipeline::stream;
use crate::pipeline::verify::Verification;
use crate::trust::authority::Standing;
use crate::trust::clearance::Clearance;
use std::collections::BTreeSet;

const METADATA: &[u8] = b"metadata.json";

/// One database and its metadata.
#[derive(Debug)]
struct Database {
    kind: DatabaseType,
    /// The layer that they lie in; `None`: they are entries of the bundle.
    layer: Option<EntryIndex>,
    /// Both files, as entries of the layer or of the bundle.
    items: Vec<Item>,
}

/// What `--artifact` writes.
#[derive(Debug)]
pub(super) struct Artifact {
    databases: Vec<Database>,
}

impl Artifact {
    /// The databases of the bundle that `clearance` covers.
    ///
    /// # Errors
    /// There is none, one has no metadata, or there are two of one kind.
    pub(super) fn of(verification: &Verification, clearance: &Clearance) -> Result<Artifact, UnpackError> {
        let inventory = &verification.reading.inventory;
        let covered = |entry: EntryIndex| {
            let standing = verification.authority.standings.get(entry as usize).copied();
            clearance.covers(standing.unwrap_or(Standing::Unlisted), false)
        };
        let mut databases = Vec::new();
        for kind in [DatabaseType::Vulnerabilities, DatabaseType::JavaIndex] {
            for (layer, inner) in inventory.nested.iter().filter(|(layer, _)| covered(**layer)) {
                databases.extend(find(inner, kind, |_| true)?.map(|items| Database {
                    kind,
                    layer: Some(*layer),
                    items,
                }));
            }
            databases.extend(find(inventory, kind, covered)?.map(|items| Database { kind, layer: None, items }));
        }
        let kinds: BTreeSet<&str> = databases.iter().map(|database| database.kind.file()).collect();
        if kinds.len() < databases.len() {
            let why =
                "--artifact: there are several databases of one kind, and a scanner's cache has one; unpack with --to";
            return Err(UnpackError::Usage(why.into()));
        }
        if databases.is_empty() {
            let why = "--artifact: there is no database of Trivy that may be written; it is for OCI layouts and archives with one";
            return Err(UnpackError::Usage(why.into()));
        }
        if databases.len() > 1 {
            // Both have a metadata.json: each goes into the folder that it has in the cache.
            for database in &mut databases {
                let folder = folder(database.kind);
                for item in &mut database.items {
                    item.name = [folder, b"/", item.name.as_slice()].concat();
                }
            }
        }
        Ok(Artifact { databases })
    }

    /// Files, folders and bytes.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let folders = if self.databases.len() > 1 { self.databases.len() as u64 } else { 0 };
        let items = || self.databases.iter().flat_map(|database| &database.items);
        (items().count() as u64, folders, items().fold(0, |sum, item| sum.saturating_add(item.size)))
    }

    /// Files that are written decrypted.
    pub(super) fn decrypted(&self) -> u64 {
        self.databases.iter().flat_map(|database| &database.items).filter(|item| item.sealed).count() as u64
    }

    /// Writes them into the staging folder.
    pub(super) fn fill(
        &self,
        request: &Request,
        verification: &Verification,
        source: &Source,
        staging: &Staging,
        interrupt: &Interrupt,
        progress: &Progress,
    ) -> Result<(), EnvironmentError> {
        let (tree, target) = (staging.tree(), staging.target().path());
        if self.databases.len() > 1 {
            let folders = self.databases.iter().map(|database| folder(database.kind));
            tree.make_folders(folders).map_err(|error| EnvironmentError::write(target, error))?;
        }
        let (outer, options) = (&verification.reading.inventory, &request.read.scan);
        for Database { layer, items, .. } in &self.databases {
            let inventory = match layer {
                Some(layer) => match outer.nested.get(layer) {
                    Some(inner) => inner,
                    None => continue,
                },
                None => outer,
            };
            let paths = (source.path(), target);
            let times = request.preserve_times;
            let writer = |sealed: bool| {
                let items = items.iter().filter(move |item| item.sealed == sealed);
                Writer::new(tree, inventory, paths, interrupt, times, items)
            };
            // Only entries of the bundle itself are ever encrypted by themselves.
            let sealed = writer(true);
            if !sealed.is_idle() {
                let pass = opened::write(source, verification, request, items, &sealed);
                sealed.settle(pass)?;
            }
            let writer = writer(false);
            if writer.is_idle() {
                continue;
            }
            let pass = match layer {
                None => scan::pass_into(source, options, progress, &writer),
                Some(layer) => reread(source, outer, &[*layer], options, &mut |index, reader| {
                    let name = outer.entry(index).normal_path().to_vec();
                    let mut recorder = Recorder::without_content(options.limits);
                    stream::scan_into(reader, &name, options, &Progress::default(), &mut recorder, |_| &writer)
                }),
            };
            writer.settle(pass)?;
        }
        Ok(())
    }
}

/// The folder of a database in the cache of Trivy.
fn folder(kind: DatabaseType) -> &'static [u8] {
    match kind {
        DatabaseType::Vulnerabilities => b"db",
        DatabaseType::JavaIndex => b"java-db",
    }
}

/// The database and the metadata beside it, in the root of `inventory` or one folder down.
fn find(
    inventory: &Inventory,
    kind: DatabaseType,
    covered: impl Fn(EntryIndex) -> bool,
) -> Result<Option<Vec<Item>>, UnpackError> {
    let file = kind.file().as_bytes();
    let is_it = |name: &[u8]| name == file || name.strip_suffix(file).is_some_and(|folder| folder.ends_with(b"/"));
    let mut found = Vec::new();
    for (index, entry) in inventory.entries.iter().enumerate() {
        let (index, name) = (index as EntryIndex, entry.normal_path());
        if !entry.hashed || !is_it(name) || !covered(index) {
            continue;
        }
        let beside = [&name[..name.len() - file.len()], METADATA].concat();
        let metadata =
            inventory.find(&beside).filter(|metadata| inventory.entry(*metadata).hashed && covered(*metadata));
        let Some(metadata) = metadata else {
            let why = format!(
                "--artifact: {} has no {} beside it, without which no scanner takes it",
                kind.file(),
                "metadata.json"
            );
            return Err(UnpackError::Usage(why));
        };
        let closed = |entry: &EntryIndex| inventory.sealed.get(entry).is_some_and(|sealed| sealed.plain.is_none());
        if let Some(entry) = [index, metadata].iter().find(|entry| closed(entry)) {
            return Err(UnpackError::Usage(format!(
                "--artifact: {} is encrypted and was not opened, and no scanner reads it so; give --identity",
                lossless(inventory.entry(*entry).normal_path())
            )));
        }
        found.push(vec![item(inventory, index, file.to_vec()), item(inventory, metadata, METADATA.to_vec())]);
    }
    if found.len() > 1 {
        return Err(UnpackError::Usage(format!("--artifact: there are {} files {}", found.len(), kind.file())));
    }
    Ok(found.pop())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::inventory::{EntryKind, Observed, Plain, Sealed};

    /// A database and its metadata, both encrypted; opened where `opened`.
    fn encrypted(opened: bool) -> Inventory {
        let entry = |name: &str| Observed {
            path: name.as_bytes().into(),
            size: 28,
            mtime: 0,
            sha256: [1; 32],
            mode: 0o644,
            kind: EntryKind::File,
            hashed: true,
            owned: false,
        };
        let plain = opened.then_some(Plain { sha256: [2; 32], size: 0, contents: None });
        let sealed = Sealed { nonce_beside: false, plain };
        Inventory {
            entries: ["db/metadata.json", "db/trivy.db"].map(entry).to_vec(),
            sealed: [(0, sealed.clone()), (1, sealed)].into(),
            ..Inventory::default()
        }
    }

    #[test]
    fn encrypted_databases_come_as_plain_text_or_not_at_all() {
        let find = |opened| find(&encrypted(opened), DatabaseType::Vulnerabilities, |_| true);
        let items = find(true).unwrap().unwrap();
        assert!(items.iter().all(|item| item.sealed && item.sha256 == [2; 32] && item.size == 0), "{items:?}");
        let refused = find(false).unwrap_err().to_string();
        assert!(refused.contains("db/trivy.db is encrypted"), "{refused}");
    }
}
