//! A dump that is streamed into a bucket: no file of it lies on this host, and no object of it is there before all of it is.

use super::BackupSet;
use super::files::of_record;
use super::flow::{Passed, flow};
use super::in_bucket::InBucket;
use super::make::Begun;
use crate::adapters::postgres::Postgres;
use crate::adapters::s3::{Client, Put, S3Error};
use crate::domain::upkeep::{Backup, BackupSource};
use crate::ports::processes::ActFailure;

impl BackupSet {
    /// A dump as an object; nothing where it gave way. Whatever fails leaves no object: the upload hears no end, and takes its
    /// parts back.
    pub(super) async fn as_object(
        &self,
        bucket: &InBucket,
        database: &Postgres,
        begun: &Begun,
    ) -> Option<Result<Backup, ActFailure>> {
        let refused = |why: String| ActFailure::Refused(bucket.told(why));
        let client = match bucket.client() {
            Ok(client) => client,
            Err(why) => return Some(Err(ActFailure::Refused(why))),
        };
        let name = self.name_of(begun);
        let (dumped, put) = self.both(client, &name, database, begun).await;
        let made = match (dumped?, put) {
            // A dump that did not come to its end is why its upload did not.
            (Err(failure), Err(S3Error::Source(_)) | Ok(_)) => Err(failure),
            (_, Err(error)) => Err(refused(format!("it cannot be put there: {error}"))),
            (Ok((source, passed)), Ok(put)) => {
                let record = self.record(begun, source, passed);
                let record = Backup { etag: put.etag, ..record };
                self.read_back(bucket, &record, begun).await.map(|()| record).map_err(refused)
            }
        };
        if made.is_err()
            && let Err(error) = client.delete(&name).await
        {
            tracing::warn!("failed to take {name} back: {}", bucket.told(error));
        }
        Some(made)
    }

    /// The dump and its upload, side by side. The dump alone knows whether it came to its end.
    async fn both(
        &self,
        client: &Client,
        name: &str,
        database: &Postgres,
        begun: &Begun,
    ) -> (Option<Result<(BackupSource, Passed), ActFailure>>, Result<Put, S3Error>) {
        // A dump is packed and holds no index: as large as its database it is only where what it holds is packed already.
        let expected = database.size_bytes().await.unwrap_or_default();
        let (mut inlet, outlet) = flow();
        let dump = async move {
            match self.unless_others_wait(database, &mut inlet, begun.time).await? {
                Err(failure) => Some(Err(failure)),
                Ok(source) => {
                    let passed = inlet.end().await;
                    let failed = |error| ActFailure::Refused(format!("failed to upload: {error}"));
                    Some(passed.map(|passed| (source, passed)).map_err(failed))
                }
            }
        };
        tokio::join!(dump, client.put_stream_of(name, outlet, expected))
    }

    /// Reads it back, as far as this host can, before it counts as one; then its sum and its record are kept.
    async fn read_back(
        &self,
        bucket: &InBucket,
        record: &Backup,
        begun: &Begun,
    ) -> Result<(), String> {
        let one = of_record(record);
        let (flaws, unread) = self.read_through(&one, begun.time).await;
        if let Some(flaw) = flaws.first() {
            return Err(flaw.to_string());
        }
        if let Some(why) = unread {
            tracing::info!("{} is in its bucket, and was only summed up there: {why}", record.name);
            let unmarked = Backup { etag: None, ..record.clone() };
            if let Some(why) = bucket.altered(&unmarked).await? {
                return Err(why);
            }
        }
        bucket.keep(record).await
    }
}
