//! db-maintainer against real servers: what it finds, what it does, what it leaves, and that nobody waits because of it.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]

mod advice;
mod attested;
#[path = "../support/authority.rs"]
mod authority;
mod backups;
mod bucket_dumps;
mod buckets;
mod cost;
mod hindered;
mod house;
mod keys;
mod locales;
mod logs;
mod logs_races;
mod lost_keys;
#[path = "../support/nobody.rs"]
mod nobody;
mod object_storage;
mod odd_schemas;
#[path = "../support/peers.rs"]
mod peers;
#[path = "../support/peers_pm2.rs"]
mod peers_pm2;
#[path = "../support/peers_postgres.rs"]
mod peers_postgres;
#[path = "../support/peers_redis.rs"]
mod peers_redis;
#[path = "../support/peers_s3.rs"]
mod peers_s3;
mod pooler;
mod postgres;
mod put_off;
mod rebuild_kills;
mod redis;
mod redis_house;
mod redis_older;
mod redis_reclaim;
mod restores;
mod retention;
mod s3_again;
mod shells;
mod standby;
mod talk;
mod theirs;
mod unseen;
mod upkeep;
mod yard;
mod yields;
mod zoo;
mod zoo_bad;
mod zoo_good;
