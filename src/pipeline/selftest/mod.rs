//! `selftest`: small attacks that travel inside the program, laid down in a private folder and put to every verb on the
//! machine of whoever asks. What must come out is fixed; files around the attacks must stay as they are.
//!
//! The key that the signed ones are judged by is an example key: it is trusted for these inputs and nowhere else.

mod archive;
mod attacks;
mod sentinel;

use super::diff;
use super::dsse;
use super::error::EnvironmentError;
use super::inspect::{self, Request};
use super::progress::Progress;
use super::scan::{ScanOptions, SubjectDigest};
use super::tuf;
use super::unpack;
use super::verify::{self, Verification};
use crate::format::limits::Limits;
use crate::format::time::{self, Time};
use crate::trust::check::{Check, Class};
use crate::trust::key;
use crate::trust::policy::{Policy, Property};
use crate::trust::verdict::Verdict;
use sentinel::Sentinel;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// The clock of the attacks: the bundle among them has a date.
const AT: &str = "2026-11-20T00:00:00Z";
const KEY: &[u8] = include_bytes!("data/key.pub.pem");
/// Where the inputs lie below the private folder, two folders down, beside the sentinel.
const INPUTS: &str = "in";
/// The folder beside an input into which it is unpacked.
const TARGET: &str = "unpacked";

/// One attack.
struct Attack {
    number: &'static str,
    name: &'static str,
    laid: Laid,
    trust: Trust,
    expected: Expected,
}

/// What is laid down.
enum Laid {
    /// Files, of which the first is the input.
    Files(Vec<(&'static str, Vec<u8>)>),
    /// One DSSE envelope, for the verb of its own.
    Envelope(Vec<u8>),
    /// A TUF repository whose snapshot a stranger signed.
    Repository,
    /// A folder with a link that leaves it.
    LinkedTree,
}

/// Whom the run trusts, and what it requires.
#[derive(Clone, Copy)]
enum Trust {
    /// Nobody; what the kind promises is required.
    Nobody,
    /// Nobody; only digests are required.
    Digests,
    /// Nobody; digests and names that other systems can have.
    PortableNames,
    /// The example key, with this threshold.
    Key(usize),
}

/// What must come out of judging.
#[derive(Clone, Copy)]
enum Expected {
    Verified,
    Intact,
    NotVerified,
    /// This class first, and this check among those that fail.
    Failed(Class, &'static str),
}

/// What one verb made of one attack.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The verb.
    pub verb: &'static str,
    /// What had to come out.
    pub expected: String,
    /// What came out.
    pub found: String,
    /// Whether it is the same, and nothing else happened.
    pub held: bool,
}

/// One attack with the answers of all verbs that take such an input.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The number of the attack in docs/attacks.md; `-` where there is no attack.
    pub number: &'static str,
    /// What was tried.
    pub name: &'static str,
    /// In the order of the verbs.
    pub answers: Vec<Answer>,
}

/// How a verification is shown to people: what is wrong with the form that it gets.
pub type Showing<'a> = &'a dyn Fn(&Verification) -> Result<(), String>;

impl Trial {
    /// Whether all verbs answered as they must.
    pub fn held(&self) -> bool {
        self.answers.iter().all(|answer| answer.held)
    }
}

/// Lays down and tries everything, in `folder`, which is empty and private. `showing` is asked about every verification.
///
/// # Errors
/// The folder cannot be written or read.
pub fn run(folder: &Path, showing: Showing<'_>) -> Result<Vec<Trial>, EnvironmentError> {
    let at = time::parse_rfc3339(AT).unwrap_or(Time::MIN);
    let sentinel = Sentinel::lay(folder)?;
    let mut trials = Vec::new();
    for (index, attack) in attacks::all().into_iter().enumerate() {
        let place = folder.join(INPUTS).join(index.to_string());
        let bench = Bench { input: lay(&attack.laid, &place)?, place, at, showing, sentinel: &sentinel };
        let answers = bench.answers(&attack);
        trials.push(Trial { number: attack.number, name: attack.name, answers });
    }
    Ok(trials)
}

/// Writes the input of an attack below `place`; returns its path.
fn lay(laid: &Laid, place: &Path) -> Result<PathBuf, EnvironmentError> {
    let fail = |error| EnvironmentError::write(place, error);
    let write = |name: &str, bytes: &[u8]| {
        let path = place.join(name);
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, bytes))
            .map_err(fail)?;
        Ok(path)
    };
    match laid {
        Laid::Files(files) => {
            let mut input = place.to_path_buf();
            for (index, (name, bytes)) in files.iter().enumerate().rev() {
                let path = write(name, bytes)?;
                if index == 0 {
                    input = path;
                }
            }
            Ok(input)
        }
        Laid::Envelope(bytes) => write("envelope.dsse.json", bytes),
        Laid::Repository => {
            let files: [(&str, &[u8]); 4] = [
                ("1.root.json", include_bytes!("data/tuf-1.root.json")),
                ("timestamp.json", include_bytes!("data/tuf-timestamp.json")),
                ("snapshot.json", include_bytes!("data/tuf-snapshot.json")),
                ("targets.json", include_bytes!("data/tuf-targets.json")),
            ];
            for (name, bytes) in files {
                write(&format!("metadata/{name}"), bytes)?;
            }
            Ok(place.join("metadata"))
        }
        Laid::LinkedTree => {
            write("tree/SHA256SUMS", b"")?;
            let tree = place.join("tree");
            std::os::unix::fs::symlink("../../../sentinel", tree.join("portal")).map_err(fail)?;
            Ok(tree)
        }
    }
}

/// One input, ready to be tried.
struct Bench<'a> {
    input: PathBuf,
    place: PathBuf,
    at: Time,
    showing: Showing<'a>,
    sentinel: &'a Sentinel,
}

/// A verdict, and the ids of the checks that failed.
#[derive(PartialEq, Eq)]
struct Judged {
    verdict: Verdict,
    failing: Vec<&'static str>,
}

impl Judged {
    fn new(verdict: Verdict, checks: &[Check]) -> Self {
        let mut failing: Vec<&str> = checks.iter().filter(|check| check.failed()).map(|check| check.kind.id).collect();
        failing.sort_unstable();
        failing.dedup();
        Judged { verdict, failing }
    }
}

impl Bench<'_> {
    /// The answers of the verbs that take such an input; a verb is added here.
    fn answers(&self, attack: &Attack) -> Vec<Answer> {
        match attack.laid {
            Laid::Envelope(_) => vec![self.answer("dsse verify", attack, || self.dsse(attack))],
            Laid::Repository => vec![self.answer("tuf verify", attack, || self.tuf())],
            Laid::Files(_) | Laid::LinkedTree => vec![
                self.answer("inspect", attack, || self.inspect(attack)),
                self.answer("verify", attack, || self.verify(attack)),
                self.answer("unpack", attack, || self.unpack(attack)),
                self.answer("diff", attack, || self.diff(attack)),
            ],
        }
    }

    fn answer(&self, verb: &'static str, attack: &Attack, run: impl FnOnce() -> Result<Judged, String>) -> Answer {
        let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the program panicked".into()));
        let inspected = verb == "inspect";
        let expected = match attack.expected {
            // What is no defect of the container is no matter of `inspect`, which then says what it read.
            Expected::Failed(Class::Container, id) => format!("failed container: {id}"),
            _ if inspected => "read".into(),
            Expected::Failed(class, id) => format!("failed {}: {id}", class.name()),
            Expected::Verified => "verified".into(),
            Expected::Intact => "intact".into(),
            Expected::NotVerified => "not-verified".into(),
        };
        let (mut found, mut held) = match outcome {
            Err(why) => (why, false),
            Ok(judged) => {
                let wanted = match attack.expected {
                    Expected::Failed(class, id) => (!inspected || class == Class::Container).then_some((class, id)),
                    _ => None,
                };
                match (judged.verdict, wanted) {
                    (Verdict::Failed(class), wanted) => {
                        let held = wanted.is_some_and(|(w, id)| w == class && judged.failing.contains(&id));
                        (format!("failed {}: {}", class.name(), judged.failing.join(" ")), held)
                    }
                    (_, None) if inspected => ("read".into(), true),
                    (verdict, _) => (verdict.name().into(), verdict.name() == expected),
                }
            }
        };
        if let Err(why) = self.sentinel.check() {
            (found, held) = (format!("{found}; {why}"), false);
        }
        Answer { verb, expected, found, held }
    }

    fn request(&self) -> Request {
        let scan = ScanOptions { limits: Limits::default(), jobs: 2, subject: SubjectDigest::None, sha512: false };
        Request { discover_sidecars: true, ..Request::new(&self.input, scan) }
    }

    fn inspect(&self, attack: &Attack) -> Result<Judged, String> {
        let reading = inspect::read(&self.request(), &Progress::default()).map_err(|error| error.to_string())?;
        // A name that other systems cannot have is judged where it is asked for only.
        let container = reading.checks.iter().any(|check| check.failed() && check.kind.class == Class::Container);
        let asked = matches!(attack.expected, Expected::Failed(Class::Container, "portable-names"));
        let verdict = if container { Verdict::Failed(Class::Container) } else { Verdict::NotVerified };
        let mut judged = Judged::new(verdict, &reading.checks);
        if asked && reading.portability.count > 0 {
            judged = Judged { verdict: Verdict::Failed(Class::Container), failing: vec!["portable-names"] };
        }
        Ok(judged)
    }

    fn verify(&self, attack: &Attack) -> Result<Judged, String> {
        let policy = policy(attack.trust, self.at)?;
        let verification =
            verify::verify(&self.request(), &policy, &Progress::default()).map_err(|error| error.to_string())?;
        self.judged(&verification)
    }

    /// Into a folder beside the input, with links wherever they are allowed: what is not good leaves nothing there.
    fn unpack(&self, attack: &Attack) -> Result<Judged, String> {
        let to = self.place.join(TARGET);
        let before = self.names()?;
        let request = unpack::Request {
            read: self.request(),
            to: Some(to.clone()),
            artifact: None,
            force: false,
            only: Vec::new(),
            strip_components: 0,
            dry_run: false,
            unverified: false,
            include_set_aside: false,
            links_inside: true,
            preserve_times: false,
            kept: Vec::new(),
            max_spool: unpack::DEFAULT_SPOOL,
        };
        let run = unpack::unpack(&request, &policy(attack.trust, self.at)?, &Progress::default())
            .map_err(|error| error.to_string())?;
        let good = matches!(run.verification.verdict, Verdict::Verified | Verdict::Intact);
        let mut expected = before;
        if good {
            expected.push(TARGET.into());
            expected.sort();
        }
        if self.names()? != expected {
            return Err(if good { "it was not unpacked" } else { "something was written" }.into());
        }
        self.judged(&run.verification)
    }

    /// What lies in the folder of the input.
    fn names(&self) -> Result<Vec<OsString>, String> {
        let list = std::fs::read_dir(&self.place).map_err(|error| error.to_string())?;
        let mut names: Vec<OsString> = list.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        Ok(names)
    }

    /// Against itself: both sides are judged as `verify` judges them, and nothing is different.
    fn diff(&self, attack: &Attack) -> Result<Judged, String> {
        let (request, policy) = (self.request(), policy(attack.trust, self.at)?);
        let request = Request { keep_databases: true, ..request };
        let found = diff::diff(&request, &request, Some((&policy, &policy)), None, &Progress::default())
            .map_err(|error| error.to_string())?;
        if found.changes.is_some() && !found.is_identical() {
            return Err("it differs from itself".into());
        }
        let (old, new) = (self.side(&found.old)?, self.side(&found.new)?);
        if old != new {
            return Err("one input was judged in two ways".into());
        }
        Ok(Judged { verdict: found.verdict(), ..new })
    }

    fn side(&self, side: &diff::Side) -> Result<Judged, String> {
        match side {
            diff::Side::Verified(verification) => self.judged(verification),
            diff::Side::Read(_) => Err("it was read and not verified".into()),
        }
    }

    fn dsse(&self, attack: &Attack) -> Result<Judged, String> {
        let (verification, payload) =
            dsse::verify(&self.input, &policy(attack.trust, self.at)?).map_err(|error| error.to_string())?;
        if payload.is_some() && verification.verdict != Verdict::Verified {
            return Err("a payload that nobody vouches for was given out".into());
        }
        self.judged(&verification)
    }

    fn tuf(&self) -> Result<Judged, String> {
        let request = tuf::Request {
            metadata_dir: self.input.clone(),
            targets_dir: None,
            root: Some((b"root.json".to_vec(), include_bytes!("data/tuf-1.root.json").to_vec())),
            datastore: Some(self.place.join("datastore")),
            targets: Vec::new(),
            out: None,
            at: self.at,
        };
        self.judged(&tuf::verify(&request).verification.map_err(|error| error.to_string())?)
    }

    fn judged(&self, verification: &Verification) -> Result<Judged, String> {
        (self.showing)(verification)?;
        Ok(Judged::new(verification.verdict, &verification.checks))
    }
}

fn policy(trust: Trust, at: Time) -> Result<Policy, String> {
    let mut policy = Policy::new(at);
    let digests = [Property::Integrity, Property::Complete];
    match trust {
        Trust::Nobody => {}
        Trust::Digests => policy.require = Some(digests.to_vec()),
        Trust::PortableNames => policy.require = Some([&digests[..], &[Property::PortableNames]].concat()),
        Trust::Key(threshold) => {
            policy.threshold = NonZeroUsize::new(threshold).unwrap_or(NonZeroUsize::MIN);
            policy.threshold_given = true;
            for key in key::parse(KEY).map_err(|error| error.to_string())? {
                policy.keys.trust_public(key);
            }
        }
    }
    Ok(policy)
}
