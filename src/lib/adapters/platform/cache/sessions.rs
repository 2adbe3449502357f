//! The sessions that were opened, or may have been, and which of them were ended for sure.

use rustix::process::{Pid, test_kill_process};

use super::database::{Cache, cannot};

/// A session of the platform lives so long if nobody ends it.
const LIFE_MS: i64 = 30 * 24 * 3_600_000;
/// One that was left open is told for a day: it can be ended only by a person, and what cannot end by itself is not told for
/// ever.
const TOLD_MS: i64 = 24 * 3_600_000;

impl Cache {
    /// Notes a session that is about to be opened by a run that is over by `over_by`.
    pub(in crate::adapters::platform) async fn opened(
        &self,
        tenant: &str,
        run: &str,
        over_by_ms: i64,
    ) -> Result<i64, String> {
        let mut connection = self.open().await?;
        let now = self.now();
        sqlx::query("DELETE FROM session WHERE opened_at < $1")
            .bind(now - LIFE_MS)
            .execute(&mut *connection)
            .await
            .map_err(cannot)?;
        let written = sqlx::query(
            "INSERT INTO session (tenant, run, opened_at, over_by, pid) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(tenant)
        .bind(run)
        .bind(now)
        .bind(over_by_ms)
        .bind(i64::from(std::process::id()))
        .execute(&mut *connection)
        .await
        .map_err(cannot)?;
        Ok(written.last_insert_rowid())
    }

    /// Takes back the note of a session that was not opened after all.
    pub(in crate::adapters::platform) async fn never_opened(&self, id: i64) -> Result<(), String> {
        let mut connection = self.open().await?;
        sqlx::query("DELETE FROM session WHERE id = $1")
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(cannot)?;
        Ok(())
    }

    /// Notes that it is ended.
    pub(in crate::adapters::platform) async fn released(&self, id: i64) -> Result<(), String> {
        let mut connection = self.open().await?;
        sqlx::query("UPDATE session SET released_at = $1 WHERE id = $2")
            .bind(self.now())
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(cannot)?;
        Ok(())
    }

    /// How many sessions of a tenant were left open by other runs. One whose run may still go on is not left.
    pub(in crate::adapters::platform) async fn leaked(
        &self,
        tenant: &str,
        run: &str,
    ) -> Result<u64, String> {
        let mut connection = self.open().await?;
        let now = self.now();
        let open: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT over_by, pid FROM session
             WHERE tenant = $1 AND run <> $2 AND released_at IS NULL AND opened_at > $3",
        )
        .bind(tenant)
        .bind(run)
        .bind(now - TOLD_MS)
        .fetch_all(&mut *connection)
        .await
        .map_err(cannot)?;
        let left = open.iter().filter(|(over_by, pid)| *over_by < now || !lives(*pid));
        Ok(u64::try_from(left.count()).unwrap_or(u64::MAX))
    }
}

fn lives(pid: i64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // Who may not be asked is alive.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::adapters::system_clock::SystemClock;

    #[tokio::test]
    async fn a_session_is_left_open_once_its_run_must_be_over_or_its_process_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("platform.db"), Arc::new(SystemClock::new()));
        let now = cache.now();
        let going = cache.opened("a", "one", now + 60_000).await.unwrap();
        assert_eq!(cache.leaked("a", "two").await, Ok(0));
        let over = cache.opened("a", "one", now - 1).await.unwrap();
        assert_eq!(cache.leaked("a", "two").await, Ok(1));
        assert_eq!(cache.leaked("a", "one").await, Ok(0));
        assert_eq!(cache.leaked("b", "two").await, Ok(0));
        cache.released(over).await.unwrap();
        assert_eq!(cache.leaked("a", "two").await, Ok(0));
        let mut db = cache.open().await.unwrap();
        sqlx::query("UPDATE session SET pid = 2147483646 WHERE id = $1")
            .bind(going)
            .execute(&mut *db)
            .await
            .unwrap();
        drop(db);
        assert_eq!(cache.leaked("a", "two").await, Ok(1));
        cache.never_opened(going).await.unwrap();
        assert_eq!(cache.leaked("a", "two").await, Ok(0));
    }
}
