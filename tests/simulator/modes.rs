//! What can happen in a run.

/// The chances of a run. Weights are relative to each other; shares are of a hundred.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// Its name, as in reports and traces.
    pub name: &'static str,
    /// Clients.
    pub members: usize,
    /// Things that happen before everything comes to rest.
    pub steps: usize,
    /// How often somebody edits.
    pub edit: u64,
    /// How often a client takes a step.
    pub sync: u64,
    /// The share of edits of living components that delete them.
    pub deletes: u64,
    /// How often the user of a client leaves or comes back.
    pub leave: u64,
    /// How often a connection breaks.
    pub drop: u64,
    /// How often a user leaves and comes back before the socket's close is through.
    pub hop: u64,
    /// How often the server is stopped, or started again.
    pub restart: u64,
    /// Whether a server that stops loses what is in the air.
    pub air: bool,
    /// Whether the room closes when the last session leaves.
    pub close_empty: bool,
    /// The share of connections that are not held back until their first frame.
    pub bare: u64,
    /// The share of clients that speak version 1.
    pub version_1: u64,
    /// Whether the server goes back to an older snapshot once.
    pub rollback: bool,
    /// How often a store has taken some of the changes that are on their way; 0 where the room does not journal.
    pub store: u64,
    /// How often the store fails, or recovers.
    pub fail: u64,
    /// How often the socket of a session stops draining, or has drained.
    pub lag: u64,
    /// How often catch-ups go on that come in steps.
    pub walk: u64,
}

const LIVE: Mode = Mode {
    name: "live",
    members: 3,
    steps: 240,
    edit: 8,
    sync: 10,
    deletes: 6,
    leave: 0,
    drop: 0,
    hop: 0,
    restart: 0,
    air: false,
    close_empty: false,
    bare: 0,
    version_1: 0,
    rollback: false,
    store: 0,
    fail: 0,
    lag: 0,
    walk: 25,
};

const ALL: Mode = Mode {
    name: "all",
    members: 4,
    edit: 5,
    deletes: 12,
    leave: 1,
    drop: 1,
    hop: 1,
    restart: 1,
    air: true,
    close_empty: true,
    bare: 40,
    version_1: 30,
    ..LIVE
};

/// Every mode.
pub const MODES: [Mode; 24] = [
    LIVE,
    Mode { name: "steps", edit: 16, sync: 3, ..LIVE },
    Mode { name: "leaves", leave: 4, ..LIVE },
    Mode { name: "drops", drop: 2, leave: 1, ..LIVE },
    Mode { name: "deletes", deletes: 40, leave: 2, drop: 1, ..LIVE },
    Mode { name: "restarts", restart: 2, ..LIVE },
    Mode { name: "crashes", restart: 2, air: true, drop: 1, ..LIVE },
    Mode { name: "empty", members: 2, leave: 8, drop: 2, close_empty: true, ..LIVE },
    Mode { name: "hops", hop: 2, drop: 1, ..LIVE },
    Mode { name: "bare", bare: 100, leave: 2, drop: 2, ..LIVE },
    Mode { name: "versions", version_1: 50, leave: 1, drop: 1, ..LIVE },
    Mode { name: "rollback", steps: 160, rollback: true, ..LIVE },
    Mode { name: "slow", store: 14, leave: 1, drop: 1, hop: 1, bare: 20, ..LIVE },
    Mode { name: "failing", store: 14, fail: 3, leave: 1, drop: 1, version_1: 20, ..LIVE },
    Mode { name: "killed", store: 10, fail: 1, restart: 2, air: true, drop: 1, ..LIVE },
    Mode { name: "lags", lag: 8, drop: 1, leave: 1, version_1: 20, ..LIVE },
    Mode { name: "lags-stored", lag: 8, store: 14, drop: 1, ..LIVE },
    Mode { name: "lags-failing", lag: 8, store: 14, fail: 3, leave: 1, version_1: 20, ..LIVE },
    Mode { name: "walks", members: 4, walk: 12, drop: 2, leave: 3, deletes: 15, ..LIVE },
    Mode { name: "walks-stored", members: 4, walk: 12, store: 14, drop: 2, leave: 2, ..LIVE },
    Mode { name: "walks-failing", walk: 12, store: 10, fail: 4, leave: 4, version_1: 20, ..LIVE },
    Mode { name: "walks-lagging", walk: 12, lag: 8, store: 14, fail: 2, leave: 3, ..LIVE },
    ALL,
    Mode { name: "stored", store: 14, fail: 2, ..ALL },
];

/// The mode of that name.
pub fn mode(name: &str) -> Mode {
    *MODES.iter().find(|mode| mode.name == name).unwrap()
}
