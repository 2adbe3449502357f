//! Where a walk over a list goes on that limits ended: else the rows at the end of a long list would never be seen.

use super::database::{Cache, cannot};

impl Cache {
    /// The page with which the next walk over `route` of a tenant goes on after its first page.
    pub(in crate::adapters::platform) async fn cursor(
        &self,
        tenant: &str,
        route: &str,
    ) -> Result<Option<u64>, String> {
        let mut connection = self.open().await?;
        let page: Option<(i64,)> =
            sqlx::query_as("SELECT page FROM cursor WHERE tenant = $1 AND route = $2")
                .bind(tenant)
                .bind(route)
                .fetch_optional(&mut *connection)
                .await
                .map_err(cannot)?;
        Ok(page.and_then(|(page,)| u64::try_from(page).ok()))
    }

    /// Keeps that page.
    pub(in crate::adapters::platform) async fn set_cursor(
        &self,
        tenant: &str,
        route: &str,
        page: u64,
    ) -> Result<(), String> {
        let mut connection = self.open().await?;
        sqlx::query(
            "INSERT INTO cursor (tenant, route, page) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, route) DO UPDATE SET page = excluded.page",
        )
        .bind(tenant)
        .bind(route)
        .bind(i64::try_from(page).unwrap_or(i64::MAX))
        .execute(&mut *connection)
        .await
        .map_err(cannot)?;
        Ok(())
    }
}
