//! Trees get their names whole, and nothing that lay there is lost.

use super::*;

fn staged(at: &Path) -> Staging {
    let staging = Staging::make(Target::open(at, true).unwrap()).unwrap();
    staging.tree().create(b"new", 0o644).unwrap();
    staging
}

fn published(mut staging: Staging, force: bool) -> Option<PathBuf> {
    staging.publish(force).unwrap();
    staging.finish()
}

#[test]
fn a_tree_that_is_taken_back_leaves_what_lay_there() {
    let temp = tempfile::tempdir().unwrap();
    for there in [None, Some("mine")] {
        let at = temp.path().join("out");
        if let Some(content) = there {
            std::fs::create_dir(&at).unwrap();
            std::fs::write(at.join("own"), content).unwrap();
        }
        let mut staging = staged(&at);
        staging.publish(true).unwrap();
        assert_eq!(names(&at), ["new"]);
        staging.take_back().unwrap();
        let left: &[&str] = if there.is_some() { &["out"] } else { &[] };
        assert_eq!(names(temp.path()), left, "the staging folder is gone");
        assert!(there.is_none() || std::fs::read(at.join("own")).unwrap() == b"mine");
    }
}

#[test]
fn what_another_put_under_the_name_is_not_taken_back() {
    let temp = tempfile::tempdir().unwrap();
    let at = temp.path().join("out");
    let mut staging = staged(&at);
    staging.publish(false).unwrap();
    std::fs::rename(&at, temp.path().join("away")).unwrap();
    std::fs::create_dir(&at).unwrap();
    std::fs::write(at.join("own"), "precious").unwrap();
    assert!(staging.take_back().is_err());
    assert_eq!(std::fs::read(at.join("own")).unwrap(), b"precious");
    assert_eq!(names(temp.path()), ["away", "out"]);
}

#[test]
fn an_empty_folder_is_there_again() {
    let temp = tempfile::tempdir().unwrap();
    let at = temp.path().join("out");
    std::fs::create_dir(&at).unwrap();
    let mut staging = staged(&at);
    staging.publish(false).unwrap();
    staging.take_back().unwrap();
    assert_eq!((names(temp.path()), names(&at)), (vec!["out".to_string()], vec![]));
}

#[test]
fn of_two_trees_both_get_their_names_or_neither() {
    let temp = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| temp.path().join(name));
    let both = vec![staged(&one), staged(&other)];
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("own"), "mine").unwrap();
    let error = super::super::publish(both, false).unwrap_err();
    assert!(matches!(error, EnvironmentError::Exists { path } if path == other));
    assert_eq!((names(temp.path()), names(&other)), (vec!["other".to_string()], vec!["own".to_string()]));
    std::fs::remove_dir_all(&other).unwrap();
    assert_eq!(super::super::publish(vec![staged(&one), staged(&other)], false).unwrap(), Vec::<PathBuf>::new());
    assert_eq!(names(temp.path()), ["one", "other"]);
}

fn names(at: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(at).unwrap();
    let mut found: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    found
}

#[test]
fn a_file_that_appears_in_place_of_the_old_tree_comes_back() {
    let temp = tempfile::tempdir().unwrap();
    let at = temp.path().join("out");
    std::fs::create_dir(&at).unwrap();
    std::fs::write(at.join("own"), "mine").unwrap();
    let mut staging = staged(&at);
    std::fs::remove_dir_all(&at).unwrap();
    std::fs::write(&at, "another's").unwrap();
    assert!(staging.publish(true).is_err());
    drop(staging);
    assert_eq!(std::fs::read(&at).unwrap(), b"another's");
    assert_eq!(names(temp.path()), ["out"], "the staging folder is gone");
}

#[test]
fn a_tree_that_was_moved_away_outlives_every_later_run() {
    let temp = tempfile::tempdir().unwrap();
    let dead = temp.path().join(format!("{PREFIX}aaaaaaaaaaaaaaaa"));
    for name in ["old", "tree"] {
        std::fs::create_dir_all(dead.join(name)).unwrap();
    }
    std::fs::write(dead.join("old/own"), "mine").unwrap();
    std::fs::write(dead.join(LOCK), "").unwrap();
    let at = temp.path().join("out");
    assert_eq!(published(staged(&at), false), None);
    assert_eq!(std::fs::read(dead.join("old/own")).unwrap(), b"mine");
    std::fs::remove_dir_all(dead.join("old")).unwrap();
    assert_eq!(published(staged(&at), true), None);
    assert_eq!(names(temp.path()), ["out"], "without it the folder is nothing but abandoned");
    assert_eq!(names(&at), ["new"]);
}

#[test]
fn a_run_that_could_not_move_the_old_tree_back_leaves_it() {
    let temp = tempfile::tempdir().unwrap();
    let staging = staged(&temp.path().join("out"));
    let own = temp.path().join(&staging.name);
    std::fs::create_dir(own.join("old")).unwrap();
    drop(staging);
    assert!(own.join("old").exists());
}
