//! `portcullis tuf verify` on repositories that another program made: the editor of `tough`. Each is good but for one defect.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod tuf_repository;

use aws_lc_rs::signature::Ed25519KeyPair;
use portcullis::format::time::{Time, parse_rfc3339};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::error::Error;
use std::fs;
use std::num::NonZeroU64;
use std::path::PathBuf;
use tough::TargetName;
use tough::async_trait;
use tough::editor::RepositoryEditor;
use tough::key_source::KeySource;
use tough::schema::{Hashes, PathPattern, PathSet, Target};
use tough::sign::Sign;
use tuf_repository::{LATEST, NOW, Outcome, Site, digest_key, document, hashes, hex, root, seed, state};

const FILE: (&str, &[u8]) = ("mirror.tar.gz", b"the mirror");
const TOOL: (&str, &[u8]) = ("tool-1.bin", b"the tool");

/// A key by name, as the editor takes it: the same keys as those of `tuf_repository`.
#[derive(Debug)]
struct Named(&'static str);

type Failure = Box<dyn Error + Send + Sync>;

#[async_trait]
impl KeySource for Named {
    async fn as_sign(&self) -> Result<Box<dyn Sign>, Failure> {
        Ok(Box::new(Ed25519KeyPair::from_seed_unchecked(&seed(self.0)).unwrap()))
    }

    async fn write(&self, _: &str, _: &str) -> Result<(), Failure> {
        Err("keys are not written".into())
    }
}

fn sources(names: &[&'static str]) -> Vec<Box<dyn KeySource>> {
    names.iter().map(|name| Box::new(Named(name)) as Box<dyn KeySource>).collect()
}

/// What is not as usual.
#[derive(Clone, Copy)]
struct Plan {
    consistent: bool,
    version: u64,
    timestamp: &'static str,
    snapshot: &'static str,
    targets: &'static str,
    delegated: &'static str,
}

const GOOD: Plan =
    Plan { consistent: true, version: 1, timestamp: LATEST, snapshot: LATEST, targets: LATEST, delegated: LATEST };

fn time(text: &str) -> Time {
    parse_rfc3339(text).unwrap()
}

fn target((name, content): (&str, &[u8])) -> (TargetName, Target) {
    let sha256 = Sha256::digest(content).to_vec().into();
    let hashes = Hashes { sha256, _extra: Default::default() };
    let file = Target { length: content.len() as u64, hashes, custom: Default::default(), _extra: Default::default() };
    (TargetName::new(name).unwrap(), file)
}

/// A first root with a key for each role; `timestamp` names that of the timestamp.
fn first_root(consistent: bool, timestamp: &str) -> Vec<u8> {
    let keys = ["root", timestamp, "snapshot", "targets"].map(digest_key);
    document(&root(1, consistent, [&keys[0], &keys[1], &keys[2], &keys[3]]), &keys[..1])
}

/// Has the editor make and sign a repository with one target at the top and one below a delegation.
fn publish(site: &Site, plan: Plan) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(edit(site, plan)).unwrap();
    for (name, content) in [FILE, TOOL] {
        let prefix = if plan.consistent { format!("{}.", hex(&Sha256::digest(content))) } else { String::new() };
        fs::create_dir_all(site.path("t")).unwrap();
        fs::write(site.path("t").join(format!("{prefix}{name}")), content).unwrap();
    }
}

async fn edit(site: &Site, plan: Plan) -> Result<(), tough::error::Error> {
    let root = site.path("trusted.json");
    fs::write(&root, first_root(plan.consistent, "timestamp")).unwrap();
    let version = NonZeroU64::new(plan.version).unwrap();
    let mut editor = RepositoryEditor::new(&root).await?;
    let (name, file) = target(FILE);
    editor.targets_version(version)?.targets_expires(time(plan.targets))?.add_target(name, file)?;
    let paths = PathSet::Paths(vec![PathPattern::new("tool-*").unwrap()]);
    let one = NonZeroU64::MIN;
    let keys = sources(&["tools"]);
    editor.delegate_role("tools", &keys, paths, true, one, time(plan.delegated), version).await?;
    editor.sign_targets_editor(&sources(&["targets"])).await?.change_delegated_targets("tools")?;
    let (name, file) = target(TOOL);
    editor.add_target(name, file)?.targets_version(version)?.targets_expires(time(plan.delegated))?;
    editor.sign_targets_editor(&keys).await?;
    editor.snapshot_version(version).snapshot_expires(time(plan.snapshot));
    editor.timestamp_version(version).timestamp_expires(time(plan.timestamp));
    let signed = editor.sign(&sources(&["root", "timestamp", "snapshot", "targets"])).await?;
    let metadata = site.path("m");
    let _ = fs::remove_dir_all(&metadata);
    fs::create_dir_all(&metadata).unwrap();
    signed.write(&metadata).await
}

fn made(plan: Plan) -> Site {
    let site = Site { dir: tempfile::tempdir().unwrap() };
    publish(&site, plan);
    site
}

fn verify(site: &Site) -> Outcome {
    site.run(&["--target", FILE.0, "--target", TOOL.0])
}

fn metadata(site: &Site, name: &str) -> PathBuf {
    site.path("m").join(name)
}

fn flip(path: PathBuf) {
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|window| window == b"2030").unwrap_or(0);
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Changes what a document says and signs it again with the key of `by`.
fn resign(site: &Site, name: &str, by: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut whole: Value = serde_json::from_slice(&fs::read(metadata(site, name)).unwrap()).unwrap();
    change(&mut whole["signed"]);
    let bytes = document(&whole["signed"], &[digest_key(by)]);
    fs::write(metadata(site, name), &bytes).unwrap();
    bytes
}

/// Lets the documents above state what `name` is now.
fn restate(site: &Site, name: &str, bytes: &[u8]) {
    let state = |meta: &mut Value, bytes: &[u8]| {
        meta["length"] = json!(bytes.len());
        meta["hashes"] = json!({"sha256": hashes(bytes)["sha256"]});
    };
    let snapshot = resign(site, "1.snapshot.json", "snapshot", |signed| {
        if let Some(meta) = signed["meta"].get_mut(name) {
            state(meta, bytes);
        }
    });
    resign(site, "timestamp.json", "timestamp", |signed| state(&mut signed["meta"]["snapshot.json"], &snapshot));
}

#[test]
fn what_the_editor_makes_verifies_and_both_judges_agree() {
    for consistent in [true, false] {
        let run = verify(&made(Plan { consistent, ..GOOD })).good();
        let opinions: Vec<&Value> =
            run.rows("pass").into_iter().filter(|row| row["id"] == "tuf-second-opinion").collect();
        assert_eq!(opinions.len(), 2, "{:#}", run.report);
        assert!(run.rows("fail").is_empty());
    }
    // Signed again by us, it is the same to the editor's own library.
    let site = made(GOOD);
    let bytes = resign(&site, "1.targets.json", "targets", |_| {});
    restate(&site, "targets.json", &bytes);
    verify(&site).good();
}

#[test]
fn each_role_expires() {
    for (plan, id) in [
        (Plan { timestamp: NOW, ..GOOD }, "tuf-timestamp"),
        (Plan { snapshot: NOW, ..GOOD }, "tuf-snapshot"),
        (Plan { targets: NOW, ..GOOD }, "tuf-targets"),
        (Plan { delegated: NOW, ..GOOD }, "tuf-delegation"),
    ] {
        verify(&made(plan)).bad(id, "expired 2026-06-01");
    }
}

#[test]
fn a_flipped_bit_is_found_in_every_document() {
    for (name, id) in [
        ("timestamp.json", "tuf-timestamp"),
        ("1.snapshot.json", "tuf-snapshot"),
        ("1.targets.json", "tuf-targets"),
        ("1.tools.json", "tuf-delegation"),
    ] {
        let site = made(GOOD);
        flip(metadata(&site, name));
        verify(&site).bad(id, "");
    }
}

#[test]
fn a_key_that_the_root_does_not_name_signs_nothing() {
    let site = made(GOOD);
    fs::write(site.path("trusted.json"), first_root(true, "another timestamp")).unwrap();
    verify(&site).bad("tuf-timestamp", "signed by 0 of 1");
    for (name, stated, id) in
        [("1.targets.json", "targets.json", "tuf-targets"), ("1.tools.json", "tools.json", "tuf-delegation")]
    {
        let site = made(GOOD);
        let bytes = resign(&site, name, "intruder", |_| {});
        restate(&site, stated, &bytes);
        verify(&site).bad(id, "is signed by 0 of 1");
    }
}

#[test]
fn what_the_snapshot_leaves_out_is_not_used() {
    for (name, id) in [("targets.json", "tuf-targets"), ("tools.json", "tuf-delegation")] {
        let site = made(GOOD);
        resign(&site, "1.snapshot.json", "snapshot", |signed| {
            signed["meta"].as_object_mut().unwrap().remove(name).unwrap();
        });
        restate(&site, name, b"");
        verify(&site).bad(id, "the snapshot does not name");
    }
    let site = made(GOOD);
    resign(&site, "timestamp.json", "timestamp", |signed| signed["meta"] = json!({}));
    verify(&site).bad("tuf-timestamp", "snapshot.json");
}

#[test]
fn a_target_is_what_its_role_states() {
    type Spoil = fn(&mut Vec<u8>);
    let spoils: [Spoil; 3] = [|bytes| bytes[0] ^= 1, |bytes| bytes.truncate(bytes.len() - 1), |bytes| bytes.push(b'!')];
    for (name, content) in [FILE, TOOL] {
        for spoil in spoils {
            let site = made(GOOD);
            let mut bytes = content.to_vec();
            spoil(&mut bytes);
            fs::write(site.path("t").join(format!("{}.{name}", hex(&Sha256::digest(content)))), bytes).unwrap();
            verify(&site).bad("tuf-target", "expected");
        }
    }
}

#[test]
fn a_datastore_does_not_let_an_older_state_in() {
    let site = made(Plan { version: 2, ..GOOD });
    site.run(&["--datastore", "DS"]).good();
    let before = state(&site.path("DS"));
    publish(&site, GOOD);
    site.run(&["--datastore", "DS"]).bad("tuf-timestamp", "rollback");
    assert_eq!(state(&site.path("DS")), before);
    // Without what was remembered, both judges take the old state: it is in force.
    site.run(&[]).good();
}

#[test]
fn a_root_that_the_trusted_one_did_not_sign_is_refused() {
    let keys = ["intruder", "timestamp", "snapshot", "targets"].map(digest_key);
    let successor = root(2, true, [&keys[0], &keys[1], &keys[2], &keys[3]]);
    let site = made(GOOD);
    fs::write(metadata(&site, "2.root.json"), document(&successor, &keys[..1])).unwrap();
    verify(&site).bad("tuf-root", "signed by 0 of 1");
    // Signed by both, it is the root; and both judges go along.
    fs::write(metadata(&site, "2.root.json"), document(&successor, &[digest_key("root"), keys[0].clone()])).unwrap();
    assert!(verify(&site).good().tells("pass", "root versions 1 to 2"));
}

#[test]
fn a_role_speaks_for_its_paths_alone() {
    let site = made(GOOD);
    let bytes = resign(&site, "1.tools.json", "tools", |signed| {
        signed["targets"]["other.bin"] = signed["targets"][TOOL.0].clone();
    });
    restate(&site, "tools.json", &bytes);
    site.run(&["--target", "other.bin"]).bad("tuf-target", "no trusted role lists this target");
    // tough takes no repository with such a role at all; that is told, and is no disagreement about the target.
    assert!(verify(&site).good().tells("skip", "does not take such repositories"));
}
