//! Bad backups, and what has to be said of each.

use serde_json::json;

use super::zoo::{Beast, Cage, a_year_older, gzip, tar, written};

const BAD: &str = "backup_bad";
const DUE: &str = "backup_due";
const UNSEEN: &str = "backups_unseen";
/// A dump that is looked at, and not restored.
const LOOKED: &str = "database = \"main\"\nprove_every = \"0s\"";
/// One that is restored.
const PROVED: &str = "database = \"main\"";

fn files(format: &str, end: &str) -> String {
    format!("of = \"files\"\nformat = \"{format}\"\npattern = \"*{end}\"")
}

/// A dump that is changed before anybody looks at it.
fn changed(
    name: &'static str,
    says: &'static str,
    change: impl Fn(Vec<u8>) -> Vec<u8> + 'static,
) -> Beast {
    Beast::bad(name, LOOKED, (BAD, says), move |cage| {
        cage.put("shop.dump", &change(cage.dump(&[])));
    })
}

/// A file of some format with these bytes.
fn broken(
    name: &'static str,
    format: &str,
    says: &'static str,
    bytes: impl Fn(&Cage) -> Vec<u8> + 'static,
) -> Beast {
    Beast::bad(name, &files(format, ".x"), (BAD, says), move |cage| {
        cage.put("backup.x", &bytes(cage));
    })
}

/// A dump with a record beside it of which something is replaced.
fn recorded(name: &'static str, says: &'static str, instead: serde_json::Value) -> Beast {
    Beast::bad(name, LOOKED, (BAD, says), move |cage| {
        let file = cage.put("shop.dump", &cage.dump(&[]));
        cage.record(&file, &instead);
    })
}

/// A dump whose record says this of its source, which is of the right server.
fn of_source(cage: &Cage, instead: &serde_json::Value) {
    let file = cage.put("shop.dump", &cage.dump(&[]));
    let cluster = cage.house.server.sql("SELECT system_identifier FROM pg_control_system()");
    let mut source =
        json!({ "database": "postgres", "cluster": cluster, "version": cage.version() });
    for (field, value) in instead.as_object().into_iter().flatten() {
        source[field] = value.clone();
    }
    cage.record(&file, &json!({ "source": source }));
}

/// A dump made with these words, which is restored.
fn restored(
    name: &'static str,
    settings: &str,
    says: &'static str,
    words: &'static [&'static str],
) -> Beast {
    let settings = format!("{PROVED}\n{settings}");
    Beast::bad(name, &settings, (BAD, says), move |cage| {
        cage.put("shop.dump", &cage.dump(words));
    })
}

fn cut(share: usize) -> impl Fn(Vec<u8>) -> Vec<u8> {
    move |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() * share / 100);
        bytes
    }
}

pub(crate) fn all() -> Vec<Beast> {
    let all = [absent(), implausible(), changed_dumps(), of_another(), archives(), unrestorable()];
    all.into_iter().flatten().collect()
}

/// There is none, or none that is young enough.
fn absent() -> Vec<Beast> {
    vec![
        Beast::bad("nothing", LOOKED, (DUE, "there is none"), |_| {}),
        Beast::bad("other-names", LOOKED, (DUE, "there is none"), |cage| {
            cage.put("shop.sql", b"x");
        }),
        Beast::bad("a-folder", LOOKED, (DUE, "there is none"), |cage| {
            std::fs::create_dir(cage.folder.join("shop.dump")).expect("a folder");
        }),
        Beast::bad("a-link", LOOKED, (DUE, "there is none"), |cage| {
            let real = cage.put("real", &cage.dump(&[]));
            std::os::unix::fs::symlink(real, cage.folder.join("shop.dump")).expect("a link");
        }),
        Beast::bad("unfinished", LOOKED, (DUE, "there is none"), |cage| {
            cage.put(".unfinished.dump", &cage.dump(&[]));
        }),
        Beast::bad("stale", LOOKED, (DUE, "the last is of"), |cage| {
            let file = cage.put("shop.dump", &cage.dump(&[]));
            written(&file, 72);
        }),
        Beast::bad("a-little-stale", LOOKED, (DUE, "the last is of"), |cage| {
            let file = cage.put("shop.dump", &cage.dump(&[]));
            written(&file, 27);
        }),
        // The file is of today, and what is in it is not.
        Beast::bad("touched", LOOKED, (DUE, "the last is of"), |cage| {
            let mut bytes = cage.dump(&[]);
            a_year_older(&mut bytes);
            cage.put("shop.dump", &bytes);
        }),
        Beast::bad("no-folder", LOOKED, (UNSEEN, "cannot be read"), |cage| {
            std::fs::remove_dir(&cage.folder).expect("it is empty");
        }),
        Beast::bad("no-folder-but-a-file", LOOKED, (UNSEEN, "cannot be read"), |cage| {
            std::fs::remove_dir(&cage.folder).expect("it is empty");
            std::fs::write(&cage.folder, "").expect("it is written");
        }),
        Beast::bad("to-come", &files("any", ".x"), (BAD, "still to come (L0)"), |cage| {
            let file = cage.put("backup.x", b"from the day after tomorrow");
            written(&file, -48);
        }),
    ]
}

/// Strange beside those before.
fn implausible() -> Vec<Beast> {
    let shrunk = |bytes: usize| {
        move |cage: &Cage| {
            cage.week(".x", 10_000);
            cage.put("today.x", &vec![b'x'; bytes]);
        }
    };
    let any = files("any", ".x");
    vec![
        Beast::bad("a-tenth", &any, (BAD, "are usual (L1)"), shrunk(1_000)),
        Beast::bad("less-than-half", &any, (BAD, "are usual (L1)"), shrunk(4_900)),
        Beast::bad("shrunk-pack", &files("gzip", ".x"), (BAD, "are usual (L1)"), |cage| {
            cage.week(".x", 10_000);
            cage.put("today.x", &gzip(b"little", 6));
        }),
        Beast::bad("too-fast", &any, (BAD, "s are usual (L1)"), |cage| {
            for day in 0..8_i64 {
                let file = cage.put(&format!("{day}.x"), b"same");
                let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * day);
                let took = if day == 0 { 2_000 } else { 60_000 };
                cage.record(&file, &json!({ "taken_at": at.to_string(), "took_ms": took }));
            }
        }),
    ]
}

/// Dumps that are not what was written.
fn changed_dumps() -> Vec<Beast> {
    vec![
        changed("empty-dump", "it is empty (L2)", |_| Vec::new()),
        changed("cut-in-half", "(L2)", cut(50)),
        changed("cut-at-the-end", "(L2)", cut(95)),
        changed("cut-in-its-header", "within its header (L2)", |mut bytes| {
            bytes.truncate(20);
            bytes
        }),
        changed("cut-in-its-contents", "(L2)", |mut bytes| {
            bytes.truncate(400);
            bytes
        }),
        changed("last-bytes-gone", "(L2)", |mut bytes| {
            bytes.truncate(bytes.len() - 4);
            bytes
        }),
        changed("noise", "no dump in the custom format (L2)", |bytes| {
            (0..bytes.len()).map(|place| u8::try_from(place * 31 % 251).unwrap_or(7)).collect()
        }),
        changed("zeroed", "no dump in the custom format (L2)", |bytes| vec![0; bytes.len()]),
        changed("a-hole-in-the-middle", "(L2)", |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 4096].fill(0);
            bytes
        }),
        changed("text", "no dump in the custom format (L2)", |_| b"pg_dump: error: no\n".to_vec()),
        changed("packed-again", "no dump in the custom format (L2)", |bytes| gzip(&bytes, 6)),
        Beast::bad("in-sql", LOOKED, (BAD, "no dump in the custom format (L2)"), |cage| {
            cage.put("shop.dump", &cage.dump_of("postgres", &["--format=plain"]));
        }),
        Beast::bad("as-tar", LOOKED, (BAD, "(L2)"), |cage| {
            cage.put("shop.dump", &cage.dump_of("postgres", &["--format=tar"]));
        }),
        Beast::bad("schema-only", LOOKED, (BAD, "none of their rows (L2)"), |cage| {
            cage.put("shop.dump", &cage.dump(&["--schema-only"]));
        }),
    ]
}

/// Of another database, server, key or file.
fn of_another() -> Vec<Beast> {
    let key = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq";
    vec![
        Beast::bad("swapped", LOOKED, (BAD, "a dump of the database other"), |cage| {
            cage.put("shop.dump", &cage.dump_of("other", &["--format=custom", "--create"]));
        }),
        Beast::bad("of-nothing", LOOKED, (BAD, "holds no table (L2)"), |cage| {
            cage.put("shop.dump", &cage.dump_of("empty", &["--format=custom"]));
        }),
        Beast::bad("renamed", LOOKED, (BAD, "(L2)"), |cage| {
            let file = cage.put("shop.dump", &cage.dump(&[]));
            cage.record(&file, &json!({}));
            cage.put("shop.dump", &cage.dump(&["-Z0"]));
        }),
        recorded("other-sum", "not what was written (L2)", json!({ "sha256": "00" })),
        recorded("other-size", "bytes long, and was 7 (L2)", json!({ "size_bytes": 7 })),
        recorded("other-key", "should be with no key (L2)", json!({ "key_id": key })),
        recorded(
            "other-server",
            "taken of another server (17) than",
            json!({ "source": { "database": "postgres", "cluster": "17", "version": 150_000,
                                "extensions": {}, "tables": {} } }),
        ),
        Beast::bad(
            "no-key",
            &format!("{LOOKED}\nencryption = {{ key_id = \"{key}\" }}"),
            (BAD, "encrypted with no key"),
            |cage| {
                let file = cage.put("shop.dump", &cage.dump(&[]));
                cage.record(&file, &json!({}));
            },
        ),
        Beast::bad("gone", LOOKED, (DUE, "there is none"), |cage| {
            let file = cage.put("shop.dump", &cage.dump(&[]));
            cage.record(&file, &json!({}));
            std::fs::remove_file(&file).expect("it was there");
        }),
    ]
}

/// Archives and packed files.
fn archives() -> Vec<Beast> {
    let flip = |mut bytes: Vec<u8>, place: usize| {
        bytes[place] ^= 0x10;
        bytes
    };
    vec![
        broken("empty-file", "any", "it is empty (L2)", |_| Vec::new()),
        Beast::bad(
            "sum-of-another",
            &files("any", ".env"),
            (BAD, "the sum beside it (L2)"),
            |cage| {
                cage.put("one.env", b"KEY=value\n");
                let sum = "747634f56fecd2e475e79059e7d50f63a36e7db846dc2843a8ada885d6c00649";
                cage.put("one.env.sha256", format!("{sum}  one.env\n").as_bytes());
            },
        ),
        broken("empty-tar", "tar", "it is empty (L2)", |_| Vec::new()),
        broken("tar-of-nothing", "tar", "it holds nothing (L2)", |_| vec![0; 10_240]),
        broken("tar-cut", "tar", "(L2)", |_| cut(50)(tar(&[]))),
        broken("tar-without-end", "tar", "the end is missing (L2)", |_| {
            let mut bytes = tar(&["-b", "1"]);
            bytes.truncate(bytes.len() - 1024);
            bytes
        }),
        broken("tar-header", "tar", "checksum mismatch (L2)", move |_| flip(tar(&[]), 3)),
        broken("tar-that-is-packed", "tar", "(L2)", |_| gzip(&tar(&[]), 6)),
        broken("tar-gz-cut", "tar_gz", "(L2)", |_| cut(60)(gzip(&tar(&[]), 6))),
        broken("tar-gz-that-is-not", "tar_gz", "(L2)", |_| tar(&[])),
        broken("tar-gz-of-text", "tar_gz", "(L2)", |_| gzip(b"not an archive", 6)),
        broken("tar-gz-of-half", "tar_gz", "(L2)", |_| gzip(&cut(50)(tar(&[])), 6)),
        broken("tar-gz-flipped", "tar_gz", "(L2)", move |_| {
            let packed = gzip(&tar(&[]), 6);
            let end = packed.len() - 6;
            flip(packed, end)
        }),
        broken("gz-empty", "gzip", "it is empty (L2)", |_| Vec::new()),
        broken("gz-cut", "gzip", "unpacked to its end", |_| cut(50)(gzip(&[9; 5000], 0))),
        broken("gz-flipped", "gzip", "unpacked to its end", move |_| {
            let packed = gzip(&[9; 5000], 6);
            let end = packed.len() - 6;
            flip(packed, end)
        }),
        broken("gz-of-text", "gzip", "unpacked to its end", |_| b"plain text".to_vec()),
    ]
}

/// Whole, and yet no backup: that shows when it is restored.
fn unrestorable() -> Vec<Beast> {
    let old = "newest = { table = \"Content\", column = \"made\", within = \"1s\" }";
    let no_row = "newest = { table = \"blank\", column = \"made\", within = \"1h\" }";
    vec![
        Beast::bad("rows-only", PROVED, (BAD, "(L"), |cage| {
            cage.put("shop.dump", &cage.dump(&["--data-only"]));
        }),
        restored("without-its-parent", "", "cannot be restored", &["-T", "few"]),
        restored("without-a-table", "", "Content\" is not in it (L4)", &["-T", "\"Content\""]),
        restored(
            "without-rows",
            "",
            "rows, and 0 in it (L4)",
            &["--exclude-table-data=\"Content\""],
        ),
        restored(
            "a-question",
            "queries = [\"SELECT count(*) = 4 FROM few\"]",
            "is false in it (L4)",
            &[],
        ),
        restored("a-question-of-nothing", "queries = [\"SELECT true FROM no_table\"]", "(L4)", &[]),
        restored("no-newest", no_row, "has no row (L4)", &[]),
        Beast::bad(
            "old-inside",
            &format!("{PROVED}\n{old}"),
            (BAD, "and may be 1s (L4)"),
            |cage| {
                cage.put("shop.dump", &cage.dump(&[]));
                std::thread::sleep(std::time::Duration::from_secs(3));
                let again = cage.dump(&[]);
                cage.put("shop.dump", &again);
            },
        ),
        Beast::bad("of-other-rows", PROVED, (BAD, "had 4 rows, and 3 in it (L4)"), |cage| {
            of_source(
                cage,
                &json!({ "extensions": {}, "tables": { "public.few": { "rows": 4, "exact": true } } }),
            );
        }),
        Beast::bad("without-an-extension", PROVED, (BAD, "hstore is not in it (L4)"), |cage| {
            of_source(cage, &json!({ "extensions": { "hstore": "1.8" }, "tables": {} }));
        }),
    ]
}
