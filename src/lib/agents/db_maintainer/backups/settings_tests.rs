//! What of the declared backups contradicts itself.

use super::super::DbMaintainer;
use super::super::postgres::DatabaseSettings;
use super::tests::World;
use crate::agent::Agent as _;
use crate::domain::upkeep::{DeclaredBackup, DeclaredCopy};

#[test]
fn two_things_are_not_backed_up_into_one_folder() {
    let lints = |second: &str| {
        let mut other = World::new().declared;
        (other.name, other.folder, other.make) = ("crm".to_owned(), Some(second.to_owned()), true);
        other.database = Some("main".to_owned());
        let mut first = other.clone();
        (first.name, first.folder) = ("shop".to_owned(), Some("/b".to_owned()));
        let database = DatabaseSettings { name: "main".to_owned(), tables: Vec::new() };
        let (databases, backups) = (vec![database], vec![first, other]);
        DbMaintainer { databases, backups, ..DbMaintainer::default() }.problems().len()
    };
    assert_eq!((lints("/b"), lints("/c")), (1, 0));
    assert_eq!((lints("/b/"), lints("/./b"), lints("//b/.")), (1, 1, 1), "it is the same one");
}

#[test]
fn a_copy_lies_in_a_folder_or_a_bucket_of_its_own() {
    let lints = |folders: &[&str]| {
        let copy = |folder: &&str| DeclaredCopy {
            folder: Some((*folder).to_owned()),
            bucket: None,
            medium: "nas".to_owned(),
            offsite: true,
        };
        let copies = folders.iter().map(copy).collect();
        let declared = DeclaredBackup { copies, ..World::new().declared };
        let agent = DbMaintainer { backups: vec![declared], ..DbMaintainer::default() };
        agent.problems().into_iter().map(|one| one.message).collect::<Vec<_>>()
    };
    assert_eq!(lints(&["/nas", "/nas2"]), Vec::<String>::new());
    for own in ["/b", "/b/", "/./b"] {
        assert_eq!(lints(&[own]), ["they lie in that folder anyhow"], "{own}");
    }
    assert_eq!(lints(&["/nas", "/c", "/nas/"]), ["`/nas/` is among them twice"]);
    assert_eq!(lints(&["nas"]), ["`nas` is no whole path"]);
}

#[test]
fn a_question_that_asks_nothing_is_a_mistake() {
    let lints = |query: &str| {
        let declared = DeclaredBackup { queries: vec![query.to_owned()], ..World::new().declared };
        let agent = DbMaintainer { backups: vec![declared], ..DbMaintainer::default() };
        agent.problems().into_iter().map(|one| one.path).collect::<Vec<_>>()
    };
    assert_eq!(lints("SELECT true"), Vec::<String>::new());
    assert_eq!((lints(""), lints(" ")), (lints("\n"), vec!["backups[0].queries".to_owned()]));
}

#[test]
fn backups_lie_in_one_folder_or_in_one_bucket_that_there_is() {
    let bucket = || serde_json::json!({ "name": "media", "endpoint": "http://s3.example.test", "bucket": "shop-media" });
    let lints = |folder: Option<&str>, bucket_name: Option<&str>| -> Vec<String> {
        let mut declared = World::new().declared;
        declared.folder = folder.map(str::to_owned);
        declared.bucket = bucket_name.map(str::to_owned);
        let buckets = vec![serde_json::from_value(bucket()).unwrap()];
        let agent = DbMaintainer { backups: vec![declared], buckets, ..DbMaintainer::default() };
        agent.problems().into_iter().map(|one| format!("{}: {}", one.path, one.message)).collect()
    };
    assert!(lints(Some("/b"), None).is_empty() && lints(None, Some("media")).is_empty());
    for (folder, bucket, says) in [
        (None, None, "backups[0].folder: it is not said where they lie"),
        (Some("/b"), Some("media"), "backups[0].bucket: they lie in a `folder` or in a `bucket`"),
        (None, Some("other"), "backups[0].bucket: there is no bucket `other`"),
    ] {
        let found = lints(folder, bucket);
        assert!(found.len() == 1 && found[0].starts_with(says), "{found:?}");
    }
}
