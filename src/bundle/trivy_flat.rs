//! `trivy:db` and `trivy:java-db`: a database of Trivy and its metadata in one archive (formats.md 7.3), as the Export Center
//! writes it and as Trivy publishes it; or the file of the database alone.

use super::kind::{Further, Kind, Likelihood};
use super::layout::{self, Layout};
use super::lists;
use super::model::{Bundle, DatabaseType, TrivyDatabase};
use super::trivy::{self, METADATA};
use crate::format::database::Engine;
use crate::format::inventory::{EntryKind, Inventory, Location};

/// Vulnerabilities.
pub static TRIVY_DB: TrivyFlat =
    TrivyFlat { id: "trivy:db", database: DatabaseType::Vulnerabilities, engine: Engine::Bbolt };
/// Java archives.
pub static TRIVY_JAVA_DB: TrivyFlat =
    TrivyFlat { id: "trivy:java-db", database: DatabaseType::JavaIndex, engine: Engine::Sqlite };

/// One of the two kinds.
pub struct TrivyFlat {
    id: &'static str,
    database: DatabaseType,
    engine: Engine,
}

impl TrivyFlat {
    /// Whether the input is the file of a database and nothing else.
    fn is_alone(&self, inventory: &Inventory) -> bool {
        inventory.container.last() == Some(&self.engine.name())
    }
}

impl Kind for TrivyFlat {
    fn id(&self) -> &'static str {
        self.id
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        if self.is_alone(inventory) {
            let because = format!("the input is the file of a {} database, without an archive", self.engine.name());
            return Likelihood::Yes { version: None, because };
        }
        let file = self.database.file();
        let Some(layout) = Layout::find(inventory, file) else { return Likelihood::No };
        let beside = layout.document(inventory, METADATA);
        if beside.is_some_and(|document| layout::markers(document, &["Version"]).contains("Version")) {
            let metadata = trivy::metadata(Vec::new(), beside).and_then(|(_, metadata)| metadata.ok());
            let because = format!("{METADATA} has a Version, and {file} lies beside it");
            return Likelihood::Yes { version: metadata.map(|metadata| metadata.version.to_string()), because };
        }
        // Metadata that are broken or gone must not turn a database into a file that nobody looks at.
        let engine = self.engine.name();
        if inventory.engines.get(&layout.path(file)) == Some(&self.engine) {
            let because = format!("{file} is a {engine} database, and there is no {METADATA} with a Version beside it");
            return Likelihood::Yes { version: None, because };
        }
        if inventory.find(&layout.path(METADATA)).is_some() {
            let because = format!("{file} and {METADATA} lie side by side, though neither is what it should be");
            return Likelihood::Yes { version: None, because };
        }
        Likelihood::Near(format!("there is {file}, but it is no {engine} database, and no {METADATA} lies beside it"))
    }

    fn further(&self, _inventory: &Inventory) -> Further {
        Further { databases: true, ..Further::default() }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let mut bundle = Bundle::default();
        let alone = self.is_alone(inventory);
        let layout = Layout::find(inventory, self.database.file()).unwrap_or_default();
        let path = match inventory.entries.first().filter(|_| alone) {
            Some(entry) => entry.normal_path().to_vec(),
            None => layout.path(self.database.file()),
        };
        read_lists(inventory, &mut bundle);
        let metadata = trivy::metadata(layout.path(METADATA), layout.document(inventory, METADATA).filter(|_| !alone));
        let (own, examined) = (path.clone(), inventory.databases.remove(&path));
        let found = inventory.find(&path).is_some_and(|entry| inventory.entry(entry).kind == EntryKind::File);
        if found || alone {
            trivy::add(&mut bundle, TrivyDatabase { path, expected: self.database, examined, metadata, alone });
        } else {
            bundle.checks.push(trivy::lacking(&path, self.database));
        }
        bundle.checks.extend(trivy::others(inventory, &own));
        bundle.claims.sort();
        bundle
    }
}

/// Checksum lists among the entries.
fn read_lists(inventory: &Inventory, bundle: &mut Bundle) {
    let inside = inventory.documents.iter().filter(|document| matches!(document.location, Location::Entry(_)));
    let base = |name: &[u8]| name.rsplit(|c| *c == b'/').next().map(<[u8]>::to_vec).unwrap_or_default();
    for list in inside.filter(|document| lists::is_list_name(&base(&document.name))) {
        let (_, summary) = lists::claim(inventory, &mut bundle.claims, list);
        bundle.has_lists |= summary.lines > 0;
        bundle.checks.push(summary.check(&list.name));
    }
}
