//! The folders that settings name and that an agent writes in: who tends them has to be let in.

use crate::agent::{BackupsNeed, Need, StoreNeed};

/// Whether logs are tended; opswarden's own always are, by who tends any.
pub(super) fn tends_logs(needs: &[Need]) -> bool {
    needs.iter().any(|need| matches!(need, Need::Store(StoreNeed::Logs { .. })))
}

/// The folders that settings name.
pub(super) fn folders(needs: &[Need]) -> Vec<String> {
    let folders = needs.iter().flat_map(|need| match need {
        Need::Store(StoreNeed::Logs { folder, .. }) => folder.iter().cloned().collect(),
        Need::Store(StoreNeed::Backups(need)) => of_backups(need),
        _ => Vec::new(),
    });
    let mut folders: Vec<String> = folders.collect();
    folders.sort();
    folders.dedup();
    folders
}

/// Where backups are made and copied to, and where one is restored. Those of others are only read.
fn of_backups(need: &BackupsNeed) -> Vec<String> {
    let declared = &need.declared;
    let copies = declared.copies.iter().filter_map(|copy| copy.folder.clone());
    let made = declared.folder.iter().cloned().chain(copies);
    let scratch = need.scratch.iter().filter(|_| declared.is_proved()).cloned();
    made.filter(|_| declared.make).chain(scratch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_write_in_is_named_and_what_others_make_is_not() {
        let need = |make: bool| {
            let declared = serde_json::json!({
                "name": "shop", "folder": "/b", "make": make, "database": "main",
                "copies": [{ "folder": "/c", "medium": "nas" }, { "bucket": "x", "medium": "s3" }],
            });
            let declared = serde_json::from_value(declared).unwrap();
            let scratch = Some("/s".to_owned());
            let need = BackupsNeed { declared, bin_dir: None, scratch, buckets: Vec::new() };
            vec![Need::Store(StoreNeed::Backups(Box::new(need)))]
        };
        assert_eq!(folders(&need(true)), ["/b", "/c", "/s"]);
        assert_eq!(folders(&need(false)), ["/s"]);
    }
}
