//! What single looks showed, by row and by when the platform last wrote the row; and which looks failed, so that they do
//! not stand before all others again.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite};

use super::database::{Cache, cannot};

/// What is kept longer than this is of rows that nobody asks for any more.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// So many rows are written by one statement.
const AT_ONCE: usize = 100;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) enum Sort {
    /// A piece of content.
    Detail,
    /// A thumbnail.
    Thumbnail,
}

impl Sort {
    const fn number(self) -> i64 {
        match self {
            Self::Detail => 0,
            Self::Thumbnail => 1,
        }
    }
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) enum Shown {
    /// It showed this; `None` for what most rows show.
    Doc(Option<String>),
    /// It failed.
    Nothing,
}

/// The last look at a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) struct Kept {
    /// When the platform had last written the row, in microseconds since the epoch.
    pub(in crate::adapters::platform) updated_at: i64,
    /// When it was looked at, in milliseconds.
    pub(in crate::adapters::platform) looked_at: i64,
    /// Who was asked, where that is not the platform itself.
    pub(in crate::adapters::platform) origin: String,
    /// What it came to.
    pub(in crate::adapters::platform) shown: Shown,
}

impl Kept {
    /// A look just now at a row that was last written at `updated_at`.
    pub(in crate::adapters::platform) fn new(
        updated_at: Timestamp,
        now: Timestamp,
        origin: &str,
        shown: Shown,
    ) -> Self {
        Self {
            updated_at: updated_at.as_microsecond(),
            looked_at: now.as_millisecond(),
            origin: origin.to_owned(),
            shown,
        }
    }
}

impl Cache {
    /// Everything that is kept of a tenant, by id.
    pub(in crate::adapters::platform) async fn evidence(
        &self,
        sort: Sort,
        tenant: &str,
    ) -> Result<BTreeMap<String, Kept>, String> {
        let mut connection = self.open().await?;
        let mut rows = sqlx::query(
            "SELECT id, updated_at, looked_at, origin, failed, doc FROM evidence
             WHERE sort = $1 AND tenant = $2",
        )
        .bind(sort.number())
        .bind(tenant)
        .fetch(&mut *connection);
        let mut found = BTreeMap::new();
        while let Some(row) = rows.try_next().await.map_err(cannot)? {
            let read = || {
                let failed: bool = row.try_get(4)?;
                let kept = Kept {
                    updated_at: row.try_get(1)?,
                    looked_at: row.try_get(2)?,
                    origin: row.try_get(3)?,
                    shown: if failed { Shown::Nothing } else { Shown::Doc(row.try_get(5)?) },
                };
                Ok((row.try_get::<String, _>(0)?, kept))
            };
            let (id, kept) = read().map_err(cannot)?;
            found.insert(id, kept);
        }
        Ok(found)
    }

    /// Keeps these.
    pub(in crate::adapters::platform) async fn keep(
        &self,
        sort: Sort,
        tenant: &str,
        seen: &[(String, Kept)],
    ) -> Result<(), String> {
        let mut connection = self.open().await?;
        let mut writing = connection.begin_with("BEGIN IMMEDIATE").await.map_err(cannot)?;
        for part in seen.chunks(AT_ONCE) {
            let mut statement = QueryBuilder::<Sqlite>::new(
                "INSERT INTO evidence
                 (sort, tenant, id, updated_at, looked_at, origin, failed, doc) ",
            );
            statement.push_values(part, |mut columns, (id, kept)| {
                let (failed, doc) = match &kept.shown {
                    Shown::Doc(doc) => (false, doc.as_deref()),
                    Shown::Nothing => (true, None),
                };
                columns
                    .push_bind(sort.number())
                    .push_bind(tenant)
                    .push_bind(id)
                    .push_bind(kept.updated_at)
                    .push_bind(kept.looked_at)
                    .push_bind(&kept.origin)
                    .push_bind(failed)
                    .push_bind(doc);
            });
            statement.push(
                " ON CONFLICT (sort, tenant, id) DO UPDATE SET updated_at = excluded.updated_at,
                 looked_at = excluded.looked_at, origin = excluded.origin,
                 failed = excluded.failed, doc = excluded.doc",
            );
            statement.build().execute(&mut *writing).await.map_err(cannot)?;
        }
        writing.commit().await.map_err(cannot)
    }

    /// Lets go of what nobody has looked at again for long.
    pub(in crate::adapters::platform) async fn forget_old(&self) -> Result<(), String> {
        let mut connection = self.open().await?;
        sqlx::query("DELETE FROM evidence WHERE looked_at < $1")
            .bind(self.now() - KEPT_MS)
            .execute(&mut *connection)
            .await
            .map_err(cannot)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::adapters::system_clock::SystemClock;

    #[tokio::test]
    async fn fifty_thousand_rows_are_small_and_come_back_fast() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("platform.db");
        let clock = Arc::new(SystemClock::new());
        let cache = Cache::new(path.clone(), clock);
        let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let shown = |n: u32| match n % 99 {
            98 => Shown::Nothing,
            _ => Shown::Doc(n.is_multiple_of(9).then(|| format!("{n}"))),
        };
        let row = |n: u32| (format!("c{n:024}"), Kept::new(at, at, "", shown(n)));
        let rows: Vec<(String, Kept)> = (0..50_000).map(row).collect();
        for lot in rows.chunks(5_000) {
            cache.keep(Sort::Detail, "a", lot).await.unwrap();
        }
        let began = cache.clock().elapsed();
        let found = cache.evidence(Sort::Detail, "a").await.unwrap();
        let took = cache.clock().elapsed().saturating_sub(began);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), rows);
        // Measured at 0.2 s without optimisation.
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert!(cache.evidence(Sort::Thumbnail, "a").await.unwrap().is_empty());
        cache.close().await;
        assert!(std::fs::metadata(&path).unwrap().len() < 6_000_000);
    }
}
