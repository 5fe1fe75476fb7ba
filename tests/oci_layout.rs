//! Documents of OCI layouts that are too large to be kept on the way: read a second time from files and directories, told
//! where that cannot be. And layouts whose documents are many.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::format::digest::{hex, sha256};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use support::{run, run_with_input};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const REQUIRE: [&str; 4] = ["--json", "--no-sidecars", "--require", "integrity,complete"];

/// Content by path.
type Files = BTreeMap<String, Vec<u8>>;
type Edit<'a> = &'a dyn Fn(&mut Files);

/// Files of a layout by path.
#[derive(Default)]
struct Layout(Files);

impl Layout {
    fn blob(&mut self, media_type: &str, content: &[u8]) -> Value {
        let digest = hex(&sha256(content));
        self.0.insert(format!("blobs/sha256/{digest}"), content.to_vec());
        json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": content.len()})
    }

    /// A manifest of one layer, with a note of `padding` bytes.
    fn image(&mut self, layer: &[u8], padding: usize) -> Value {
        let config = self.blob("application/vnd.oci.empty.v1+json", b"{}");
        let layers = [self.blob("application/vnd.oci.image.layer.v1.tar", layer)];
        let notes = json!({"note": "n".repeat(padding)});
        let manifest =
            json!({"schemaVersion": 2, "config": config, "layers": layers, "annotations": notes}).to_string();
        self.blob(MANIFEST, manifest.as_bytes())
    }

    fn index(manifests: &[Value], padding: usize) -> String {
        let notes = json!({"note": "n".repeat(padding)});
        json!({"schemaVersion": 2, "manifests": manifests, "annotations": notes}).to_string()
    }

    fn close(mut self, manifests: &[Value]) -> Self {
        let index = Self::index(manifests, 0);
        self.0.insert("index.json".into(), index.into_bytes());
        self.0.insert("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        self
    }

    fn write(&self, folder: &Path) {
        for (path, content) in &self.0 {
            let file = folder.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
    }

    fn tar(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in &self.0 {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, path, content.as_slice()).unwrap();
        }
        builder.into_inner().unwrap()
    }
}

/// Verdict, ids of failed checks, and the report.
fn outcome(output: &Output) -> (String, Vec<String>, Value) {
    let report = support::json(output).unwrap();
    let failed = report["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "fail");
    let ids = failed.map(|check| check["id"].as_str().unwrap().to_string()).collect();
    (report["verdict"].as_str().unwrap().to_string(), ids, report)
}

fn verify(input: &str) -> (String, Vec<String>, Value) {
    outcome(&run(&[&["verify", input][..], &REQUIRE].concat()))
}

fn piped(input: &[u8]) -> (String, Vec<String>, Value) {
    outcome(&run_with_input(&[&["verify", "-"][..], &REQUIRE].concat(), input))
}

/// A nested index and a manifest, both larger than what the scan keeps.
fn large() -> Layout {
    let mut layout = Layout::default();
    let image = layout.image(b"a layer", 1 << 20);
    let nested = Layout::index(&[image], 1 << 20);
    let nested = layout.blob(INDEX, nested.as_bytes());
    layout.close(&[nested])
}

#[test]
fn large_documents_are_read_a_second_time() {
    let temp = tempfile::tempdir().unwrap();
    let (folder, archive, packed) =
        (temp.path().join("layout"), temp.path().join("a.tar"), temp.path().join("a.tar.zst"));
    large().write(&folder);
    std::fs::write(&archive, large().tar()).unwrap();
    std::fs::write(&packed, zstd::encode_all(large().tar().as_slice(), 1).unwrap()).unwrap();
    for input in [folder, archive, packed] {
        let (verdict, failed, report) = verify(input.to_str().unwrap());
        assert_eq!((verdict.as_str(), failed.len()), ("intact", 0), "{input:?}: {:?}", report["checks"]);
        assert_eq!(report["oci"]["images"][0]["size"], 9, "{input:?}");
        assert_eq!(report["oci"]["unreferenced"], json!([]), "{input:?}");
    }
}

#[test]
fn from_a_pipe_small_documents_are_known_and_large_ones_told() {
    let mut small = Layout::default();
    let image = small.image(b"a layer", 10);
    let (verdict, failed, _) = piped(&small.close(&[image]).tar());
    assert_eq!((verdict.as_str(), failed.len()), ("intact", 0));
    let (verdict, failed, report) = piped(&large().tar());
    assert_eq!((verdict.as_str(), failed.len()), ("not-verified", 0));
    let told = |check: &&Value| check["id"] == "oci-graph" && check["status"] == "skip";
    assert_eq!(report["checks"].as_array().unwrap().iter().filter(told).count(), 1);
    // What was not read may name the rest: nothing is called superfluous.
    assert_eq!(report["oci"]["unreferenced"], json!([]));
}

/// A manifest that was not read may name blobs that are not there: what can be compared is not all.
#[test]
fn an_unread_document_alone_leaves_nothing_established() {
    let mut layout = Layout::default();
    let known = layout.image(b"a layer", 10);
    let unread = layout.image(b"another", 1 << 20);
    let mut layout = layout.close(&[known, unread]);
    layout.0.remove(&format!("blobs/sha256/{}", hex(&sha256(b"another"))));
    let (verdict, failed, report) = piped(&layout.tar());
    assert_eq!((verdict.as_str(), failed.len()), ("not-verified", 0), "{:?}", report["checks"]);
    let temp = tempfile::tempdir().unwrap();
    layout.write(temp.path());
    let (verdict, failed, report) = verify(temp.path().to_str().unwrap());
    assert_eq!((verdict.as_str(), failed.len()), ("not-verified", 0));
    assert_eq!(report["oci"]["absent"].as_array().unwrap().len(), 1);
}

#[test]
fn documents_over_the_limit_are_refused() {
    let mut layout = Layout::default();
    let image = layout.image(b"a layer", 4 << 20);
    let temp = tempfile::tempdir().unwrap();
    layout.close(&[image]).write(temp.path());
    let (verdict, failed, _) = verify(temp.path().to_str().unwrap());
    assert_eq!((verdict.as_str(), failed), ("failed", vec!["oci-graph".to_string()]));
    let mut layout = Layout::default().close(&[]);
    layout.0.insert("index.json".into(), vec![b' '; (4 << 20) + 1]);
    let temp = tempfile::tempdir().unwrap();
    layout.write(temp.path());
    let (verdict, failed, _) = verify(temp.path().to_str().unwrap());
    assert_eq!((verdict.as_str(), failed), ("failed", vec!["document-present".to_string()]));
}

#[test]
fn descriptors_are_counted_over_all_documents() {
    let mut layout = Layout::default();
    let layer = layout.blob("a/b", b"a layer");
    let config = layout.blob("application/vnd.oci.empty.v1+json", b"{}");
    let images: Vec<Value> = (0..6)
        .map(|number| {
            let notes = json!({"number": number.to_string()});
            let layers = vec![&layer; 25_000];
            let manifest =
                json!({"schemaVersion": 2, "config": config, "layers": layers, "annotations": notes}).to_string();
            layout.blob(MANIFEST, manifest.as_bytes())
        })
        .collect();
    let layout = layout.close(&images);
    let temp = tempfile::tempdir().unwrap();
    layout.write(temp.path());
    let (verdict, failed, _) = verify(temp.path().to_str().unwrap());
    assert_eq!((verdict.as_str(), failed), ("failed", vec!["oci-graph".to_string()]));
}

/// Blobs are many and small: what the scan keeps of them has an end, and the container never fails for it.
#[test]
fn many_small_blobs_are_no_container_failure() {
    let mut layout = Layout::default();
    let layers: Vec<Value> = (0..20_000u32).map(|number| layout.blob("a/b", &number.to_be_bytes())).collect();
    let config = layout.blob("application/vnd.oci.empty.v1+json", b"{}");
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string();
    let manifest = layout.blob(MANIFEST, manifest.as_bytes());
    let temp = tempfile::tempdir().unwrap();
    let archive = temp.path().join("many.tar");
    std::fs::write(&archive, layout.close(&[manifest]).tar()).unwrap();
    let (verdict, failed, report) = verify(archive.to_str().unwrap());
    assert_eq!((verdict.as_str(), failed.len()), ("intact", 0), "{:?}", report["checks"]);
}

#[test]
fn near_misses_are_named() {
    let near = |edit: Edit<'_>| {
        let mut layout = Layout::default();
        let image = layout.image(b"a layer", 0);
        let mut layout = layout.close(&[image]);
        edit(&mut layout.0);
        let temp = tempfile::tempdir().unwrap();
        layout.write(temp.path());
        let (_, _, report) = outcome(&run(&["inspect", temp.path().to_str().unwrap(), "--json"]));
        (report["kind"]["id"].as_str().unwrap().to_string(), report["kind"]["near_misses"].to_string())
    };
    let cases: [(Edit<'_>, &str); 4] = [
        (&|files| drop(files.remove("index.json")), "no index.json"),
        (&|files| drop(files.remove("oci-layout")), "no file oci-layout"),
        (&|files| drop(files.insert("oci-layout".into(), b"{}".to_vec())), "no imageLayoutVersion"),
        (
            &|files| {
                files.remove("oci-layout");
                files.insert("manifest.json".into(), br#"[{"Config":"a.json","Layers":["b.tar"]}]"#.to_vec());
            },
            "docker save",
        ),
    ];
    for (edit, words) in cases {
        let (kind, near) = near(edit);
        assert_eq!(kind, "plain", "{words}");
        assert!(near.contains("oci:layout") && near.contains(words), "{words}: {near}");
    }
}
