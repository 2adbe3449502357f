//! Good backups, of every kind that people make.

use serde_json::json;

use super::zoo::{Beast, Cage, a_year_older, gzip, tar, written};

const OF_MAIN: &str = "database = \"main\"";

/// A dump with these words.
fn dump(name: &'static str, words: &'static [&'static str]) -> Beast {
    Beast::good(name, OF_MAIN, move |cage| {
        cage.put("shop.dump", &cage.dump(words));
    })
}

fn file(
    name: &'static str,
    format: &str,
    end: &'static str,
    bytes: impl Fn(&Cage) -> Vec<u8> + 'static,
) -> Beast {
    let settings = format!("of = \"files\"\nformat = \"{format}\"\npattern = \"*{end}\"");
    Beast::good(name, &settings, move |cage| {
        cage.put(&format!("backup{end}"), &bytes(cage));
    })
}

pub(crate) fn all() -> Vec<Beast> {
    dumps().into_iter().chain(archives()).chain(packed()).chain(histories()).collect()
}

fn dumps() -> Vec<Beast> {
    vec![
        dump("plain", &[]),
        dump("packed-0", &["-Z0"]),
        dump("packed-1", &["-Z1"]),
        dump("packed-9", &["-Z9"]),
        dump("no-owner", &["--no-owner"]),
        dump("clean", &["--clean", "--if-exists"]),
        dump("create", &["--create"]),
        dump("inserts", &["--inserts"]),
        dump("column-inserts", &["--column-inserts"]),
        dump("quoted", &["--quote-all-identifiers"]),
        dump("latin", &["--encoding=LATIN1"]),
        dump("triggers", &["--disable-triggers"]),
        dump("by-root", &["--load-via-partition-root"]),
        dump("no-privileges", &["--no-privileges"]),
        Beast::good("by-record", OF_MAIN, |cage| {
            let file = cage.put("shop.dump", &cage.dump(&[]));
            cage.record(&file, &json!({}));
        }),
        // An old one that was copied there today is not the newest.
        Beast::good("old-beside", OF_MAIN, |cage| {
            let good = cage.put("a.dump", &cage.dump(&[]));
            written(&good, 2);
            let mut old = cage.dump(&[]);
            a_year_older(&mut old);
            cage.put("b.dump", &old);
        }),
        // As many rows as then, though there are more now.
        Beast::good("grown-since", OF_MAIN, |cage| {
            let file = cage.put("shop.dump", &cage.dump(&["-T", "child"]));
            cage.record(&file, &json!({}));
        }),
        Beast::good(
            "asked",
            "database = \"main\"\nqueries = [\"SELECT count(*) = 3 FROM few\"]\nnewest = { table = \"Content\", column = \"made\", within = \"1h\" }",
            |cage| {
                cage.put("shop.dump", &cage.dump(&[]));
            },
        ),
        Beast::good("of-a-tablespace", OF_MAIN, |cage| {
            let place = cage.house.server.host().join("fast");
            let server = &cage.house.server;
            server.sql(&format!("COPY (SELECT 1) TO PROGRAM 'mkdir -p {}'", place.display()));
            server.sql(&format!("CREATE TABLESPACE fast LOCATION '{}'", place.display()));
            server.sql("ALTER TABLE few SET TABLESPACE fast");
            cage.put("shop.dump", &cage.dump(&[]));
            server.sql("ALTER TABLE few SET TABLESPACE pg_default");
        }),
        Beast::good("made-by-us", "database = \"main\"\nmake = true", |_| {}),
    ]
}

fn archives() -> Vec<Beast> {
    vec![
        file("tar-gnu", "tar", ".tar", |_| tar(&["--format=gnu"])),
        file("tar-ustar", "tar", ".tar", |_| tar(&["--format=ustar"])),
        file("tar-pax", "tar", ".tar", |_| tar(&["--format=pax"])),
        file("tar-posix", "tar", ".tar", |_| tar(&["--format=posix"])),
        file("tar-numbers", "tar", ".tar", |_| tar(&["--numeric-owner"])),
        file("tar-blocks", "tar", ".tar", |_| tar(&["-b", "64"])),
        file("tar-sparse", "tar", ".tar", |_| tar(&["--sparse"])),
        file("tar-sorted", "tar", ".tar", |_| tar(&["--sort=name"])),
        file("tar-gz-1", "tar_gz", ".tar.gz", |_| gzip(&tar(&[]), 1)),
        file("tar-gz-3", "tar_gz", ".tgz", |_| gzip(&tar(&[]), 3)),
        file("tar-gz-6", "tar_gz", ".tar.gz", |_| gzip(&tar(&[]), 6)),
        file("tar-gz-9", "tar_gz", ".tar.gz", |_| gzip(&tar(&[]), 9)),
        file("tar-gz-pax", "tar_gz", ".tar.gz", |_| gzip(&tar(&["--format=pax"]), 6)),
        file("tar-gz-two", "tar_gz", ".tar.gz", |_| {
            let tar = tar(&[]);
            let (one, other) = tar.split_at(tar.len() / 2);
            [gzip(one, 6), gzip(other, 6)].concat()
        }),
    ]
}

fn packed() -> Vec<Beast> {
    vec![
        file("gz-0", "gzip", ".gz", |_| gzip(b"key = 1\n", 0)),
        file("gz-1", "gzip", ".gz", |_| gzip(b"key = 1\n", 1)),
        file("gz-6", "gzip", ".sql.gz", |cage| gzip(&cage.dump_of("postgres", &[]), 6)),
        file("gz-9", "gzip", ".gz", |_| gzip(&vec![7; 300_000], 9)),
        file("gz-of-nothing", "gzip", ".gz", |_| gzip(b"", 6)),
        file("gz-two", "gzip", ".gz", |_| [gzip(b"one", 6), gzip(b"two", 6)].concat()),
        file("text", "any", ".env", |_| b"KEY=value\n".to_vec()),
        Beast::good(
            "with-its-sum",
            "of = \"files\"\nformat = \"any\"\npattern = \"*.env\"",
            |cage| {
                cage.put("one.env", b"KEY=value\n");
                let sum = "c283007d8774ef7af9ef9242045d49e726f834624768abf670d1e9a6634ee651";
                cage.put("one.env.sha256", format!("{sum}  one.env\n").as_bytes());
            },
        ),
        file("one-byte", "any", ".env", |_| vec![0]),
        file("zeros", "any", ".img", |_| vec![0; 100_000]),
        file("bundle", "any", ".bundle", |_| b"# v2 git bundle\n".to_vec()),
    ]
}

/// Those that have others before them.
fn histories() -> Vec<Beast> {
    let any = "of = \"files\"\nformat = \"any\"\npattern = \"*.bin\"";
    let now = |bytes: usize| {
        move |cage: &Cage| {
            cage.week(".bin", 10_000);
            cage.put("today.bin", &vec![b'x'; bytes]);
        }
    };
    vec![
        Beast::good("as-large", any, now(10_000)),
        Beast::good("larger", any, now(40_000)),
        Beast::good("a-little-smaller", any, now(5_100)),
        Beast::good("nearly-late", any, |cage| {
            let file = cage.put("x.bin", b"x");
            written(&file, 25);
        }),
        Beast::good("one-bad-before", any, |cage| {
            let file = cage.put("before.bin", b"");
            written(&file, 30);
            cage.put("today.bin", b"good");
        }),
        Beast::good("others-beside", any, |cage| {
            cage.put("notes.json", b"[1, 2]");
            cage.put("readme.txt", b"");
            cage.put("today.bin", b"good");
        }),
        Beast::good("two-before", any, |cage| {
            for hours in [30, 60] {
                let file = cage.put(&format!("{hours}.bin"), &vec![b'x'; 90_000]);
                written(&file, hours);
            }
            cage.put("today.bin", b"two say nothing about what is usual");
        }),
        // A file that is written over keeps the moment of its birth: that says nothing about how long a backup took.
        Beast::good("written-over", any, |cage| {
            let days = ["1.bin", "2.bin", "3.bin", "4.bin"];
            for day in days {
                cage.put(day, b"same");
            }
            std::thread::sleep(std::time::Duration::from_secs(12));
            for day in days {
                cage.put(day, b"same");
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            cage.put("5.bin", b"same");
        }),
        Beast::good(
            "quick-as-ever",
            "of = \"files\"\nformat = \"any\"\npattern = \"*.bin\"",
            |cage| {
                for day in 0..8_i64 {
                    let file = cage.put(&format!("{day}.bin"), b"same");
                    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * day);
                    cage.record(
                        &file,
                        &json!({ "taken_at": at.to_string(), "took_ms": 50_000 + day }),
                    );
                }
            },
        ),
    ]
}
