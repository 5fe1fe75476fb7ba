//! Two readers, one archive: whatever our reader takes without a defect, GNU tar, bsdtar and Python's tarfile list with the same
//! names, types, sizes and link targets in the same order, and put out the same bytes. Everything else is refused.
//!
//! Read are the archives of other projects (`../shared/corpus/tar`, where it is there), every tar of the test cases, and
//! archives that are changed where readers are known to differ, the same ones in every run. `PORTCULLIS_DIFFERENTIAL_ROUNDS`
//! sets how many of these. Readers that are not installed are left out, which is said.

#[path = "differential/archives.rs"]
mod archives;
#[path = "differential/readers.rs"]
mod readers;

use readers::{Reader, Seen, View};
use std::path::{Path, PathBuf};

/// Changed archives of each run.
const ROUNDS: usize = 600;
/// Archives given to the readers at a time.
const BATCH: usize = 200;

/// How many archives were refused by us, and how many were taken and compared.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    refused: usize,
    agreed: usize,
}

/// Compares what we take with every reader; what differs is said in `complaints`.
fn compare(archives: &[PathBuf], readers: &[Reader], complaints: &mut Vec<String>) -> Count {
    let views: Vec<(&PathBuf, Result<View, String>)> =
        archives.iter().map(|archive| (archive, readers::ours(archive))).collect();
    let taken: Vec<(PathBuf, View)> =
        views.into_iter().filter_map(|(path, view)| Some((path.clone(), view.ok()?))).collect();
    let paths: Vec<PathBuf> = taken.iter().map(|(path, _)| path.clone()).collect();
    for reader in readers {
        for ((path, ours), theirs) in taken.iter().zip(reader.views(&paths)) {
            let why = match theirs {
                Err(words) => format!("refuses it: {}", words.trim()),
                Ok(theirs) => match difference(ours, &theirs) {
                    Some(difference) => difference,
                    None => continue,
                },
            };
            complaints.push(format!("{}: we take it, {} {why}", path.display(), reader.name));
        }
    }
    Count { refused: archives.len() - taken.len(), agreed: taken.len() }
}

fn difference(ours: &View, theirs: &View) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let told = |seen: Option<&Seen>| {
        seen.map_or("nothing".into(), |seen| {
            let link = seen.link.as_ref().map_or(String::new(), |link| format!(" -> {}", link.escape_ascii()));
            format!("{} {} {}{link}", seen.kind, seen.size, seen.name.escape_ascii())
        })
    };
    let longest = ours.members.len().max(theirs.members.len());
    let first = (0..longest).find(|at| ours.members.get(*at) != theirs.members.get(*at));
    Some(first.map_or("puts out other bytes".into(), |at| {
        format!("sees `{}`, we see `{}`", told(theirs.members.get(at)), told(ours.members.get(at)))
    }))
}

fn report(what: &str, count: Count, readers: &[Reader], complaints: &[String]) {
    let names: Vec<String> = readers.iter().map(|reader| format!("{} ({})", reader.name, reader.version)).collect();
    println!("{what}: {} refused, {} compared with {}", count.refused, count.agreed, names.join(", "));
    assert!(complaints.is_empty(), "{} differences:\n{}", complaints.len(), complaints.join("\n"));
}

fn tars_below(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name();
    let files = walk.into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
    files.filter(|path| path.extension().is_some_and(|extension| extension == "tar")).collect()
}

#[test]
fn archives_of_other_projects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/tar/archives");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return;
    }
    let (readers, mut complaints) = (readers::installed(), Vec::new());
    let count = compare(&tars_below(&folder), &readers, &mut complaints);
    assert!(count.agreed > 0 && count.refused > 0, "{count:?}");
    report("corpus", count, &readers, &complaints);
}

#[test]
fn archives_of_the_test_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let (readers, mut complaints) = (readers::installed(), Vec::new());
    let count = compare(&tars_below(&folder), &readers, &mut complaints);
    assert!(count.agreed > 0, "{count:?}");
    report("test cases", count, &readers, &complaints);
}

#[test]
fn archives_that_readers_could_see_differently() {
    let rounds = std::env::var("PORTCULLIS_DIFFERENTIAL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds: usize = rounds.unwrap_or(ROUNDS);
    let (readers, mut complaints) = (readers::installed(), Vec::new());
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut all = archives::generated(rounds).into_iter().enumerate();
    let mut total = Count::default();
    loop {
        let batch: Vec<PathBuf> = all
            .by_ref()
            .take(BATCH)
            .map(|(number, archive)| {
                let path = folder.path().join(format!("{number}-{}.tar", archive.name));
                std::fs::write(&path, archive.bytes).expect("room for an archive");
                path
            })
            .collect();
        if batch.is_empty() {
            break;
        }
        let before = complaints.len();
        let count = compare(&batch, &readers, &mut complaints);
        total = Count { refused: total.refused + count.refused, agreed: total.agreed + count.agreed };
        for path in batch {
            // What readers differ about is kept for a look.
            let name = path.display().to_string();
            if complaints[before..].iter().any(|complaint| complaint.starts_with(&name)) {
                let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(path.file_name().expect("a name"));
                std::fs::copy(&path, kept).expect("room for a copy");
            }
            std::fs::remove_file(path).expect("it was written before");
        }
    }
    assert!(total.agreed > rounds / 20 && total.refused > rounds / 4, "{total:?}");
    report("changed archives", total, &readers, &complaints);
}
