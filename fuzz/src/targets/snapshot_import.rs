//! Any bytes as a snapshot.

use super::json::{SNAPSHOT_NESTING, assert_canonical, is_json, parse};
use heddle::{
    engine::{Access, Document, Input},
    protocol::canvas::{restoration, snapshot},
    server::{Delivery, Room, replay},
};

/// Imports any bytes: an error, or a room that gives the same snapshot for ever, and serves it.
pub fn snapshot_import(data: &[u8]) {
    let mut room = Room::new(true).unwrap();
    let Ok(document) = snapshot::decode(data, (1, 2)) else {
        assert!(snapshot::check(data).is_err());
        assert!(room.restore(data).is_err());
        assert!(replay(Some(data), []).is_err());
        assert_eq!(room.clock(), 0, "a refused snapshot changed the room");
        return;
    };
    assert!(is_json(data), "imported, but no JSON");
    let text = snapshot::encode(&document);
    assert_canonical(&text, SNAPSHOT_NESTING);
    let again = snapshot::decode(&text, (3, 4)).unwrap();
    assert_eq!(snapshot::encode(&again), text, "a snapshot changes when it is read back");
    assert_eq!((again.clock(), again.alive()), (document.clock(), document.alive()));
    assert_eq!(replay(Some(data), []).unwrap(), text);

    room.restore(data).unwrap();
    assert_eq!(*room.snapshot().unwrap().text, *text);
    let (alive, tombstones) = room.census();
    assert_eq!(alive + tombstones, document.components().len());
    assert_is_served(&mut room, alive);
    assert_goes_on(&mut room, &document);
}

/// A client that has nothing gets all that is alive.
fn assert_is_served(room: &mut Room, alive: usize) {
    let joined = Input::Joined { session: 1, client: b"c", access: Access::ReadWrite, held: true };
    room.handle(joined).unwrap();
    let frame = br#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}"#;
    let sent: Vec<_> = room
        .receive(1, frame)
        .unwrap()
        .into_iter()
        .filter_map(|delivery| {
            let Delivery::Send(1, text) = delivery else { return None };
            Some(parse(&text))
        })
        .collect();
    let Some(last) = sent.last().filter(|last| !last.is_null()) else { return };
    assert_eq!(last["type"], "synced");
    if sent.iter().all(|frame| !frame.is_null()) {
        let shown = sent[0]["documentPatches"][0].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(shown, alive);
    }
}

/// It can be edited, and brought back to what it was.
fn assert_goes_on(room: &mut Room, before: &Document) {
    let clock = room.clock();
    for component in before.components().iter().take(4) {
        let key = String::from_utf8(component.key().to_vec()).unwrap();
        for change in [r#"{"x":1}"#, r#"{"_exists":false}"#, r#"{"_exists":true,"x":[1]}"#] {
            if room.clock() < heddle::engine::MAX_CLOCK {
                room.edit(format!(r#"[{{"{key}":{change}}}]"#).as_bytes()).unwrap();
            }
        }
    }
    assert!(room.clock() >= clock);
    let text = room.snapshot().unwrap().text;
    let now = snapshot::decode(&text, (5, 6)).unwrap();
    let (patches, _) = restoration::encode(&now, before);
    room.edit_unlimited(&patches).unwrap();
    let restored = snapshot::decode(&room.snapshot().unwrap().text, (7, 8)).unwrap();
    assert_eq!(restored.alive(), before.alive());
}
