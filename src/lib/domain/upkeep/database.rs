//! A PostgreSQL database as whoever tends it sees it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything that a database's upkeep depends on, as its server tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseLook {
    /// The server's version as one number: 150018 is 15.18.
    pub version: u32,
    /// Whether it is a standby, which nothing can be written to.
    pub is_standby: bool,
    /// Whether its autovacuum is switched on.
    pub autovacuum: bool,
    /// Whether it counts no rows (`track_counts`): then nothing is known of what is due.
    #[serde(default)]
    pub uncounted: bool,
    /// At how many transactions of age its autovacuum comes to a table, even where that is switched off.
    pub freeze_max_age: u64,
    /// And at how many multixacts.
    pub multixact_freeze_max_age: u64,
    /// The tables of the database, those of the system left out.
    pub tables: Vec<TableLook>,
    /// Tables that are divided into others, with those.
    #[serde(default)]
    pub partitioned: Vec<PartitionedTable>,
    /// What else is counted in transactions, the oldest of each kind.
    #[serde(default)]
    pub elsewhere: Vec<OldElsewhere>,
    /// Indexes that are not valid.
    pub invalid: Vec<InvalidIndex>,
    /// Indexes that seem to hold much less than they take.
    pub bloated: Vec<BloatedIndex>,
    /// Counters that come to their end.
    pub counters: Vec<Counter>,
    /// Keys whose numbers no sequence gives, or which refer to one that a sequence gives.
    #[serde(default)]
    pub keys: Vec<KeyColumn>,
    /// What keeps old row versions from being removed.
    pub holders: Vec<Holder>,
    /// What we may not see of others.
    #[serde(default)]
    pub unseen: Unseen,
    /// Why upkeep has to wait now, if it has to.
    pub busy: Option<String>,
}

/// What our user may not see of others: any of it may hold row versions back, take a backup, or lag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// Our user, as SQL would write it.
    pub user: String,
    /// How many sessions of others are in this database.
    pub sessions: u64,
    /// How many standbys are connected.
    pub standbys: u64,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableLook {
    /// Its schema and name, as SQL would write them.
    pub name: String,
    /// Its schema, as it is.
    pub schema: String,
    /// Its name in the schema, as it is.
    pub plain: String,
    /// Rows in use, as far as statistics know.
    pub live_rows: u64,
    /// Row versions that are of no use any more, as far as statistics know.
    pub dead_rows: u64,
    /// How many of them autovacuum waits for.
    pub due_rows: u64,
    /// Rows that were added since it was last vacuumed, as far as statistics know.
    #[serde(default)]
    pub inserted_rows: u64,
    /// How many of them autovacuum waits for; none where it does not count them.
    #[serde(default)]
    pub due_inserted_rows: Option<u64>,
    /// Rows that were changed since its statistics were last made.
    #[serde(default)]
    pub changed_rows: u64,
    /// How many of them autovacuum waits for.
    #[serde(default)]
    pub due_changed_rows: u64,
    /// How old its oldest transaction is, in transactions.
    pub age: u64,
    /// How old its oldest multixact is.
    pub multixact_age: u64,
    /// How often it was vacuumed by hand.
    pub vacuums: u64,
    /// Whether its own settings keep autovacuum away.
    pub autovacuum_off: bool,
    /// How long ago it was last vacuumed, by anybody; none where it never was.
    #[serde(default)]
    pub vacuumed: Option<Duration>,
}

impl TableLook {
    /// How old its oldest transaction and its oldest multixact are.
    #[must_use]
    pub const fn ages(&self) -> (u64, u64) {
        (self.age, self.multixact_age)
    }
}

/// A table whose rows lie in others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionedTable {
    /// Its schema, as it is.
    pub schema: String,
    /// Its name in the schema, as it is.
    pub plain: String,
    /// The tables that its rows lie in, as SQL would write them.
    pub parts: Vec<String>,
}

/// Something beside the tables that people keep, which the server stops for all the same when it becomes too old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldElsewhere {
    /// What it is.
    pub kind: ElsewhereKind,
    /// Its name, as SQL would write it.
    pub name: String,
    /// How old its oldest transaction is, in transactions.
    pub age: u64,
    /// How old its oldest multixact is.
    pub multixact_age: u64,
}

/// What can be old beside tables that people keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElsewhereKind {
    /// A table of the system.
    Catalogue,
    /// A table of a session, which no autovacuum comes to.
    Temporary,
    /// Another database of the server.
    Database,
}

/// An index that is not valid: no query uses it, and every write keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvalidIndex {
    /// Its schema and name, as SQL would write them.
    pub name: String,
    /// The table.
    pub table: String,
    /// Whether somebody is building it right now.
    pub being_built: bool,
    /// Whether no constraint is made of it.
    pub droppable: bool,
}

/// An index that seems to hold much less than it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BloatedIndex {
    /// Its schema and name, as SQL would write them.
    pub name: String,
    /// The table.
    pub table: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// What it would take if it were built anew, as far as statistics tell.
    pub needed_bytes: u64,
    /// The number of its file, which is a new one once it was built anew.
    pub node: u64,
    /// Whether its disk is seen to have no room for it to be built anew.
    #[serde(default)]
    pub lacks_room: bool,
}

/// A sequence, or a column that one fills, that comes to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// The sequence, as SQL would write it.
    pub sequence: String,
    /// The table that it belongs to, where it belongs to one.
    pub table: Option<String>,
    /// The column that it fills there.
    pub column: Option<String>,
    /// The last value that it gave, 0 before the first; none where we may not read it.
    pub last: Option<u64>,
    /// The least that the sequence can give.
    #[serde(default)]
    pub least: u64,
    /// The largest that the sequence can give.
    pub most: u64,
    /// The largest that the column's type can hold, where that is one of the small ones.
    pub column_most: Option<u64>,
}

/// A column of small whole numbers that is a key, or refers to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Its table.
    pub table: String,
    /// Its name, as SQL would write it.
    pub column: String,
    /// The largest value in it, as far as statistics know; the largest of all that its type can hold stands for something else.
    pub last: u64,
    /// The largest that its type can hold.
    pub most: u64,
}

/// An index is built anew beside the one in use, and waits for the end of every transaction that was begun before: for so long
/// at most, and it is not begun where one has lasted for so long already.
pub const REBUILD_PATIENCE: Duration = Duration::from_mins(1);

/// What keeps old row versions from being removed, or may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A session in a transaction that does nothing.
    Idle {
        /// Its process on the server.
        pid: i32,
        /// Its user.
        user: String,
        /// What it calls itself.
        application: String,
        /// Since when its transaction lasts.
        since: Duration,
        /// How old the row versions are that it holds back, in transactions; none where it holds none.
        #[serde(default)]
        age: Option<u64>,
    },
    /// A session whose query is at work.
    Query {
        /// Its process on the server.
        pid: i32,
        /// Its user.
        user: String,
        /// What it calls itself.
        application: String,
        /// Since when its transaction lasts.
        since: Duration,
        /// How old the row versions are that it holds back, in transactions.
        #[serde(default)]
        age: u64,
    },
    /// A prepared transaction.
    Prepared {
        /// Its name.
        name: String,
        /// Its owner.
        owner: String,
        /// Since when it waits.
        since: Duration,
        /// How old the row versions are that it holds back, in transactions.
        #[serde(default)]
        age: u64,
    },
    /// A replication slot.
    Slot {
        /// Its name.
        name: String,
        /// Whether anybody reads from it.
        active: bool,
        /// How old what it holds of every table is, in transactions, where it holds any.
        age: Option<u64>,
        /// How old what it holds of the system's catalogues is, where it holds any: a slot of logical replication holds them alone.
        #[serde(default)]
        catalogue_age: Option<u64>,
    },
    /// A standby that says what its own queries still see.
    Standby {
        /// What it calls itself.
        name: String,
        /// How old what it holds is, in transactions.
        age: u64,
    },
}

impl Holder {
    /// Since when it does so, where the server knows a time of it.
    #[must_use]
    pub const fn since(&self) -> Option<Duration> {
        match self {
            Self::Idle { since, .. } | Self::Query { since, .. } | Self::Prepared { since, .. } => {
                Some(*since)
            }
            Self::Slot { .. } | Self::Standby { .. } => None,
        }
    }

    /// How old the row versions of people's tables are that it holds back, in transactions; none where it holds none.
    #[must_use]
    pub const fn age(&self) -> Option<u64> {
        match self {
            Self::Idle { age, .. } | Self::Slot { age, .. } => *age,
            Self::Query { age, .. } | Self::Prepared { age, .. } | Self::Standby { age, .. } => {
                Some(*age)
            }
        }
    }

    /// Whether a rebuild of an index would have to wait for it, and likely in vain.
    #[must_use]
    pub fn keeps_a_rebuild_waiting(&self) -> bool {
        match self {
            // One that holds no row versions may hold locks all the same.
            Self::Idle { since, .. } | Self::Query { since, .. } | Self::Prepared { since, .. } => {
                *since >= REBUILD_PATIENCE
            }
            Self::Slot { .. } | Self::Standby { .. } => false,
        }
    }
}
