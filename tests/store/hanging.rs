//! What a room does meanwhile.

use crate::disk::{GatedDisk, Mode};
use heddle::{
    engine::{Access, Input},
    server::{
        CANVAS, Delivery, DurableRoom, Level, News, Notify, Outbox, Recovered, Room, RoomError,
        StoreOptions,
    },
    storage::{FileStore, StorageError},
};
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

const ANN: u64 = 1;
const BOB: u64 = 2;

/// A room with two members, and what it has told them.
struct Setting {
    dir: tempfile::TempDir,
    disk: GatedDisk,
    room: DurableRoom,
    woken: mpsc::Receiver<()>,
    /// Each text with its session, or with the one that it was not for.
    told: Vec<String>,
    errors: Vec<StorageError>,
    settled: Vec<(u32, bool)>,
}

impl Setting {
    fn new(level: Level) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = GatedDisk::new();
        let (wake, woken) = mpsc::channel();
        let wake = std::sync::Mutex::new(wake);
        let tell = move |_| wake.lock().unwrap().send(()).unwrap_or_default();
        let notify = Notify::new(Arc::new(tell), 0);
        let options = StoreOptions { level, compaction_gap: Duration::ZERO, retention: None };
        let recovered = Recovered::open(&files(&disk, dir.path()), options, notify).unwrap();
        let mut room = DurableRoom::new(Room::new(false).unwrap());
        room.adopt(recovered).unwrap();
        let (told, errors, settled) = (Vec::new(), Vec::new(), Vec::new());
        let mut setting = Self { dir, disk, room, woken, told, errors, settled };
        setting.join(ANN, b"ann");
        setting.join(BOB, b"bob");
        setting.told.clear();
        setting
    }

    fn join(&mut self, session: u64, client: &[u8]) {
        let access = Access::ReadWrite;
        let input = Input::Joined { session, client, access, held: false };
        let deliveries = self.room.room.wake().unwrap().handle(input).unwrap();
        self.hear(deliveries.into_iter().map(News::Deliver));
    }

    /// A frame comes in, and its turn ends.
    fn says(&mut self, session: u64, frame: &str) {
        let deliveries = self.room.room.wake().unwrap().receive(session, frame.as_bytes()).unwrap();
        self.hear(deliveries.into_iter().map(News::Deliver));
        let mut news = Outbox::default();
        self.room.commit(&mut news).unwrap();
        self.hear(news);
    }

    fn draws(&mut self, session: u64, key: &str) {
        self.says(session, &format!(
            r#"{{"type":"patch","messageId":"{key}","documentPatches":[{{"{key}":{{"_exists":true}}}}]}}"#
        ));
    }

    fn hear(&mut self, news: impl IntoIterator<Item = News>) {
        for news in news {
            match news {
                News::Deliver(Delivery::Send(_, text) | Delivery::Broadcast(_, _, text)) => {
                    self.told.push(String::from_utf8(text).unwrap());
                }
                News::StoreFailed(error) => self.errors.push(error),
                News::Settled(ticket, outcome) => self.settled.push((ticket, outcome.is_ok())),
                News::Deliver(_) | News::Commit | News::StoreHealed | News::StoreTrouble(_) => {}
            }
        }
    }

    fn has_told(&self, part: &str) -> bool {
        self.told.iter().any(|text| text.contains(part))
    }

    /// Hears what the store has to tell until it is so.
    fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !holds(self) {
            assert!(Instant::now() < deadline, "{:?} {:?}", self.told, self.errors);
            self.woken.recv_timeout(Duration::from_millis(100)).unwrap_or_default();
            let mut news = Outbox::default();
            self.room.poll(&mut news).unwrap();
            self.hear(news);
        }
    }

    /// What the next process finds.
    fn stored(&self) -> String {
        String::from_utf8(files(&GatedDisk::new(), self.dir.path()).load().unwrap().unwrap())
            .unwrap()
    }
}

fn files(disk: &GatedDisk, dir: &std::path::Path) -> FileStore {
    let id: Vec<u16> = "room".encode_utf16().collect();
    FileStore::new_on(Arc::new(disk.clone()), dir, &id, CANVAS)
}

const ACK: &str = r#""type":"ack""#;

#[test]
fn du29_a_disk_that_hangs_holds_up_only_what_waits_for_it() {
    let mut setting = Setting::new(Level::Disk);
    setting.draws(ANN, "before");
    setting.until(|setting| setting.has_told(ACK));
    setting.told.clear();
    setting.disk.set(Mode::Hangs);

    setting.draws(ANN, "hung");
    assert!(setting.room.store().unwrap().is_busy());
    assert!(setting.told.is_empty(), "{:?}", setting.told);
    let mut news = Outbox::default();
    setting.room.give_up(Duration::from_secs(2), &mut news).unwrap();
    setting.hear(news);

    assert!(matches!(setting.errors.as_slice(), [StorageError::Io { .. }]), "{:?}", setting.errors);
    setting.says(
        BOB,
        r#"{"type":"patch","messageId":"p","ephemeralPatches":[{"bob/Cursor":{"_exists":true}}]}"#,
    );
    setting.says(BOB, r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}"#);
    assert!(setting.has_told("bob/Cursor") && setting.has_told("synced"));
    assert!(!setting.has_told("hung"), "{:?}", setting.told);

    setting.disk.set(Mode::Works);
    setting.until(|setting| setting.has_told(r#""messageId":"hung","timestamp":2"#));
    assert!(setting.stored().contains("hung"));
    assert_eq!(setting.errors.len(), 1);
}

#[test]
fn du29_while_syncs_hang_the_serving_thread_writes_nothing_itself() {
    let mut setting = Setting::new(Level::Process);
    setting.disk.set(Mode::SyncsHang);
    setting.draws(ANN, "first");
    assert!(setting.has_told(ACK), "the append works");
    setting.told.clear();
    // The sync in the background begins after half a second, and is suspicious after another one.
    std::thread::sleep(Duration::from_millis(1700));
    setting.disk.set(Mode::Hangs);

    let start = Instant::now();
    setting.draws(ANN, "second");

    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(setting.told.is_empty() && setting.room.store().unwrap().is_busy());
    setting.disk.set(Mode::Works);
    setting.until(|setting| setting.has_told(ACK));
    assert!(setting.errors.is_empty());
}

#[test]
fn du27_a_full_disk_stalls_the_room_until_there_is_space() {
    for level in [Level::Process, Level::Disk] {
        let mut setting = Setting::new(level);
        setting.draws(ANN, "before");
        setting.until(|setting| setting.has_told(ACK));
        setting.told.clear();

        setting.disk.set(Mode::Full);
        setting.draws(ANN, "waits");
        setting.until(|setting| !setting.errors.is_empty());
        setting.draws(BOB, "too");
        std::thread::sleep(Duration::from_millis(400));
        setting.disk.set(Mode::Works);
        setting.until(|setting| setting.has_told(r#""messageId":"too","timestamp":3"#));

        assert_eq!(setting.errors.len(), 1, "once per episode");
        let stored = setting.stored();
        assert!(["before", "waits", "too"].iter().all(|key| stored.contains(key)), "{stored}");
    }
}

#[test]
fn du11_a_room_that_cannot_be_closed_gives_up_and_lets_go() {
    let mut setting = Setting::new(Level::Process);
    setting.draws(ANN, "before");
    setting.disk.set(Mode::Full);

    setting.room.store().unwrap().close(7, true);
    setting.until(|setting| setting.settled == [(7, false)]);

    assert!(setting.stored().contains("before"), "the journal has it");
    setting.disk.set(Mode::Works);
    assert!(files(&setting.disk, setting.dir.path()).open().is_ok(), "it is locked no more");
}

impl Setting {
    /// Everybody leaves, and the room rests.
    fn rest(&mut self) {
        for session in [ANN, BOB] {
            let mut news = Outbox::default();
            self.room.handle(Input::Left { session }, &mut news).unwrap();
            self.hear(news);
        }
        self.idle();
    }

    /// A look at the store, behind which a room without sessions rests again.
    fn idle(&mut self) {
        let mut news = Outbox::default();
        self.room.poll(&mut news).unwrap();
        self.hear(news);
    }

    /// The server edits the room, and the turn ends.
    fn edit(&mut self, key: &str) -> Result<(), RoomError> {
        let mut news = Outbox::default();
        self.room.edit(format!(r#"[{{"{key}":{{"_exists":true}}}}]"#).as_bytes(), &mut news)?;
        self.room.commit(&mut news)?;
        self.hear(news);
        Ok(())
    }
}

/// Nothing waits for an edit that nobody is told of, and yet the room must not forget that it is on its way.
#[test]
fn du12_an_edit_of_a_room_that_rests_counts_as_stored_once_it_is() {
    let mut setting = Setting::new(Level::Disk);
    setting.rest();
    setting.disk.set(Mode::Hangs);

    setting.edit("first").unwrap();
    setting.idle();
    setting.edit("second").unwrap();
    assert!(setting.room.room.has_unstored());
    setting.disk.set(Mode::Works);
    setting.until(|setting| !setting.room.room.has_unstored());

    setting.idle();
    assert_eq!(setting.room.room.stored_clock(), 2);
    assert!(setting.stored().contains("second"));
}

#[test]
fn du14_a_room_that_rests_stalls_when_its_store_fails_and_goes_on_afterwards() {
    let mut setting = Setting::new(Level::Disk);
    setting.edit("before").unwrap();
    setting.until(|setting| !setting.room.room.has_unstored());
    setting.rest();
    setting.disk.set(Mode::Full);

    setting.edit("lost").unwrap();
    setting.until(|setting| !setting.errors.is_empty());
    assert_eq!(setting.room.room.clock(), 1, "it was taken back");
    assert!(setting.room.room.forget_edit());
    setting.idle();
    assert!(matches!(setting.edit("refused"), Err(RoomError::Stalled)));
    setting.disk.set(Mode::Works);
    setting.until(|setting| setting.room.room.awake().is_some_and(|room| !room.is_stalled()));

    setting.edit("after").unwrap();
    setting.until(|setting| !setting.room.room.has_unstored());
    let stored = setting.stored();
    assert!(stored.contains("before") && stored.contains("after"), "{stored}");
    assert!(!stored.contains("lost"), "{stored}");
}
