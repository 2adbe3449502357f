//! Wiring of buckets: from the settings and the keys in the environment to eyes. No hands: what lies in a bucket is not ours.

use std::sync::Arc;

use crate::adapters::discreet::Discreet;
use crate::adapters::redact::Redactor;
use crate::adapters::s3::{BucketStore, Client, S3Options};
use crate::agent::StoreNeed;
use crate::app::config::{Config, s3_key_names, shared_s3_key_names};
use crate::domain::sight::{Blind, Sight};
use crate::ports::clock::Clock;
use crate::ports::data_store::Bucket;

/// The eyes on a bucket, whose words are cleared of secrets.
pub(super) fn eyes(
    config: &Config,
    redactor: &Redactor,
    clock: &Arc<dyn Clock>,
    need: &StoreNeed,
) -> Sight<Arc<dyn Bucket>> {
    let StoreNeed::Bucket { name, look_within, .. } = need else {
        return Err(Blind::because("it is no bucket"));
    };
    let store = BucketStore::new(name, client(config, clock, need)?, *look_within);
    Ok(Arc::new(Discreet::new(store, redactor.clone())))
}

/// What speaks to it.
pub(super) fn client(config: &Config, clock: &Arc<dyn Clock>, need: &StoreNeed) -> Sight<Client> {
    let StoreNeed::Bucket { name, endpoint, region, bucket, .. } = need else {
        return Err(Blind::because("it is no bucket"));
    };
    let [access_key_id, secret_access_key] = keys(config, name)?;
    let options = S3Options {
        endpoint: endpoint.clone(),
        region: region.clone(),
        bucket: bucket.clone(),
        access_key_id,
        secret_access_key,
    };
    let client = Client::new(&options, Arc::clone(clock));
    client.map_err(|why| Blind::because(format!("the bucket {name}: {why}")))
}

/// The access key of a bucket and its secret: its own, or those that buckets share where it has neither.
fn keys(config: &Config, name: &str) -> Sight<[String; 2]> {
    let own = s3_key_names(name);
    let has_own = own.iter().any(|variable| config.given(variable).is_some());
    let [id, secret] = if has_own { own } else { shared_s3_key_names() };
    let given = |variable: &str| {
        config.given(variable).map(str::to_owned).ok_or_else(|| {
            Blind::because(format!(
                "the keys of the bucket {name} are not given: set {variable} or {variable}_FILE"
            ))
        })
    };
    Ok([given(&id)?, given(&secret)?])
}
