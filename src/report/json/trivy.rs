//! The member `trivy`: what the databases of a bundle hold, what is said of their export, and of one vulnerability.

use crate::bundle::model::{Trivy, TrivyDatabase, TrivyExport};
use crate::format::database::Contents;
use crate::format::path::lossless;
use crate::format::time::{Time, age_seconds, format_rfc3339};
use crate::format::trivy_db::{self, Severity, Summary};
use crate::format::trivy_java::JavaIndex;
use crate::report::databases::{self, type_of};
use crate::report::model::Report;
use serde::Serialize;
use std::collections::BTreeMap;

/// All of it.
#[derive(Serialize)]
pub(super) struct View<'a> {
    databases: Vec<Database<'a>>,
    export: Option<Export<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advisory: Option<Advisory<'a>>,
}

impl<'a> View<'a> {
    /// `None` where there is no database and none was asked for.
    pub(super) fn of(report: &Report<'a>) -> Option<View<'a>> {
        let advisory = databases::Advisory::of(report).map(|advisory| Advisory::of(&advisory));
        let trivy: Option<&Trivy> = report.reading().bundle.trivy.as_ref();
        if trivy.is_none() && advisory.is_none() {
            return None;
        }
        let databases = trivy.map_or(&[][..], |trivy| &trivy.databases);
        Some(View {
            databases: databases.iter().map(|database| Database::of(database, report.at)).collect(),
            export: trivy.and_then(|trivy| trivy.export.as_ref()).map(Export::of),
            advisory,
        })
    }
}

/// One database. What only one type has is left out of the others.
#[derive(Serialize, Default)]
struct Database<'a> {
    path: String,
    r#type: &'static str,
    size: Option<u64>,
    schema: Option<u64>,
    updated_at: Option<String>,
    next_update: Option<String>,
    downloaded_at: Option<String>,
    age_seconds: Option<i64>,
    overdue_seconds: Option<i64>,
    #[serde(flatten)]
    contents: Option<Held<'a>>,
    malformed: Option<u64>,
    error: Option<&'a str>,
    metadata_error: Option<&'a str>,
}

impl<'a> Database<'a> {
    fn of(database: &'a TrivyDatabase, at: Time) -> Self {
        let examined = database.examined.as_ref();
        let contents = examined.and_then(|examined| examined.contents.as_ref().ok());
        let metadata = database.metadata.as_ref().map(|(_, metadata)| metadata.as_ref());
        let (stated, metadata_error) = match metadata {
            Some(Ok(metadata)) => (Some(metadata), None),
            Some(Err(why)) => (None, Some(why.as_str())),
            None => (None, None),
        };
        Database {
            path: lossless(&database.path),
            r#type: type_of(database).name(),
            size: examined.map(|examined| examined.size),
            schema: stated.map(|metadata| metadata.version),
            updated_at: stated.and_then(|metadata| metadata.updated_at).map(format_rfc3339),
            next_update: stated.and_then(|metadata| metadata.next_update).map(format_rfc3339),
            downloaded_at: stated.and_then(|metadata| metadata.downloaded_at).map(format_rfc3339),
            age_seconds: stated.and_then(|metadata| metadata.updated_at).map(|updated| age_seconds(updated, at)),
            overdue_seconds: stated.and_then(|metadata| metadata.overdue_seconds(at)),
            contents: contents.map(Held::of),
            malformed: contents.map(|contents| match contents {
                Contents::Bbolt { summary, .. } => summary.malformed + summary.misplaced,
                Contents::Java(index) => index.malformed,
            }),
            error: match examined {
                None => Some("it was not read"),
                Some(examined) => examined.contents.as_ref().err().map(String::as_str),
            },
            metadata_error,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Held<'a> {
    Bbolt(Box<Buckets<'a>>),
    Java(Rows<'a>),
}

impl<'a> Held<'a> {
    fn of(contents: &'a Contents) -> Self {
        match contents {
            Contents::Bbolt { summary, .. } => Held::Bbolt(Box::new(Buckets::of(summary))),
            Contents::Java(index) => Held::Java(Rows::of(index)),
        }
    }
}

#[derive(Serialize)]
struct Buckets<'a> {
    buckets: &'a [String],
    more_buckets: u64,
    values: u64,
    vulnerabilities: BySeverity,
    advisories: Advisories<'a>,
    data_sources: Vec<DataSource<'a>>,
    more_data_sources: u64,
    faults: Vec<Fault<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
struct BySeverity {
    #[serde(rename = "total")]
    total: u64,
    critical: u64,
    high: u64,
    medium: u64,
    low: u64,
    unknown: u64,
}

#[derive(Serialize)]
struct Advisories<'a> {
    total: u64,
    platforms: Vec<Platform<'a>>,
    more_platforms: u64,
}

#[derive(Serialize)]
struct Platform<'a> {
    name: &'a str,
    packages: u64,
    advisories: u64,
}

#[derive(Serialize)]
struct DataSource<'a> {
    platform: &'a str,
    id: &'a str,
    name: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct Fault<'a> {
    buckets: &'a [String],
    key: &'a str,
    detail: &'a str,
}

impl<'a> Buckets<'a> {
    fn of(summary: &'a Summary) -> Self {
        let count = |severity: Severity| summary.vulnerabilities.get(&severity).copied().unwrap_or(0);
        let platforms = summary.platforms.iter().map(|(name, platform)| Platform {
            name,
            packages: platform.packages,
            advisories: platform.advisories,
        });
        let sources = summary.data_sources.iter().map(|(platform, source)| DataSource {
            platform,
            id: &source.id,
            name: &source.name,
            url: &source.url,
        });
        let faults = summary.faults.iter();
        Buckets {
            buckets: &summary.buckets,
            more_buckets: summary.walked.top_buckets.saturating_sub(summary.buckets.len() as u64),
            values: summary.walked.values,
            vulnerabilities: BySeverity {
                total: summary.vulnerability_count(),
                critical: count(Severity::Critical),
                high: count(Severity::High),
                medium: count(Severity::Medium),
                low: count(Severity::Low),
                unknown: count(Severity::Unknown),
            },
            advisories: Advisories {
                total: summary.advisory_count(),
                platforms: platforms.collect(),
                more_platforms: summary.more_platforms,
            },
            data_sources: sources.collect(),
            more_data_sources: summary.more_data_sources,
            faults: faults
                .map(|fault| Fault { buckets: &fault.buckets, key: &fault.key, detail: &fault.detail })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct Rows<'a> {
    rows: Tables,
    archive_types: Vec<ArchiveType<'a>>,
    other_archive_types: u64,
    dangling: u64,
}

#[derive(Serialize)]
struct Tables {
    artifacts: u64,
    indices: u64,
}

#[derive(Serialize)]
struct ArchiveType<'a> {
    name: &'a str,
    indices: u64,
}

impl<'a> Rows<'a> {
    fn of(index: &'a JavaIndex) -> Self {
        let types = |types: &'a BTreeMap<String, u64>| {
            types.iter().map(|(name, indices)| ArchiveType { name, indices: *indices }).collect()
        };
        Rows {
            rows: Tables { artifacts: index.artifacts(), indices: index.indices() },
            archive_types: types(&index.archive_types),
            other_archive_types: index.other_archive_types,
            dangling: index.dangling,
        }
    }
}

/// As its document states it, and how much a delta changes.
#[derive(Serialize)]
struct Export<'a> {
    document: String,
    mode: &'a str,
    base_export_id: Option<&'a str>,
    base_manifest_digest: Option<&'a str>,
    reset_baseline: bool,
    tree_digest: Option<&'a str>,
    tree_bytes: Option<u64>,
    advisory_count: Option<u64>,
    exporter_version: Option<&'a str>,
    changed_files: u64,
    changed_bytes: u64,
    removed_paths: u64,
}

impl<'a> Export<'a> {
    fn of(export: &'a TrivyExport) -> Self {
        Export {
            document: lossless(&export.document),
            mode: &export.mode,
            base_export_id: export.base_export_id.as_deref(),
            base_manifest_digest: export.base_manifest_digest.as_deref(),
            reset_baseline: export.reset_baseline,
            tree_digest: export.tree_digest.as_deref(),
            tree_bytes: export.tree_bytes,
            advisory_count: export.advisory_count,
            exporter_version: export.exporter_version.as_deref(),
            changed_files: export.changed_files,
            changed_bytes: export.changed_bytes,
            removed_paths: export.removed_paths,
        }
    }
}

#[derive(Serialize)]
struct Advisory<'a> {
    id: &'a str,
    found: bool,
    searched: Vec<String>,
    unread: Vec<String>,
    title: Option<&'a str>,
    description: Option<&'a str>,
    severity: Option<&'static str>,
    weaknesses: &'a [String],
    published: Option<&'a str>,
    modified: Option<&'a str>,
    affected: Vec<Affected<'a>>,
    more: u64,
    malformed: u64,
}

#[derive(Serialize)]
struct Affected<'a> {
    platform: &'a str,
    package: &'a str,
    advisory: &'a str,
    fixed: &'a [String],
    vulnerable: &'a [String],
    cut: bool,
    database: String,
}

impl<'a> Advisory<'a> {
    fn of(advisory: &databases::Advisory<'a>) -> Self {
        let record = advisory.record.filter(|record| record.malformed.is_none());
        let text = |of: fn(&trivy_db::Vulnerability) -> &str| record.map(of).filter(|text| !text.is_empty());
        let affected = advisory.affected.iter().map(|(database, affected)| Affected {
            platform: &affected.platform,
            package: &affected.package,
            advisory: &affected.advisory,
            fixed: &affected.fixed,
            vulnerable: &affected.vulnerable,
            cut: affected.cut,
            database: lossless(database),
        });
        Advisory {
            id: advisory.id,
            found: advisory.is_found(),
            searched: advisory.searched.iter().map(|path| lossless(path)).collect(),
            unread: advisory.unread.iter().map(|path| lossless(path)).collect(),
            title: text(|record| &record.title),
            description: text(|record| &record.description),
            severity: record.and_then(|record| record.severity).map(Severity::name),
            weaknesses: record.map_or(&[], |record| &record.weaknesses),
            published: text(|record| &record.published),
            modified: text(|record| &record.modified),
            affected: affected.collect(),
            more: advisory.more,
            malformed: advisory.malformed,
        }
    }
}
