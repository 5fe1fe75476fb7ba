//! What can be said of a Trivy database only at a time and for a scanner: whether its metadata can be true, and whether the
//! scanner of the operator reads it.

use crate::bundle::model::{DatabaseType, Trivy, TrivyDatabase};
use crate::format::time::Time;
use crate::format::trivy_db::Scanner;
use crate::trust::check::{self, Check};
use crate::trust::policy::Policy;

/// One row a database for its metadata, and one for the scanner.
pub(super) fn judge(trivy: &Trivy, policy: &Policy) -> Vec<Check> {
    let of = |database| [metadata(database, policy.at), schema(database, policy.scanner)];
    trivy.databases.iter().flat_map(of).collect()
}

fn metadata(database: &TrivyDatabase, at: Time) -> Check {
    match &database.metadata {
        None if database.alone => {
            let detail = "the input is a database without its metadata: nothing says how old it is";
            Check::skip(check::TRIVY_METADATA, &database.path, detail)
        }
        None if database.examined.is_none() => Check::skip(check::TRIVY_METADATA, &database.path, "they were not read"),
        None => {
            let detail =
                "there is no metadata.json beside the database; Trivy refuses it, and nothing says how old it is";
            Check::fail(check::TRIVY_METADATA, &database.path, detail)
        }
        Some((path, Err(why))) => Check::fail(check::TRIVY_METADATA, path, why),
        Some((path, Ok(metadata))) => {
            let wrong = metadata.implausible(database.expected.schema(), at);
            let words: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            Check::of(
                check::TRIVY_METADATA,
                path,
                match words.is_empty() {
                    true => Ok(format!("Version {}, and its dates can be true", metadata.version)),
                    false => Err(words.join("; ")),
                },
            )
        }
    }
}

fn schema(database: &TrivyDatabase, scanner: Option<Scanner>) -> Check {
    let Some(scanner) = scanner else {
        let detail = "no scanner was named (--scanner trivy@VERSION), so it is not known which one can read it";
        return Check::skip(check::TRIVY_SCHEMA, &database.path, detail);
    };
    let schema = match &database.metadata {
        Some((_, Ok(metadata))) => metadata.version,
        _ => {
            let detail = "the database has no metadata that can be read, so its schema is not known";
            return Check::skip(check::TRIVY_SCHEMA, &database.path, detail);
        }
    };
    let supported = scanner.schema_of(database.expected == DatabaseType::JavaIndex);
    Check::of(
        check::TRIVY_SCHEMA,
        &database.path,
        match supported {
            Some(supported) if supported == schema => {
                Ok(format!("{scanner} reads schema {schema} of {}", database.expected.file()))
            }
            Some(supported) => Err(format!(
                "{scanner} reads schema {supported} of {}, found schema {schema}",
                database.expected.file()
            )),
            None => Err(format!("{scanner} reads no {}", database.expected.file())),
        },
    )
}
