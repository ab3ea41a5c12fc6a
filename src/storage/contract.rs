//! What every store promises, whatever it keeps its snapshots in. A new store is one more test that
//! calls [`check_store`], and has no exemptions.

use super::{Damage, FileStore, Format};
use crate::engine::Clock;

/// A store as the contract sees it. `make(id)` gives one; giving one for the same id again is
/// reopening.
pub(super) trait Store: Sync {
    fn load(&self) -> Option<Vec<u8>>;
    fn save(&self, snapshot: &[u8]);
}

impl Store for FileStore {
    fn load(&self) -> Option<Vec<u8>> {
        Self::load(self).unwrap()
    }

    fn save(&self, snapshot: &[u8]) {
        Self::save(self, snapshot).unwrap();
    }
}

/// What the tests' snapshots look like: something in braces.
pub(super) const BRACES: Format =
    Format { check: check_braces, replay: |snapshot, _| Ok(snapshot.unwrap_or(b"{}").to_vec()) };

fn check_braces(bytes: &[u8]) -> Result<Clock, Damage> {
    match bytes {
        [b'{', .., b'}'] => Ok(0),
        [b'{', ..] => Err(Damage {
            offset: u64::try_from(bytes.len()).ok(),
            reason: "a brace is open".to_owned(),
        }),
        _ => Err(Damage { offset: None, reason: "no brace".to_owned() }),
    }
}

pub(super) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

pub(super) fn check_store<S: Store>(make: impl Fn(&[u16]) -> S) {
    nothing_before_the_first_save(&make);
    the_last_save_is_loaded(&make);
    rooms_are_apart(&make);
    concurrent_saves_leave_one_whole_snapshot(&make);
}

fn nothing_before_the_first_save<S: Store>(make: &impl Fn(&[u16]) -> S) {
    assert_eq!(make(&units("never saved")).load(), None);
}

fn the_last_save_is_loaded<S: Store>(make: &impl Fn(&[u16]) -> S) {
    let id = units("saved twice");
    let store = make(&id);

    store.save(b"{1, longer than the second}");
    assert_eq!(store.load().unwrap(), b"{1, longer than the second}");
    store.save(b"{2}");

    assert_eq!(store.load().unwrap(), b"{2}");
    assert_eq!(make(&id).load().unwrap(), b"{2}");
}

fn rooms_are_apart<S: Store>(make: &impl Fn(&[u16]) -> S) {
    let mut ids: Vec<Vec<u16>> = [
        "", "a", "A", "\u{e9}", "e\u{301}", "\u{fffd}", "con", "CON", ".", "..", "../a", "a/a",
        "a\0", "~41",
    ]
    .iter()
    .map(|id| units(id))
    .collect();
    ids.extend([vec![0xD800], units(&"a".repeat(200)), units(&"a".repeat(201))]);
    let stores: Vec<S> = ids.iter().map(|id| make(id)).collect();

    for (number, store) in stores.iter().enumerate() {
        assert_eq!(store.load(), None, "{:?}", ids[number]);
        store.save(format!("{{{number}}}").as_bytes());
    }

    for (number, id) in ids.iter().enumerate() {
        assert_eq!(make(id).load().unwrap(), format!("{{{number}}}").as_bytes());
    }
}

fn concurrent_saves_leave_one_whole_snapshot<S: Store>(make: &impl Fn(&[u16]) -> S) {
    let id = units("crowded");
    let stores = [make(&id), make(&id)];
    let snapshots = [b"{".to_vec(), vec![b'x'; 100_000], b"}".to_vec()].concat();

    std::thread::scope(|scope| {
        for store in stores.iter().chain(&stores) {
            scope.spawn(|| (0..5).for_each(|_| store.save(&snapshots)));
        }
    });

    assert_eq!(make(&id).load().unwrap(), snapshots);
}
