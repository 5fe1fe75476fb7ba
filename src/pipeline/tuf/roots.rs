//! Steps 5.2 and 5.3: the root to begin from, the chain of its successors, and the root that a bundle carries.

use super::TufError;
use super::folder::Found;
use super::workflow::{Stop, Workflow};
use crate::trust::check::{self, Check};
use crate::trust::tuf::{Client, MAX_METADATA, MAX_ROOTS, Refusal, RootView};

/// What is wrong where two roots of one version differ.
const TWO_ROOTS: &str = "they are not of one repository, or one is forged";

impl Workflow<'_> {
    /// Step 5.2: the root to begin from, of the operator or of an earlier run, whichever is newer.
    pub(super) fn trusted_root(&mut self) -> Result<Client, Stop> {
        let stored = self.stored("root.json", MAX_METADATA)?;
        let Some((name, bytes)) = self.trust.root else {
            let datastore = self.trust.datastore.unwrap_or(std::path::Path::new("")).to_path_buf();
            let stored = stored.ok_or(Stop::Error(TufError::NoRoot { datastore }))?;
            return self.begin("datastore/root.json", &stored, ", trusted by an earlier run");
        };
        let name = String::from_utf8_lossy(name).into_owned();
        let client = self.begin(&name, bytes, ", which the operator trusts")?;
        let Some(stored) = stored else {
            self.store("root.json", bytes)?;
            return Ok(client);
        };
        let earlier = self.begin("datastore/root.json", &stored, ", trusted by an earlier run")?;
        if client.root_version() > earlier.root_version() {
            self.store("root.json", bytes)?;
            self.forget_if(client.rotated_since(&earlier), &name)?;
            return Ok(client);
        }
        if client.root_version() == earlier.root_version() && !client.same_root(&earlier) {
            let detail = format!("the datastore trusts another root of the same version; {TWO_ROOTS}");
            return self.fail(Check::fail(check::TUF_ROOT, name, detail));
        }
        Ok(earlier)
    }

    fn begin(&mut self, name: &str, bytes: &[u8], words: &str) -> Result<Client, Stop> {
        let (client, accepted) = self.accept(check::TUF_ROOT, name, Client::start(bytes, self.trust.at))?;
        self.note(check::TUF_ROOT, name, bytes, &accepted, words);
        Ok(client)
    }

    /// Step 5.3: N + 1, N + 2 and so on until one is not there; then the last one must be in force.
    pub(super) fn root_chain(&mut self, client: &mut Client) -> Result<(), Stop> {
        let bundled = self.bundled_root()?;
        let mut chain = vec![client.root_view()];
        for _ in 0..MAX_ROOTS {
            let next = client.root_version() + 1;
            // 5.3.3: nothing there is the end of the chain; something unreadable there is not.
            let (path, bytes) = match (self.read_root(next)?, &bundled) {
                (Some(found), _) => found,
                (None, Some(root)) if root.view.version() == next => (root.path.clone(), root.bytes.clone()),
                (None, _) => break,
            };
            let (accepted, rotated) = self.accept(check::TUF_ROOT, &path, client.update_root(&bytes))?;
            self.note(check::TUF_ROOT, &path, &bytes, &accepted, "");
            // 5.3.8, and 5.3.11 at once: a run that stops here must not leave what the new root takes back.
            self.store("root.json", &bytes)?;
            self.forget_if(rotated, &path)?;
            if self.repository.documents().is_some() {
                chain.push(client.root_view());
            }
        }
        self.beyond(client)?;
        if let Some(root) = bundled {
            self.compare(&root, client, &chain)?;
        }
        // 5.3.10.
        let version = client.root_version();
        let subject = format!("root version {version}");
        let expires = self.accept(check::TUF_ROOT, &subject, client.check_root_expiry())?;
        let detail = format!("the last root of the chain, in force until {expires}");
        self.record.checks.push(Check::pass(check::TUF_ROOT, subject, detail).with("expires", expires.to_string()));
        Ok(())
    }

    /// `N.root.json`; the `root.json` of a bundle does not stand for it here.
    fn read_root(&mut self, version: u64) -> Result<Option<(String, Vec<u8>)>, Stop> {
        let name = format!("{version}.root.json");
        let file = self.repository.metadata(&name, &name, MAX_METADATA)?;
        self.usable_root(file.path, file.content)
    }

    fn usable_root(&mut self, path: String, content: Found<Vec<u8>>) -> Result<Option<(String, Vec<u8>)>, Stop> {
        match content {
            Found::File(bytes) => Ok(Some((path, bytes))),
            Found::Absent => Ok(None),
            Found::Unusable(why) => {
                let detail = format!("it is there and cannot be used: {why}");
                self.fail(Check::fail(check::TUF_ROOT, path, detail))
            }
        }
    }

    /// Tells of roots behind a gap, or behind the most that one run follows.
    fn beyond(&mut self, client: &Client) -> Result<(), Stop> {
        let version = client.root_version();
        let Some(beyond) = self.repository.root_beyond(version)? else { return Ok(()) };
        let name = self.repository.path(&format!("{beyond}.root.json"));
        if beyond == version + 1 {
            let detail = format!(
                "{MAX_ROOTS} root versions were followed in this run, and more are there; run again with --datastore to carry on"
            );
            return self.fail(Check::fail(check::TUF_ROOT, name, detail));
        }
        let detail = format!(
            "not used: {}.root.json is not there, and no root follows without it; if it was left out, this root may be outdated",
            version + 1
        );
        self.record.checks.push(Check::skip(check::TUF_ROOT, name, detail));
        Ok(())
    }

    /// The root without a number that a bundle carries. What it says is believed only where the chain leads to it.
    fn bundled_root(&mut self) -> Result<Option<BundledRoot>, Stop> {
        let Some(documents) = self.repository.documents() else { return Ok(None) };
        let content = documents.read("root.json", MAX_METADATA);
        let Some((path, bytes)) = self.usable_root(documents.path("root.json"), content)? else { return Ok(None) };
        let view = self.accept(check::TUF_ROOT, &path, RootView::of(&bytes))?;
        Ok(Some(BundledRoot { path, bytes, view }))
    }

    /// Whether the bundle's root is the one that is trusted now, or one on the way to it.
    fn compare(&mut self, root: &BundledRoot, client: &Client, chain: &[RootView]) -> Result<(), Stop> {
        let (found, current) = (root.view.version(), client.root_version());
        let begun = chain.first().map_or(current, RootView::version);
        let row = match chain.iter().find(|known| known.version() == found) {
            Some(known) if known.says_the_same(&root.view) => {
                let words = match found == current {
                    true => String::from("it is the root that is trusted now"),
                    false => format!("it is on the way to the root that is trusted now, version {current}"),
                };
                Check::pass(check::TUF_ROOT, &root.path, format!("version {found}: {words}"))
            }
            Some(_) => {
                let detail = format!("another root of version {found} is trusted; {TWO_ROOTS}");
                Check::fail(check::TUF_ROOT, &root.path, detail)
            }
            None if found > current => {
                let refusal = Refusal::RootVersion { expected: current + 1, found };
                let detail = format!("{refusal}; the versions between belong into the bundle as N.root.json");
                Check::fail(check::TUF_ROOT, &root.path, detail)
            }
            // The chain begins behind it, with a root of the bundle itself: a run with a datastore that has seen it already.
            None if self.carries(client)? => {
                let detail =
                    format!("version {found} is not used: the bundle also carries version {current}, which is trusted");
                Check::skip(check::TUF_ROOT, &root.path, detail)
            }
            None => {
                let detail = format!(
                    "version {found} is older than the root that you trust (version {begun}): the bundle is of an earlier time, or was put together from old parts"
                );
                Check::fail(check::TUF_ROOT, &root.path, detail)
            }
        };
        let row = row.with("version", found.to_string()).with("trusted", current.to_string());
        if row.failed() {
            return self.fail(row);
        }
        self.record.checks.push(row);
        Ok(())
    }

    /// Whether the bundle carries the root that is trusted now under its number.
    fn carries(&mut self, client: &Client) -> Result<bool, Stop> {
        let found = self.read_root(client.root_version())?;
        let view = found.and_then(|(_, bytes)| RootView::of(&bytes).ok());
        Ok(view.is_some_and(|view| view.says_the_same(&client.root_view())))
    }
}

/// The root of a bundle, which nothing vouches for by itself.
struct BundledRoot {
    path: String,
    bytes: Vec<u8>,
    view: RootView,
}
