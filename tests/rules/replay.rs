//! Changes taken back and changes replayed, for any changes (DU14, DU17, DU19).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use heddle::{
    engine::{Access, Input},
    server::{Change, Delivery, ReplayError, Room, replay},
};
use proptest::{collection::vec, prelude::*, sample::select};

/// The JSON text of a list of patches: creations, deletions and updates of a few components, of values so long that they
/// are kept apart, and of deltas, most of which find an array.
fn any_edit() -> impl Strategy<Value = String> {
    let run = |longest| (0..40_usize, vec(-9..9, 0..longest));
    let delta = (0..700_usize, vec(run(6), 0..3)).prop_map(|(length, runs)| {
        let runs: Vec<String> =
            runs.iter().map(|(offset, run)| format!("[{offset},{run:?}]")).collect();
        format!(r#"{{"__buf":1,"len":{length},"runs":[{}]}}"#, runs.join(","))
    });
    let array = prop_oneof![vec(-9..9, 0..5), vec(-9..9, 500..600)];
    let array = array.prop_map(|numbers| format!("{numbers:?}").replace(' ', ""));
    let text = prop_oneof![0..3_usize, 1_020..1_030_usize]
        .prop_map(|it| format!("\"{}\"", "t".repeat(it)));
    let field = prop_oneof![
        (select(vec!["x", "y"]), text.boxed()),
        (select(vec!["p", "q"]), prop_oneof![array, delta].boxed()),
    ];
    let fields = vec(field, 0..4).prop_map(|fields| {
        let fields: BTreeMap<_, _> = fields.into_iter().collect();
        let fields = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}"));
        fields.collect::<Vec<_>>().concat()
    });
    let life =
        select(vec!["", "", "", ",\"_exists\":true", ",\"_exists\":true", ",\"_exists\":false"]);
    let component =
        (select(vec!["a", "b", "c", "d", "e"]), life, fields).prop_map(|(key, life, fields)| {
            let inside = format!("{life}{fields}");
            format!("{{\"{key}\":{{{}}}}}", inside.strip_prefix(',').unwrap_or_default())
        });
    vec(component, 1..4).prop_map(|patches| format!("[{}]", patches.join(",")))
}

/// All that can be seen of a room: its snapshot, its census, and what a client lacks at any clock, in order.
fn view(room: &mut Room, session: &mut u64) -> (String, (usize, usize), Vec<Vec<u8>>) {
    let snapshot = text(&room.snapshot().unwrap().text);
    let mut sent = Vec::new();
    for since in 0..=room.clock() {
        *session += 1;
        let joined =
            Input::Joined { session: *session, client: b"c", access: Access::ReadOnly, held: true };
        drop(room.handle(joined).unwrap());
        let frame =
            format!(r#"{{"type":"reconnect","lastTimestamp":{since},"protocolVersion":2}}"#);
        for delivery in room.receive(*session, frame.as_bytes()).unwrap() {
            if let Delivery::Send(_, text) = delivery {
                sent.push(text);
            }
        }
        drop(room.handle(Input::Left { session: *session }).unwrap());
    }
    (snapshot, room.census(), sent)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn room(journaled: bool) -> Room {
    let mut room = Room::new(false).unwrap();
    if journaled {
        room.set_journaled();
    }
    room
}

/// Makes an edit; false when it is refused.
fn edit(room: &mut Room, edit: &str) -> bool {
    room.edit(edit.as_bytes()).is_ok()
}

fn clocked(changes: &[Change]) -> impl Iterator<Item = (u64, &[u8])> {
    changes.iter().map(|change| (change.clock, &*change.patches))
}

proptest! {
    #[test]
    fn du14_du17_taking_back_leaves_no_trace_and_handling_again_loses_nothing(
        edits in vec(any_edit(), 0..12),
        (stored, twice) in (0..12_u64, any::<bool>()),
    ) {
        let (mut provisional, mut plain) = (room(true), room(false));
        let (mut before, mut session) = (None, 0);
        for text in &edits {
            if plain.clock() == stored && before.is_none() {
                before = Some(view(&mut plain, &mut session));
            }
            prop_assert_eq!(edit(&mut provisional, text), edit(&mut plain, text));
        }
        let after = view(&mut plain, &mut session);
        let before = before.unwrap_or_else(|| after.clone());
        drop(provisional.take_batch());
        drop(provisional.stored(stored).unwrap());

        for _ in 0..=usize::from(twice) {
            drop(provisional.store_failed().unwrap());
            prop_assert_eq!(&view(&mut provisional, &mut session), &before);
            drop(provisional.store_recovered().unwrap());
        }
        drop(provisional.take_batch());
        drop(provisional.stored(u64::MAX).unwrap());

        prop_assert_eq!(view(&mut provisional, &mut session), after);
    }

    #[test]
    fn du19_replayed_changes_give_the_room_that_made_them(
        edits in vec(any_edit(), 0..12),
        snapshot_at in 0..12_usize,
    ) {
        let mut room = room(true);
        let mut snapshot = None;
        for (position, text) in edits.iter().enumerate() {
            if position == snapshot_at {
                drop(room.take_batch());
                snapshot = Some(room.snapshot().unwrap().text.to_vec());
            }
            edit(&mut room, text);
        }
        let changes = room.take_batch().unwrap_or_default();

        let replayed = replay(snapshot.as_deref(), clocked(&changes)).unwrap();
        let mut recovered = Room::new(false).unwrap();
        if let Some(snapshot) = &snapshot {
            recovered.restore(snapshot).unwrap();
        }
        recovered.set_journaled();
        recovered.replay(clocked(&changes)).unwrap();

        prop_assert_eq!(text(&replayed), text(&room.snapshot().unwrap().text));
        prop_assert_eq!(view(&mut recovered, &mut 0).0, text(&replayed));
        prop_assert!(!recovered.has_unstored());
    }
}

#[test]
fn du19_late_updates_and_deltas_replay_as_they_were_applied() {
    let mut room = room(true);
    for text in [
        r#"[{"a":{"_exists":true,"p":[1,2,3]},"b":{"_exists":true}}]"#,
        r#"[{"b":{"_exists":false}}]"#,
        r#"[{"b":{"x":1}},{"a":{"p":{"__buf":1,"len":2,"runs":[[1,[9]]]}}}]"#,
        r#"[{"unseen":{"x":1}}]"#,
    ] {
        assert!(edit(&mut room, text));
    }

    let changes = room.take_batch().unwrap();

    assert_eq!(
        text(&replay(None, clocked(&changes)).unwrap()),
        concat!(
            r#"{"timestamp":4,"state":{"a":{"_exists":true,"p":[1,9]},"b":{"_exists":false}},"#,
            r#""timestamps":{"a":{"_exists":1,"p":3},"b":{"_exists":2}}}"#
        )
    );
}

#[test]
fn du19_what_does_not_follow_or_does_not_fit_is_an_error() {
    let create: &[u8] = br#"[{"a":{"_exists":true}}]"#;
    let delta: &[u8] =
        br#"[{"a":{"_exists":true,"p":1}},{"a":{"p":{"__buf":1,"len":1,"runs":[]}}}]"#;

    for (changes, expected) in [
        (vec![(2, create)], "change 2 follows change 0"),
        (vec![(1, create), (1, create)], "change 1 follows change 1"),
        (vec![(1, create), (3, create)], "change 3 follows change 1"),
        (vec![(1, &b"[{"[..])], "change 1 is no valid change: no valid JSON at byte 2 (bad-json)"),
        (
            vec![(1, delta)],
            "change 1 is no valid change: field \"p\" of \"a\" is no array of numbers that a buffer delta could change (bad-delta)",
        ),
    ] {
        assert_eq!(replay(None, changes.clone()).unwrap_err().to_string(), expected);
        assert!(room(true).replay(changes).unwrap_err().to_string().ends_with(expected));
    }
    assert!(matches!(replay(Some(b"{}"), []), Err(ReplayError::BadSnapshot(_))));
}

#[test]
fn du19_no_limit_keeps_a_stored_change_from_being_replayed() {
    let name = "n".repeat(20 << 10);
    let large = format!(r#"[{{"{name}":{{"_exists":true,"x":"{}"}}}}]"#, "x".repeat(17 << 20));

    let replayed = replay(None, [(1, large.as_bytes())]);

    assert!(replayed.unwrap().len() > 17 << 20);
}

/// Some eighty bytes of a storage asked for 32 GB. Allocating them ended the process.
#[test]
fn a_change_that_asks_for_more_memory_than_a_document_has_is_none() {
    let huge = r#"[{"a":{"p":{"__buf":1,"len":4000000000,"runs":[]}}}]"#;
    let changes = [r#"[{"a":{"_exists":true}}]"#, huge].map(str::as_bytes);

    let outcome = replay(None, (1..).zip(changes));

    assert!(matches!(outcome, Err(ReplayError::BadChange { clock: 2, .. })), "{outcome:?}");
}
