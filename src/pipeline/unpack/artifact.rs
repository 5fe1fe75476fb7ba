//! Databases of Trivy as a scanner's cache has them: the file of the database and its `metadata.json` side by side.

use super::interrupt::Interrupt;
use super::plan::{Item, unsealed};
use super::staging::Staging;
use super::write::Writer;
use super::{Request, UnpackError};
use crate::bundle::model::DatabaseType;
use crate::format::inventory::{EntryIndex, Inventory};
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
            let writer = Writer::new(tree, inventory, paths, interrupt, request.preserve_times, items.iter());
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
        found.push(vec![unsealed(inventory, index, file), unsealed(inventory, metadata, METADATA)]);
    }
    if found.len() > 1 {
        return Err(UnpackError::Usage(format!("--artifact: there are {} files {}", found.len(), kind.file())));
    }
    Ok(found.pop())
}
