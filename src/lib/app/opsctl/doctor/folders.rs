//! Whether a folder can be used.

use super::super::absent;
use super::super::room::no_room;
use super::row::{Grade, Row};

/// A folder that settings name: nobody makes it for us.
pub(super) fn declared(agent: &str, folder: &std::path::Path) -> Row {
    let about = format!("{agent}: folder");
    if absent(folder) {
        let why = format!("{} does not exist; write the path that it has", folder.display());
        return (Grade::Blocked, about, why);
    }
    writable(&about, folder)
}

/// Tries a folder by asking the kernel, not by writing into it.
pub(super) fn writable(about: &str, folder: &std::path::Path) -> Row {
    use rustix::fs::{Access as Ask, access};
    let row = |grade, found: String| (grade, about.to_owned(), found);
    let shown = folder.display();
    if absent(folder) {
        let above = folder.ancestors().skip(1).find(|above| !absent(above));
        return match above.map(|above| (above, access(above, Ask::WRITE_OK | Ask::EXEC_OK))) {
            Some((above, Err(error))) => row(
                Grade::Blocked,
                format!(
                    "{shown} does not exist, and cannot be created in {} by this user: {error}; create it as root, for \
                     the user that runs the agents",
                    above.display()
                ),
            ),
            Some((_, Ok(()))) | None => {
                row(Grade::Partial, format!("{shown} does not exist yet; the first run creates it"))
            }
        };
    }
    match std::fs::metadata(folder) {
        Err(error) => {
            return row(Grade::Blocked, format!("{shown} cannot be looked at: {error}"));
        }
        Ok(found) if !found.is_dir() => {
            return row(Grade::Blocked, format!("{shown} is not a folder"));
        }
        Ok(_) => {}
    }
    if let Err(error) = access(folder, Ask::READ_OK | Ask::EXEC_OK) {
        return row(Grade::Blocked, format!("{shown} is not readable: {error}"));
    }
    if let Err(error) = access(folder, Ask::WRITE_OK) {
        return row(Grade::Blocked, format!("{shown} is not writable: {error}"));
    }
    match no_room(folder) {
        Some(why) => row(Grade::Blocked, format!("{shown} {why}")),
        None => row(Grade::Ok, format!("{shown} is writable")),
    }
}
