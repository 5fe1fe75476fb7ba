//! One vulnerability: what is said of it, and which packages have it.

use super::{
    MAX_AFFECTED, MAX_FINDING, MAX_TEXT, MAX_VERSIONS, Severity, TABLES, VULNERABILITIES, kept, kept_name, object,
};
use crate::format::bbolt::{BoltError, Database, Event, PageSource};
use memchr::memmem;
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Everything that a database says about one vulnerability.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// Its record; `None` where the database has none under this id.
    pub vulnerability: Option<Vulnerability>,
    /// Packages that have it, in the order of the database: by platform, then by package.
    pub affected: Vec<Affected>,
    /// Packages over [`MAX_AFFECTED`], or after [`MAX_FINDING`] bytes of text: how many.
    pub more: u64,
    /// Advisories that name the id but could not be read, so that they are not among `affected`.
    pub malformed: u64,
    /// Bytes of text in `affected`.
    kept: usize,
}

/// What is said about a vulnerability. Texts are cut after [`MAX_TEXT`] bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vulnerability {
    /// One line.
    pub title: String,
    /// Several lines.
    pub description: String,
    /// How bad; `None` only where the record is malformed.
    pub severity: Option<Severity>,
    /// Classes of weakness such as `CWE-79`, at most [`MAX_VERSIONS`].
    pub weaknesses: Vec<String>,
    /// As it stands there: not all are RFC 3339.
    pub published: String,
    /// As it stands there.
    pub modified: String,
    /// Why the record is not read; everything else is empty then.
    pub malformed: Option<String>,
}

/// One package of one platform that has the vulnerability.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Platform or ecosystem.
    pub platform: String,
    /// Package.
    pub package: String,
    /// The key of the advisory: the id itself, or that of an erratum that names it (`RHSA-2019:2304`).
    pub advisory: String,
    /// Versions in which it is fixed, at most [`MAX_VERSIONS`], each once. Empty: there is no fix, or none is known.
    pub fixed: Vec<String>,
    /// Versions that have it, as ranges, for ecosystems that say so; at most [`MAX_VERSIONS`].
    pub vulnerable: Vec<String>,
    /// There are more of either than are listed.
    pub cut: bool,
}

/// What advisories of all platforms have in common.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Advisory<'a> {
    #[serde(borrow)]
    fixed_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    patched_versions: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    vulnerable_versions: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    affected_version: Option<Cow<'a, str>>,
    #[serde(rename = "VendorIDs", borrow)]
    vendor_ids: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    entries: Option<Vec<Entry<'a>>>,
}

/// One of several statements of an advisory: those of Red Hat and of distributions made from it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Entry<'a> {
    #[serde(borrow)]
    fixed_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cves: Option<Vec<Named<'a>>>,
    #[serde(rename = "VendorIDs", borrow)]
    vendor_ids: Option<Vec<Cow<'a, str>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named<'a> {
    #[serde(rename = "ID", borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Record<'a> {
    #[serde(borrow)]
    title: Option<Cow<'a, str>>,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    severity: Option<Cow<'a, str>>,
    #[serde(rename = "CweIDs", borrow)]
    cwe_ids: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    published_date: Option<Cow<'a, str>>,
    #[serde(borrow)]
    last_modified_date: Option<Cow<'a, str>>,
}

/// Everything that `database` says about the vulnerability `id` (`CVE-2019-1559`). Reads the whole database, because
/// packages are not listed by vulnerability; advisories are parsed only where they name the id.
///
/// # Errors
/// As [`Database::walk`].
pub fn advisory<S: PageSource>(database: &Database<S>, id: &str) -> Result<Finding, BoltError> {
    let mut finding = Finding::default();
    let mut path: Vec<Vec<u8>> = Vec::new();
    let naming = memmem::Finder::new(id);
    database.walk(|event| {
        match event {
            Event::Enter(name) => path.push(name.to_vec()),
            Event::Leave => drop(path.pop()),
            Event::Value(key, value) => match path.as_slice() {
                [only] if only == VULNERABILITIES && key == id.as_bytes() => {
                    finding.vulnerability = Some(Vulnerability::of(value));
                }
                [platform, package] if platform != VULNERABILITIES && platform != TABLES => {
                    let own = key == id.as_bytes();
                    if own || naming.find(value).is_some() {
                        finding.add(Affected::of(key, value, id, own), platform, package);
                    }
                }
                _ => {}
            },
        }
        ControlFlow::Continue(())
    })?;
    Ok(finding)
}

impl Finding {
    fn add(&mut self, found: Result<Option<Affected>, String>, platform: &[u8], package: &[u8]) {
        match found {
            Err(_) => self.malformed += 1,
            Ok(None) => {}
            Ok(Some(_)) if self.affected.len() >= MAX_AFFECTED || self.kept > MAX_FINDING => self.more += 1,
            Ok(Some(affected)) => {
                let (platform, package) = (kept_name(platform), kept_name(package));
                let affected = Affected { platform, package, ..affected };
                self.kept += affected.bytes();
                self.affected.push(affected);
            }
        }
    }
}

impl Vulnerability {
    fn of(value: &[u8]) -> Self {
        let record: Record<'_> = match object(value) {
            Ok(record) => record,
            Err(why) => return Vulnerability { malformed: Some(why), ..Vulnerability::default() },
        };
        let text = |field: &Option<Cow<'_, str>>| kept(field.as_deref().unwrap_or_default());
        Vulnerability {
            title: text(&record.title),
            description: text(&record.description),
            severity: Some(Severity::of(record.severity.as_deref())),
            weaknesses: record.cwe_ids.iter().flatten().take(MAX_VERSIONS).map(|id| kept(id)).collect(),
            published: text(&record.published_date),
            modified: text(&record.last_modified_date),
            malformed: None,
        }
    }
}

impl Affected {
    /// What the advisory says about `id`; `None` where it only mentions it somewhere.
    fn of(key: &[u8], value: &[u8], id: &str, own: bool) -> Result<Option<Self>, String> {
        let advisory: Advisory<'_> = object(value)?;
        let names = |ids: &Option<Vec<Cow<'_, str>>>| ids.iter().flatten().any(|other| other == id);
        let own = own || names(&advisory.vendor_ids);
        let entries: Vec<&Entry<'_>> = advisory.entries.iter().flatten().collect();
        let named = |entry: &&&Entry<'_>| {
            own || names(&entry.vendor_ids) || entry.cves.iter().flatten().any(|cve| cve.id.as_deref() == Some(id))
        };
        let entries: Vec<&Entry<'_>> = entries.iter().filter(named).copied().collect();
        if !own && entries.is_empty() {
            return Ok(None);
        }
        let mut affected = Affected { advisory: kept_name(key), ..Affected::default() };
        let of_entries = entries.iter().filter_map(|entry| entry.fixed_version.as_deref());
        let of_all = advisory.fixed_version.as_deref().into_iter();
        let patched = advisory.patched_versions.iter().flatten().map(|version| &**version);
        for version in of_all.chain(patched).chain(of_entries) {
            affected.cut |= !push(&mut affected.fixed, version);
        }
        let of_all = advisory.affected_version.as_deref().into_iter();
        for version in of_all.chain(advisory.vulnerable_versions.iter().flatten().map(|version| &**version)) {
            affected.cut |= !push(&mut affected.vulnerable, version);
        }
        Ok(Some(affected))
    }
}

impl Affected {
    /// Versions that fix what an untrusted advisory is about, each once.
    pub(super) fn fixed_in(untrusted: &[u8]) -> Result<Vec<String>, String> {
        Ok(Affected::of(b"", untrusted, "", true)?.map(|affected| affected.fixed).unwrap_or_default())
    }

    /// Bytes of all its text, and of the places where it is kept.
    fn bytes(&self) -> usize {
        let names = [&self.platform, &self.package, &self.advisory];
        names.into_iter().chain(&self.fixed).chain(&self.vulnerable).map(|text| text.len() + size_of::<String>()).sum()
    }
}

/// Adds a version that is not there yet; `false` where it is left out or cut.
fn push(list: &mut Vec<String>, version: &str) -> bool {
    if version.is_empty() || list.iter().any(|listed| listed == version) {
        return true;
    }
    if list.len() >= MAX_VERSIONS {
        return false;
    }
    list.push(kept(version));
    version.len() <= MAX_TEXT
}
