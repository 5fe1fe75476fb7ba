//! The policy of `.cargo/deny.toml`, checked without cargo-deny: the same lists, read from the same file, against what
//! cargo resolved. Cargo is asked offline, for this platform; the lock file is checked for all platforms.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

const POLICY: &str = ".cargo/deny.toml";

// ---- the policy ----------------------------------------------------------------------------------------------------

#[derive(Deserialize)]
struct Policy {
    bans: Bans,
    licenses: Licenses,
    sources: Sources,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
    features: Vec<FeatureBan>,
}

/// `crate` is a name, or `name:<version` for a floor.
#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
}

#[derive(Deserialize)]
struct FeatureBan {
    #[serde(rename = "crate")]
    name: String,
    deny: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    unknown_registry: String,
    unknown_git: String,
}

impl Policy {
    fn read() -> Policy {
        toml::from_str(&read(POLICY)).unwrap_or_else(|error| panic!("{POLICY}: {error}"))
    }

    /// Why this version of this crate must not be there.
    fn ban(&self, name: &str, version: &str) -> Option<&str> {
        self.bans.deny.iter().find(|ban| ban.matches(name, version)).map(|ban| ban.reason.as_str())
    }
}

impl Ban {
    fn matches(&self, name: &str, version: &str) -> bool {
        match self.spec.split_once(':') {
            None => self.spec == name,
            Some((banned, range)) => {
                let floor = range
                    .strip_prefix('<')
                    .unwrap_or_else(|| panic!("{}: only `name` and `name:<version` are read", self.spec));
                banned == name && numbers(version) < numbers(floor)
            }
        }
    }
}

/// `2.1.2-rc.1+zstd.1.5.7` is 2, 1, 2.
fn numbers(version: &str) -> [u64; 3] {
    let core = version.split(['-', '+']).next().unwrap_or(version);
    let mut parts = core.split('.').map(|part| part.parse().unwrap_or_else(|_| panic!("{version}: not a version")));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

// ---- what cargo resolved -------------------------------------------------------------------------------------------

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Requirement>,
}

/// A line of a manifest; `registry` is left out for the default one.
#[derive(Deserialize)]
struct Requirement {
    name: String,
    registry: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    root: String,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
    features: Vec<String>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

/// No kind is a normal dependency; else `build` or `dev`.
#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Metadata {
    /// Of this platform only: on a machine without a network cargo has no manifests of crates for others.
    fn ask_cargo() -> Metadata {
        let version = cargo(&["-vV"]);
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo -vV names the host");
        let args = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host];
        let mut metadata: Metadata = serde_json::from_str(&cargo(&args)).expect("what cargo metadata writes");
        // The metadata has edges to optional crates that a feature would only configure (`crate?/feature`) and that nothing
        // turns on; the tree of what is built has not.
        let built = built();
        metadata.packages.retain(|package| built.contains(&format!("{} v{}", package.name, package.version)));
        let known: BTreeSet<&str> = metadata.packages.iter().map(|package| package.id.as_str()).collect();
        metadata.resolve.nodes.retain(|node| known.contains(node.id.as_str()));
        metadata.resolve.nodes.iter_mut().for_each(|node| node.deps.retain(|edge| known.contains(edge.pkg.as_str())));
        metadata
    }

    /// Packages that the finished program is made of or made by, each with the way from the root to it.
    fn shipped(&self) -> BTreeMap<&str, String> {
        let names: BTreeMap<&str, &str> = self.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
        let nodes: BTreeMap<&str, &Node> = self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let root = self.resolve.root.as_str();
        let mut ways = BTreeMap::from([(root, names[root].to_owned())]);
        let mut queue = VecDeque::from([root]);
        while let Some(from) = queue.pop_front() {
            for edge in nodes[from].deps.iter().filter(|edge| edge.ships()) {
                if !ways.contains_key(edge.pkg.as_str()) {
                    ways.insert(&edge.pkg, format!("{} > {}", ways[from], names[edge.pkg.as_str()]));
                    queue.push_back(&edge.pkg);
                }
            }
        }
        ways
    }
}

impl Edge {
    fn ships(&self) -> bool {
        self.dep_kinds.iter().any(|edge| edge.kind.as_deref() != Some("dev"))
    }
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

/// `name vVERSION` of every package that is built for this platform, for tests too.
fn built() -> BTreeSet<String> {
    let tree = cargo(&["tree", "--locked", "--offline", "-e", "all", "--prefix", "none", "--format", "{p}"]);
    let of = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    tree.lines().map(of).collect()
}

/// What cargo prints. Without a network at first; it may want to look into crates that no build has needed and fetched.
fn cargo(args: &[&str]) -> String {
    let run = |args: &[&str]| {
        Command::new(env!("CARGO")).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs")
    };
    let mut output = run(args);
    if !output.status.success() {
        let online: Vec<&str> = args.iter().copied().filter(|word| *word != "--offline").collect();
        output = run(&online);
    }
    assert!(output.status.success(), "cargo {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

// ---- the check -----------------------------------------------------------------------------------------------------

/// Every breach of the policy among what ships, a sentence each.
fn breaches(policy: &Policy, metadata: &Metadata) -> Vec<String> {
    let ways = metadata.shipped();
    let features: BTreeMap<&str, &Node> = metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut found = Vec::new();
    for package in &metadata.packages {
        let Some(way) = ways.get(package.id.as_str()) else { continue };
        let Package { name, version, .. } = package;
        if let Some(reason) = policy.ban(name, version) {
            found.push(format!("{name} {version} is banned ({reason}); the way to it: {way}"));
        }
        for ban in policy.bans.features.iter().filter(|ban| ban.name == *name) {
            for feature in features[package.id.as_str()].features.iter().filter(|feature| ban.deny.contains(feature)) {
                found.push(format!("feature {feature} of {name} is banned ({}); the way to it: {way}", ban.reason));
            }
        }
        match &package.license {
            None => found.push(format!("{name} {version} states no licence; the way to it: {way}")),
            Some(expression) if !allowed(expression, &policy.licenses.allow) => {
                found.push(format!("{name} {version}: the licence {expression} is not allowed; the way to it: {way}"));
            }
            Some(_) => {}
        }
        found.extend(foreign(package, &metadata.resolve.root));
        for requirement in package.dependencies.iter().filter(|requirement| requirement.registry.is_some()) {
            found.push(format!("{name} asks for {} from another registry", requirement.name));
        }
    }
    found
}

/// A package that comes from a folder, a repository or a registry with a protocol of its own.
fn foreign(package: &Package, root: &str) -> Option<String> {
    let from_registry = package.source.as_deref().is_some_and(|source| source.starts_with("registry+"));
    let place = package.source.as_deref().unwrap_or("a folder");
    (!from_registry && package.id != root)
        .then(|| format!("{} comes from {place}, not from the default registry", package.name))
}

/// Every breach in the lock file, which has all platforms, and the tests' dependencies too.
fn lock_breaches(policy: &Policy, lock: &Lock) -> Vec<String> {
    let mut found = Vec::new();
    let mut sources = BTreeSet::new();
    for Locked { name, version, source } in &lock.package {
        if let Some(reason) = policy.ban(name, version) {
            found.push(format!("{name} {version} is banned ({reason}) and in Cargo.lock"));
        }
        match source {
            Some(source) if source.starts_with("registry+") => drop(sources.insert(source)),
            Some(source) => found.push(format!("{name} comes from {source}")),
            None if name == env!("CARGO_PKG_NAME") => {}
            None => found.push(format!("{name} comes from a folder")),
        }
    }
    if sources.len() > 1 {
        found.push(format!("Cargo.lock names more than one registry: {sources:?}"));
    }
    found
}

/// Whether the allowed licences satisfy an SPDX expression: `OR`, `AND`, `WITH`, parentheses, and `/` as it was once used
/// for `OR`. `AND` binds tighter than `OR`.
fn allowed(expression: &str, list: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    let verdict = any_of(&mut rest, list);
    assert!(rest.is_empty(), "not a licence expression: {expression}");
    verdict
}

fn any_of(rest: &mut &[&str], list: &[String]) -> bool {
    let mut verdict = all_of(rest, list);
    while take(rest, "OR") {
        verdict |= all_of(rest, list);
    }
    verdict
}

fn all_of(rest: &mut &[&str], list: &[String]) -> bool {
    let mut verdict = one_of(rest, list);
    while take(rest, "AND") {
        verdict &= one_of(rest, list);
    }
    verdict
}

fn one_of(rest: &mut &[&str], list: &[String]) -> bool {
    if take(rest, "(") {
        let verdict = any_of(rest, list);
        assert!(take(rest, ")"), "a licence expression without its closing parenthesis");
        return verdict;
    }
    let (first, after) = rest.split_first().unwrap_or_else(|| panic!("a licence expression that ends too early"));
    *rest = after;
    if !take(rest, "WITH") {
        return list.iter().any(|licence| licence == first);
    }
    let (exception, after) = rest.split_first().unwrap_or_else(|| panic!("WITH without an exception"));
    *rest = after;
    list.iter().any(|licence| *licence == format!("{first} WITH {exception}"))
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    match rest.split_first() {
        Some((first, after)) if *first == word => {
            *rest = after;
            true
        }
        _ => false,
    }
}

fn report(found: &[String]) {
    assert!(found.is_empty(), "{} breaches of {POLICY}:\n{}", found.len(), found.join("\n"));
}

// ---- tests ---------------------------------------------------------------------------------------------------------

#[test]
fn what_ships_keeps_to_the_policy() {
    let metadata = Metadata::ask_cargo();
    assert!(metadata.shipped().len() > 20, "the graph was read");
    report(&breaches(&Policy::read(), &metadata));
}

#[test]
fn the_lock_file_keeps_to_the_policy() {
    let lock: Lock = toml::from_str(&read("Cargo.lock")).expect("Cargo.lock");
    assert!(lock.package.len() > 20, "the lock file was read");
    report(&lock_breaches(&Policy::read(), &lock));
}

#[test]
fn the_policy_refuses_other_registries_and_repositories() {
    let Sources { unknown_registry, unknown_git } = Policy::read().sources;
    assert_eq!((unknown_registry.as_str(), unknown_git.as_str()), ("deny", "deny"));
}

#[test]
fn the_policy_names_what_opens_sockets() {
    let policy = Policy::read();
    for name in ["reqwest", "hyper", "h2", "ureq", "curl", "openssl", "native-tls", "mio", "socket2", "rsa"] {
        assert!(policy.ban(name, "1.0.0").is_some(), "{name}");
    }
    for (name, feature) in [
        ("sigstore-verify", "tuf"),
        ("sigstore", "verify"),
        ("sigstore", "rekor"),
        ("rustix", "net"),
        ("tokio", "net"),
        ("tough", "http"),
        ("rusqlite", "load_extension"),
    ] {
        assert!(
            policy.bans.features.iter().any(|ban| ban.name == name && ban.deny.iter().any(|f| f == feature)),
            "{name}/{feature}"
        );
    }
}

/// The root, one crate that ships with `features`, and one crate that only tests use.
fn made_up(shipped: &str, version: &str, features: &[&str], licence: Option<&str>, source: Option<&str>) -> Metadata {
    let registry = "registry+default";
    let package = |name: &str, version: &str, licence: Option<&str>, source: Option<&str>| serde_json::json!({"id": name, "name": name, "version": version, "license": licence, "source": source, "dependencies": []});
    let edge = |name: &str, kind: Option<&str>| serde_json::json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
    let value = serde_json::json!({
        "packages": [
            package("root", "0.1.0", Some("Apache-2.0"), None),
            package("between", "1.0.0", Some("MIT"), Some(registry)),
            package(shipped, version, licence, source),
            package("ureq", "3.0.0", Some("MIT"), Some(registry)),
        ],
        "resolve": {"root": "root", "nodes": [
            {"id": "root", "features": [], "deps": [edge("between", None), edge("ureq", Some("dev"))]},
            {"id": "between", "features": [], "deps": [edge(shipped, Some("build"))]},
            {"id": shipped, "features": features, "deps": []},
            {"id": "ureq", "features": [], "deps": []},
        ]},
    });
    serde_json::from_value(value).expect("metadata")
}

fn only_breach(metadata: &Metadata) -> String {
    let mut found = breaches(&Policy::read(), metadata);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_clean_graph_passes_and_what_only_tests_use_is_left_out() {
    let clean = made_up("sha2", "0.11.1", &["std"], Some("MIT OR Apache-2.0"), Some("registry+default"));
    assert_eq!(breaches(&Policy::read(), &clean), Vec::<String>::new());
}

#[test]
fn a_banned_crate_is_named_with_the_way_to_it() {
    let found = only_breach(&made_up("reqwest", "0.12.0", &[], Some("MIT"), Some("registry+default")));
    assert!(found.contains("reqwest 0.12.0 is banned") && found.contains("root > between > reqwest"), "{found}");
}

#[test]
fn a_version_below_its_floor_is_named() {
    let found = only_breach(&made_up("tar", "0.4.45", &[], Some("MIT"), Some("registry+default")));
    assert!(found.contains("tar 0.4.45 is banned"), "{found}");
    let at_the_floor = made_up("tar", "0.4.46", &[], Some("MIT"), Some("registry+default"));
    assert_eq!(breaches(&Policy::read(), &at_the_floor), Vec::<String>::new());
}

#[test]
fn a_banned_feature_is_named() {
    let found = only_breach(&made_up("rustix", "1.1.0", &["fs", "net"], Some("MIT"), Some("registry+default")));
    assert!(found.contains("feature net of rustix"), "{found}");
}

#[test]
fn a_licence_that_is_not_allowed_is_named() {
    let found = only_breach(&made_up("x", "1.0.0", &[], Some("MIT AND GPL-3.0-only"), Some("registry+default")));
    assert!(found.contains("GPL-3.0-only is not allowed"), "{found}");
    assert!(only_breach(&made_up("x", "1.0.0", &[], None, Some("registry+default"))).contains("states no licence"));
}

#[test]
fn other_sources_are_named() {
    for source in [Some("git+https://example.invalid/x"), Some("sparse+https://example.invalid/"), None] {
        let found = only_breach(&made_up("x", "1.0.0", &[], Some("MIT"), source));
        assert!(found.contains("not from the default registry"), "{found}");
    }
    let mut other = made_up("x", "1.0.0", &[], Some("MIT"), Some("registry+default"));
    other.packages[1].dependencies.push(Requirement { name: "x".into(), registry: Some("other".into()) });
    assert!(only_breach(&other).contains("between asks for x from another registry"));
}

#[test]
fn a_lock_file_can_break_the_policy() {
    let locked = |name: &str, version: &str, source: Option<&str>| Locked {
        name: name.into(),
        version: version.into(),
        source: source.map(str::to_owned),
    };
    let good = || locked("sha2", "0.11.1", Some("registry+default"));
    let found = |package: Locked| lock_breaches(&Policy::read(), &Lock { package: vec![good(), package] });
    assert_eq!(found(locked("toml", "1.0.0", Some("registry+default"))), Vec::<String>::new());
    for bad in [
        locked("mio", "1.0.0", Some("registry+default")),
        locked("aws-lc-sys", "0.38.0", Some("registry+default")),
        locked("tough", "0.21.0", Some("registry+default")),
        locked("toml", "1.0.0", Some("registry+other")),
        locked("toml", "1.0.0", Some("git+https://example.invalid/x")),
        locked("toml", "1.0.0", None),
    ] {
        assert_eq!(found(bad).len(), 1);
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_says() {
    let list = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned);
    for good in
        ["MIT", "MIT/GPL-2.0", "GPL-2.0 OR MIT", "(MIT OR GPL-2.0) AND Unicode-3.0", "MIT AND Apache-2.0 OR GPL-2.0"]
    {
        assert!(allowed(good, &list), "{good}");
    }
    for bad in ["GPL-2.0", "MIT AND GPL-2.0", "(MIT AND GPL-2.0) OR LGPL-3.0", "Apache-2.0 WITH LLVM-exception", "mit"]
    {
        assert!(!allowed(bad, &list), "{bad}");
    }
}
