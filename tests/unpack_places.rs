//! Where `unpack` must not write or remove, whatever names lead there.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::format::digest::{hex, sha256};
use portcullis::pipeline::unpack::PREFIX;
use std::path::Path;
use std::process::{Command, Output};
use support::run;

/// A folder with these files and a list of them.
fn folder(at: &Path, files: &[(&str, &str)]) {
    std::fs::create_dir_all(at).unwrap();
    let list: String =
        files.iter().map(|(name, text)| format!("{}  {name}\n", hex(&sha256(text.as_bytes())))).collect();
    for (name, text) in files.iter().copied().chain([("SHA256SUMS", list.as_str())]) {
        std::fs::create_dir_all(at.join(name).parent().unwrap()).unwrap();
        std::fs::write(at.join(name), text).unwrap();
    }
}

fn unpack(input: &Path, to: &Path, more: &[&str]) -> Output {
    let (input, to) = (input.to_str().unwrap(), to.to_str().unwrap());
    run(&[&["unpack", input, "--to", to, "--require", "integrity,complete"], more].concat())
}

/// Binds `from` to `to` while it lives; `None` where nothing can be mounted.
struct Mount(std::path::PathBuf);

impl Mount {
    fn bind(from: &Path, to: &Path) -> Option<Mount> {
        let outcome = Command::new("mount").arg("--bind").args([from, to]).output();
        let mounted = outcome.is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("not tested: nothing can be mounted here");
        }
        mounted.then(|| Mount(to.into()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn what_is_mounted_below_a_target_is_not_removed() {
    let temp = tempfile::tempdir().unwrap();
    let (input, to) = (temp.path().join("in"), temp.path().join("out"));
    folder(&input, &[("a", "1")]);
    std::fs::create_dir_all(to.join("deep/mounted")).unwrap();
    let Some(_mount) = Mount::bind(&input, &to.join("deep/mounted")) else { return };
    let output = unpack(&input, &to, &["--force"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(std::fs::read(input.join("a")).unwrap(), b"1");
    assert!(to.join("deep").exists());
}

#[test]
fn a_target_that_a_mount_leads_into_the_input_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let (input, other) = (temp.path().join("in"), temp.path().join("other"));
    folder(&input, &[("a", "1")]);
    std::fs::create_dir(&other).unwrap();
    let Some(_mount) = Mount::bind(&input, &other) else { return };
    let output = unpack(&input, &other.join("out"), &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(std::fs::read_dir(&input).unwrap().count(), 2);
}

#[test]
fn a_name_that_a_later_run_would_remove_is_not_written() {
    let temp = tempfile::tempdir().unwrap();
    let (input, to) = (temp.path().join("in"), temp.path().join("out"));
    let hidden = format!("d/{PREFIX}aaaaaaaaaaaaaaaa/lock");
    folder(&input, &[(&hidden, "1"), ("kept", "2")]);
    let output = unpack(&input, &to, &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!to.exists());
    let output = unpack(&input, &to, &["--only", "kept"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
