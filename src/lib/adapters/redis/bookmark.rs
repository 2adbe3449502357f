//! Where a walk over the keys of a server ended before its time: there the next one goes on.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapters::private_file;

/// A place among the keys of one process of a server: another process has them in another order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The process, as the server names it.
    pub(super) run_id: String,
    pub(super) database: u64,
    pub(super) cursor: u64,
}

/// The file of the place. Without it every walk begins at the first key; where it cannot be read or written, so it does.
#[derive(Clone, Debug, Default)]
pub(super) struct Bookmark(pub(super) Option<PathBuf>);

impl Bookmark {
    /// The place, where the last walk of this process of the server left one.
    pub(super) fn place(&self, run_id: &str) -> Option<Place> {
        let text = std::fs::read(self.0.as_ref()?).ok()?;
        let place: Place = serde_json::from_slice(&text).ok()?;
        (place.run_id == run_id).then_some(place)
    }

    /// Remembers where the walk ended; none where it came to its end.
    pub(super) fn remember(&self, place: Option<&Place>) {
        let Some(file) = &self.0 else { return };
        let kept = match place {
            Some(place) => keep(file, place),
            None => match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
        };
        if let Err(error) = kept {
            tracing::warn!(%error, file = %file.display(), "the next walk begins at the first key");
        }
    }
}

fn keep(file: &Path, place: &Place) -> std::io::Result<()> {
    private_file::folder(file.parent().unwrap_or(Path::new(".")))?;
    let text = serde_json::to_vec(place).map_err(std::io::Error::other)?;
    private_file::replace(file, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_of_its_process_alone_and_is_forgotten_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let bookmark = Bookmark(Some(folder.path().join("redis/main.json")));
        assert_eq!(bookmark.place("one"), None);
        let place = Place { run_id: "one".to_owned(), database: 3, cursor: 17 };
        bookmark.remember(Some(&place));
        assert_eq!(bookmark.place("one"), Some(place));
        assert_eq!(bookmark.place("another"), None);
        bookmark.remember(None);
        bookmark.remember(None);
        assert_eq!(bookmark.place("one"), None);
    }
}
