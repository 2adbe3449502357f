//! What of a dump is restored for a proof: everything but what would ask another server, follow it, or write to it.
//!
//! Whoever restores after a disaster restores these, too; a proof that runs beside what is in use must not. A view that is
//! filled asks whatever it is made of, rows of a foreign table are written where that table lies, and the accounts by which other
//! servers let anybody in are kept from everything that runs here.

use std::collections::BTreeSet;

/// How entries begin that are left out; so are their comments, which would not find them.
const LEFT_OUT: [&str; 8] = [
    "MATERIALIZED VIEW DATA ",
    "USER MAPPING ",
    "EVENT TRIGGER ",
    "COMMENT - EVENT TRIGGER ",
    "PUBLICATION ",
    "COMMENT - PUBLICATION ",
    "SUBSCRIPTION ",
    "COMMENT - SUBSCRIPTION ",
];
const FOREIGN: &str = "FOREIGN TABLE ";
const ROWS: &str = "TABLE DATA ";

/// The lines of a table of contents, as `pg_restore --list` prints it, that are restored for a proof.
pub(super) fn chosen(list: &str) -> String {
    let entries = || list.lines().filter_map(|line| Some((line, entry(line)?)));
    let foreign: BTreeSet<&str> = entries()
        .filter(|(_, (_, what))| what.starts_with(FOREIGN))
        .map(|(_, (id, _))| id)
        .collect();
    let is_left_out = |id: &str, what: &str| {
        let rows_elsewhere = what.starts_with(ROWS) && foreign.contains(id);
        rows_elsewhere || LEFT_OUT.iter().any(|begins| what.starts_with(begins))
    };
    let kept = entries().filter(|(_, (id, what))| !is_left_out(id, what));
    kept.flat_map(|(line, _)| [line, "\n"]).collect()
}

/// Of a line like `217; 1259 16389 TABLE public few postgres` the number of what it is about (16389) and the words after it.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.split_once("; ")?;
    number.parse::<u64>().ok()?;
    let mut parts = rest.splitn(3, ' ');
    parts.next()?;
    Some((parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_reach_another_server_is_left_out_and_nothing_else() {
        let kept = "2; 3079 16386 EXTENSION - postgres_fdw \n\
                    2050; 1417 16393 SERVER - far postgres\n\
                    216; 1259 16406 FOREIGN TABLE public ft postgres\n\
                    217; 1259 16409 MATERIALIZED VIEW public mv postgres\n\
                    3371; 0 0 COMMENT public MATERIALIZED VIEW mv postgres\n\
                    215; 1259 16395 TABLE public MATERIALIZED VIEW DATA postgres\n\
                    3360; 0 16395 TABLE DATA public MATERIALIZED VIEW DATA postgres\n\
                    3361; 0 16399 TABLE DATA public USER MAPPING postgres\n";
        let left = "3370; 0 0 USER MAPPING - USER MAPPING public SERVER far postgres\n\
                    3362; 0 16406 TABLE DATA public ft postgres\n\
                    3358; 6104 16399 PUBLICATION - pub postgres\n\
                    3358; 6106 16399 PUBLICATION TABLE public pub t postgres\n\
                    3372; 0 0 COMMENT - PUBLICATION pub postgres\n\
                    3359; 6100 16402 SUBSCRIPTION - sub postgres\n\
                    3214; 3466 16401 EVENT TRIGGER - noddl postgres\n\
                    3374; 0 0 COMMENT - EVENT TRIGGER noddl postgres\n\
                    3362; 0 16409 MATERIALIZED VIEW DATA public mv postgres\n";
        let head = ";\n; Archive created at 2026-11-29 03:00:00 UTC\n;     dbname: shop\n;\n";
        assert_eq!(chosen(&format!("{head}{kept}{left}")), kept);
        assert_eq!(chosen(&format!("{left}{head}{kept}")), kept);
    }
}
