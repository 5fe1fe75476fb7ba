//! A TUF repository in memory: built good, spoiled by one change, published into a folder, verified by the program.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

pub const NOW: &str = "2026-06-01T00:00:00Z";
pub const LATER: &str = "2027-01-01T00:00:00Z";
pub const LATEST: &str = "2030-01-01T00:00:00Z";

#[derive(Clone)]
enum Secret {
    Ed25519(Arc<SigningKey>),
    Ecdsa(Arc<EcdsaKeyPair>),
    Rsa(Arc<RsaKeyPair>),
}

/// A key with the id that metadata gives it.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    secret: Secret,
}

/// An Ed25519 key of a name; the same name is the same key.
pub fn key(name: &str) -> Key {
    let secret = Secret::Ed25519(Arc::new(SigningKey::from_bytes(&seed(name))));
    Key { id: format!("id of {name}"), secret }
}

/// The seed of the Ed25519 key of a name, for other programs that sign.
pub fn seed(name: &str) -> [u8; 32] {
    Sha256::digest(name).into()
}

/// The key of a name under the id that the specification wants: the digest of the key.
pub fn digest_key(name: &str) -> Key {
    let key = key(name);
    let mut text = String::new();
    canonical(&key.object(), &mut text);
    key.called(&hex(&Sha256::digest(text)))
}

pub fn ecdsa() -> Key {
    let pair = EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    Key { id: "ecdsa".into(), secret: Secret::Ecdsa(Arc::new(pair)) }
}

pub fn rsa() -> Key {
    Key { id: "rsa".into(), secret: Secret::Rsa(Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())) }
}

impl Key {
    pub fn called(&self, id: &str) -> Key {
        Key { id: id.into(), ..self.clone() }
    }

    pub fn object(&self) -> Value {
        let (keytype, scheme, public) = match &self.secret {
            Secret::Ed25519(key) => ("ed25519", "ed25519", hex(key.verifying_key().as_bytes())),
            Secret::Ecdsa(pair) => ("ecdsa", "ecdsa-sha2-nistp256", pem(pair.public_key().as_der().unwrap().as_ref())),
            Secret::Rsa(pair) => ("rsa", "rsassa-pss-sha256", pem(pair.public_key().as_der().unwrap().as_ref())),
        };
        json!({"keytype": keytype, "scheme": scheme, "keyval": {"public": public}})
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.secret {
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Secret::Ecdsa(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&aws::RSA_PSS_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

fn pem(der: &[u8]) -> String {
    let body = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn hashes(bytes: &[u8]) -> Value {
    json!({"sha256": hex(&Sha256::digest(bytes)), "sha512": hex(&Sha512::digest(bytes))})
}

/// The signed form: `signed` and one signature a key.
pub fn document(signed: &Value, keys: &[Key]) -> Vec<u8> {
    let mut message = String::new();
    canonical(signed, &mut message);
    let signatures: Vec<Value> =
        keys.iter().map(|key| json!({"keyid": key.id, "sig": hex(&key.sign(message.as_bytes()))})).collect();
    serde_json::to_vec_pretty(&json!({"signatures": signatures, "signed": signed})).unwrap()
}

/// OLPC canonical JSON: sorted keys, no white space, only `"` and `\` escaped.
fn canonical(value: &Value, out: &mut String) {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match value {
        Value::String(string) => out.push_str(&text(string)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&text(name));
                out.push(':');
                canonical(member, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// One repository.
#[derive(Clone)]
pub struct Repo {
    /// Payload and signers, from version 1 on.
    pub roots: Vec<(Value, Vec<Key>)>,
    pub timestamp: Value,
    pub snapshot: Value,
    pub targets: Value,
    /// By role: payload and signers.
    pub delegated: BTreeMap<String, (Value, Vec<Key>)>,
    pub timestamp_keys: Vec<Key>,
    pub snapshot_keys: Vec<Key>,
    pub targets_keys: Vec<Key>,
    pub files: BTreeMap<String, Vec<u8>>,
    /// Whether timestamp and snapshot state lengths and hashes.
    pub pins: bool,
}

fn role(kind: &str, version: u64, expires: &str) -> Value {
    json!({"_type": kind, "spec_version": "1.0.34", "version": version, "expires": expires})
}

/// A root with one key a role.
pub fn root(version: u64, consistent: bool, keys: [&Key; 4]) -> Value {
    let mut root = role("root", version, LATEST);
    let table: BTreeMap<&str, Value> = keys.iter().map(|key| (key.id.as_str(), key.object())).collect();
    root["consistent_snapshot"] = json!(consistent);
    root["keys"] = json!(table);
    for (name, key) in ["root", "timestamp", "snapshot", "targets"].iter().zip(keys) {
        root["roles"][name] = json!({"keyids": [key.id], "threshold": 1});
    }
    root
}

impl Repo {
    pub fn new(consistent: bool) -> Repo {
        let (r, ts, sn, tg) = (key("root"), key("timestamp"), key("snapshot"), key("targets"));
        let mut repo = Repo {
            roots: vec![(root(1, consistent, [&r, &ts, &sn, &tg]), vec![r])],
            timestamp: role("timestamp", 1, LATEST),
            snapshot: role("snapshot", 1, LATEST),
            targets: role("targets", 1, LATEST),
            delegated: BTreeMap::new(),
            timestamp_keys: vec![ts],
            snapshot_keys: vec![sn],
            targets_keys: vec![tg],
            files: BTreeMap::new(),
            pins: true,
        };
        repo.targets["targets"] = json!({});
        repo.add("hello.txt", b"hello");
        repo
    }

    pub fn add(&mut self, name: &str, content: &[u8]) {
        self.targets["targets"][name] = json!({"length": content.len(), "hashes": hashes(content)});
        self.files.insert(name.into(), content.to_vec());
    }

    /// `by` delegates to `name`, which lists the files given.
    pub fn delegate(&mut self, by: &str, name: &str, rule: Value, terminating: bool, files: &[(&str, &[u8])]) {
        let key = key(name);
        let mut entry = json!({"name": name, "keyids": [key.id], "threshold": 1, "terminating": terminating});
        entry.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let parent = if by == "targets" { &mut self.targets } else { &mut self.delegated.get_mut(by).unwrap().0 };
        if parent.get("delegations").is_none() {
            parent["delegations"] = json!({"keys": {}, "roles": []});
        }
        parent["delegations"]["keys"][&key.id] = key.object();
        parent["delegations"]["roles"].as_array_mut().unwrap().push(entry);
        let (payload, _) = self.delegated.entry(name.into()).or_insert_with(|| {
            let mut payload = role("targets", 1, LATEST);
            payload["targets"] = json!({});
            (payload, vec![key])
        });
        for (file, content) in files {
            payload["targets"][file] = json!({"length": content.len(), "hashes": hashes(content)});
            self.files.insert(file.to_string(), content.to_vec());
        }
    }

    /// Adds the next root: changed by `change`, signed by `keys`.
    pub fn rotate(&mut self, keys: &[Key], change: impl FnOnce(&mut Value)) {
        let mut next = self.roots.last().unwrap().0.clone();
        next["version"] = json!(self.roots.len() + 1);
        change(&mut next);
        self.roots.push((next, keys.to_vec()));
    }

    /// The same repository with key ids that are digests of the keys, as the specification wants them: the only form that
    /// tough reads.
    pub fn with_digests_as_key_ids(&self) -> Repo {
        let mut repo = self.clone();
        let mut ids = BTreeMap::new();
        let payloads = || self.roots.iter().map(|(payload, _)| payload).chain([&self.targets]);
        for payload in payloads().chain(self.delegated.values().map(|(payload, _)| payload)) {
            for table in [&payload["keys"], &payload["delegations"]["keys"]] {
                for (id, object) in table.as_object().into_iter().flatten() {
                    let mut text = String::new();
                    canonical(object, &mut text);
                    ids.insert(id.clone(), hex(&Sha256::digest(text)));
                }
            }
        }
        let renamed = |payload: &mut Value| {
            let mut text = payload.to_string();
            for (id, digest) in &ids {
                text = text.replace(&json!(id).to_string(), &json!(digest).to_string());
            }
            *payload = serde_json::from_str(&text).unwrap();
        };
        let signers = |keys: &mut Vec<Key>| keys.iter_mut().for_each(|key| key.id = ids[&key.id].clone());
        for (payload, keys) in repo.roots.iter_mut().chain(repo.delegated.values_mut()) {
            renamed(payload);
            signers(keys);
        }
        renamed(&mut repo.targets);
        for keys in [&mut repo.timestamp_keys, &mut repo.snapshot_keys, &mut repo.targets_keys] {
            signers(keys);
        }
        repo
    }

    pub fn root_bytes(&self, version: usize) -> Vec<u8> {
        let (payload, keys) = &self.roots[version - 1];
        document(payload, keys)
    }

    /// All metadata files by published name.
    pub fn metadata(&self) -> BTreeMap<String, Vec<u8>> {
        let consistent = self.roots.last().unwrap().0["consistent_snapshot"] == json!(true);
        let named = |role: &str, payload: &Value| match consistent {
            true => format!("{}.{}.json", payload["version"], quote(role)),
            false => format!("{}.json", quote(role)),
        };
        let pin = |payload: &Value, bytes: &[u8]| match self.pins {
            true => json!({"version": payload["version"], "length": bytes.len(), "hashes": hashes(bytes)}),
            false => json!({"version": payload["version"]}),
        };
        let mut files: BTreeMap<String, Vec<u8>> =
            (1..=self.roots.len()).map(|n| (format!("{n}.root.json"), self.root_bytes(n))).collect();
        let mut snapshot = self.snapshot.clone();
        let top = document(&self.targets, &self.targets_keys);
        let stated = snapshot["meta"].clone();
        snapshot["meta"]["targets.json"] = pin(&self.targets, &top);
        files.insert(named("targets", &self.targets), top);
        for (role, (payload, keys)) in &self.delegated {
            let bytes = document(payload, keys);
            snapshot["meta"][format!("{role}.json")] = pin(payload, &bytes);
            files.insert(named(role, payload), bytes);
        }
        for (name, value) in stated.as_object().into_iter().flatten() {
            snapshot["meta"][name] = value.clone();
        }
        let bytes = document(&snapshot, &self.snapshot_keys);
        let mut timestamp = self.timestamp.clone();
        if timestamp.get("meta").is_none() {
            timestamp["meta"]["snapshot.json"] = pin(&snapshot, &bytes);
        }
        files.insert(named("snapshot", &snapshot), bytes);
        files.insert("timestamp.json".into(), document(&timestamp, &self.timestamp_keys));
        files
    }

    /// Writes the repository and its first root.
    pub fn publish(&self) -> Site {
        let site = Site { dir: tempfile::tempdir().unwrap() };
        fs::write(site.path("trusted.json"), self.root_bytes(1)).unwrap();
        site.replace(self);
        site
    }
}

pub fn quote(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A published repository with a datastore and an output folder beside it.
pub struct Site {
    pub dir: tempfile::TempDir,
}

impl Site {
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Publishes another state in the place of the one before.
    pub fn replace(&self, repo: &Repo) {
        let (metadata, targets) = (self.path("m"), self.path("t"));
        let _ = fs::remove_dir_all(&metadata);
        let _ = fs::remove_dir_all(&targets);
        fs::create_dir_all(&metadata).unwrap();
        fs::create_dir_all(&targets).unwrap();
        for (name, bytes) in repo.metadata() {
            fs::write(metadata.join(name), bytes).unwrap();
        }
        let consistent = repo.roots.last().unwrap().0["consistent_snapshot"] == json!(true);
        for (name, content) in &repo.files {
            let (folder, base) = name.rsplit_once('/').map_or((None, name.as_str()), |(f, b)| (Some(f), b));
            let harmless = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
            let base = match consistent {
                true => format!("{}.{base}", hex(&Sha256::digest(content))),
                false => base.to_string(),
            };
            let full = folder.map_or(base.clone(), |folder| format!("{folder}/{base}"));
            let full = if harmless { full } else { quote(&full) };
            let full = if full == ".." { "%2E%2E".into() } else { full };
            let path = targets.join(full);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    pub fn run(&self, options: &[&str]) -> Outcome {
        self.run_at(NOW, options)
    }

    /// With the trusted root, without a datastore unless `options` name one.
    pub fn run_at(&self, at: &str, options: &[&str]) -> Outcome {
        let root = self.path("trusted.json").into_os_string().into_string().unwrap();
        self.raw(at, &[&["--tuf-root", root.as_str()], options].concat())
    }

    /// With the datastore alone.
    pub fn again(&self, at: &str, options: &[&str]) -> Outcome {
        self.raw(at, &[&["--datastore", "DS"], options].concat())
    }

    pub fn raw(&self, at: &str, options: &[&str]) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["tuf", "verify", "--json", "--at", at]).current_dir(self.dir.path());
        command.args(["--metadata-dir", "m", "--targets-dir", "t", "--probe-log", "probes.json"]).args(options);
        let output = command.output().unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let probes = fs::read(self.path("probes.json")).unwrap_or_default();
        Outcome {
            code: output.status.code().unwrap(),
            report,
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            probes: serde_json::from_slice(&probes).unwrap_or(Value::Null),
        }
    }
}

/// What the program said.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub report: Value,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub probes: Value,
}

impl Outcome {
    #[track_caller]
    pub fn good(self) -> Outcome {
        assert_eq!(self.code, 0, "{:#}\n{}", self.report, self.stderr);
        assert_eq!(self.report["verdict"], "verified");
        self
    }

    /// Exit 22, with exactly one failing row: of this id, whose detail holds `words`.
    #[track_caller]
    pub fn bad(self, id: &str, words: &str) -> Outcome {
        assert_eq!(self.code, 22, "{:#}\n{}", self.report, self.stderr);
        let rows = self.rows("fail");
        assert_eq!(rows.len(), 1, "{rows:#?}");
        assert_eq!(rows[0]["id"], id, "{rows:#?}");
        assert!(rows[0]["detail"].as_str().unwrap().contains(words), "{words:?} in {rows:#?}");
        self
    }

    pub fn rows(&self, status: &str) -> Vec<&Value> {
        self.report["checks"].as_array().unwrap().iter().filter(|row| row["status"] == status).collect()
    }

    /// Whether a row of this status has these words.
    pub fn tells(&self, status: &str, words: &str) -> bool {
        self.rows(status).iter().any(|row| row["detail"].as_str().unwrap().contains(words))
    }

    /// Names of the files that were looked for, absent ones with `!` before them.
    pub fn looked_for(&self) -> Vec<String> {
        let name =
            |row: &Value| format!("{}{}", if row["present"] == true { "" } else { "!" }, row["name"].as_str().unwrap());
        self.probes.as_array().unwrap().iter().map(name).collect()
    }
}

/// Every file below a folder with its content: two states are equal where these are.
pub fn state(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok).filter(|e| e.file_type().is_file());
    files.map(|entry| (entry.path().to_path_buf(), fs::read(entry.path()).unwrap())).collect()
}
