//! The document against a model of its rules, for any frames.

#![expect(
    unreachable_pub,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what the tests take for granted may fail them"
)]

mod model;

use std::collections::BTreeMap;

use model::{
    Model,
    frames::{Frame, Update, Value, any_frame, client_frame},
    room::{TestRoom, merge, value},
};
use proptest::{collection::vec, prelude::*};
use serde_json::Value as Json;

/// The components of a snapshot or a diff: none for a tombstone.
fn components(json: &Json) -> BTreeMap<String, Option<BTreeMap<String, Value>>> {
    let component = |fields: &Json| {
        let alive = fields["_exists"] != false;
        let fields = fields.as_object().unwrap().iter();
        alive.then(|| fields.map(|(name, json)| (name.clone(), value(json))).collect())
    };
    json.as_object().unwrap().iter().map(|(key, fields)| (key.clone(), component(fields))).collect()
}

fn created(points: Vec<i32>) -> Frame {
    let fields = BTreeMap::from([("points", Value::Numbers(points))]);
    vec![BTreeMap::from([("a/Shape", Update { existence: Some(true), fields })])]
}

fn changed(value: Value) -> Frame {
    let fields = BTreeMap::from([("points", value)]);
    vec![BTreeMap::from([("a/Shape", Update { existence: None, fields })])]
}

proptest! {
    /// Every rule of the merge at once: what is stored, which clock it has, which frames are refused.
    #[test]
    fn mg1_mg2_mg3_mg6_mg9_mg10_pa2_pa9_tb1_tb2_the_document_is_what_the_rules_say(
        frames in vec(any_frame(), 0..20)
    ) {
        let (mut room, mut model) = (TestRoom::new(), Model::default());

        for frame in &frames {
            let acked = room.send(frame);
            let accepted = model.apply(frame);
            prop_assert_eq!(acked, accepted.then_some(model.clock));
        }

        let snapshot = room.snapshot();
        prop_assert_eq!(components(&snapshot["state"]), model.everything());
        for (key, (fields, changed)) in &model.components {
            let clocks = &snapshot["timestamps"][key];
            if fields.is_none() {
                prop_assert_eq!(clocks["_exists"].as_u64(), Some(*changed));
            }
            for (name, (_, clock)) in fields.iter().flatten() {
                prop_assert_eq!(clocks[name].as_u64(), Some(*clock));
            }
        }
    }

    /// Any clock, not only those at which a client was cut off.
    #[test]
    fn rc1_rc5_rc9_a_diff_is_what_is_newer(frames in vec(any_frame(), 0..20)) {
        let (mut room, mut model) = (TestRoom::new(), Model::default());
        for frame in &frames {
            room.send(frame);
            model.apply(frame);
        }

        for since in 0..=model.clock + 1 {
            let diff = room.diff(since).map(|diff| components(&diff)).unwrap_or_default();
            prop_assert_eq!(diff, model.newer(since));
        }
    }

    #[test]
    fn rc1_tb3_an_old_replica_and_the_diff_are_the_document(frames in vec(client_frame(), 0..20)) {
        let (mut room, mut model) = (TestRoom::new(), Model::default());
        let mut replicas = vec![(0, model.view())];
        for frame in &frames {
            room.send(frame);
            model.apply(frame);
            replicas.push((model.clock, model.view()));
        }

        let mut restarted = room.restarted();
        for (since, mut replica) in replicas {
            let diff = room.diff(since);
            prop_assert_eq!(&diff, &restarted.diff(since));
            if let Some(diff) = &diff {
                merge(&mut replica, diff);
            }
            prop_assert_eq!(replica, model.view());
        }
    }

    #[test]
    fn mg4_mg5_cv1_those_who_watch_see_the_document(frames in vec(client_frame(), 0..20)) {
        let (mut room, mut model) = (TestRoom::new(), Model::default());

        for frame in &frames {
            room.send(frame);
            model.apply(frame);

            prop_assert_eq!(&room.current, &model.view());
            prop_assert_eq!(&room.version_1, &model.view());
        }
    }

    /// A delta writes by index, so one that is sent again after a broken connection changes nothing.
    #[test]
    fn mg7_a_delta_that_comes_twice_counts_once(
        base in vec(-9..9, 0..8),
        length in 0_usize..10,
        runs in vec((0_usize..10, vec(-9..9, 0..4)), 0..4),
    ) {
        let mut room = TestRoom::new();
        room.send(&created(base));

        room.send(&changed(Value::Delta(length, runs.clone())));
        let once = room.snapshot()["state"].clone();
        room.send(&changed(Value::Delta(length, runs)));

        prop_assert_eq!(&room.snapshot()["state"], &once);
    }
}
