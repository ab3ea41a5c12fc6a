//! What the engine costs alone, without sockets and JS: `cargo bench --no-default-features`.
//!
//! One name runs a part of it: `cargo bench --no-default-features -- catch-up`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on has failed"
)]

mod frames;
mod stage;

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use frames::Kind;
use heddle::protocol::{
    canvas::{FrameParts, FrameText, decode_frame, snapshot},
    limits::Limits,
};
use stage::{HASH_KEYS, Stage};

/// Shapes in a room where their number is not what is measured.
const SHAPES: usize = 1_000;

/// Shapes in a large room.
const LARGE: usize = 100_000;

/// Shapes in rooms that grow.
const SIZES: [usize; 3] = [1_000, 10_000, LARGE];

/// Each kind of frame, by how many it reaches, without a journal and with one.
fn frames_by_receivers(criterion: &mut Criterion) {
    for is_journaled in [false, true] {
        for kind in Kind::ALL {
            let suffix = if is_journaled { " journaled" } else { "" };
            let mut group = criterion.benchmark_group(format!("{}{suffix}", kind.name()));
            for receivers in [1, 10, 100] {
                let mut stage = Stage::new(SHAPES, receivers, is_journaled);
                let id = BenchmarkId::new("receivers", receivers);
                group.bench_function(id, |bencher| {
                    let mut round = Stage::round(kind).into_iter().cycle();
                    bencher.iter_batched_ref(
                        || round.next().unwrap(),
                        |frame| stage.play(frame),
                        BatchSize::SmallInput,
                    );
                });
            }
            group.finish();
        }
    }
}

/// What of that is reading the frame.
fn decoding(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("decode");
    for kind in Kind::ALL {
        let frame = kind.frame(1);
        group.throughput(Throughput::Bytes(frame.len().try_into().unwrap()));
        group.bench_function(kind.name(), |bencher| {
            bencher.iter(|| {
                let text = FrameText::read(black_box(&frame), &limits);
                drop(black_box(decode_frame(&text, &limits, &mut FrameParts::default())));
            });
        });
    }
    group.finish();
}

/// A small patch, by what the room holds besides.
fn small_by_document(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("small");
    for shapes in SIZES {
        let mut stage = Stage::new(shapes, 10, false);
        group.bench_function(BenchmarkId::new("shapes", shapes), |bencher| {
            let mut round = Stage::round(Kind::Small).into_iter().cycle();
            bencher.iter_batched_ref(
                || round.next().unwrap(),
                |frame| stage.play(frame),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Somebody who lacks five changes, by what the room holds.
fn catching_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("catch-up");
    for shapes in SIZES {
        let mut stage = Stage::new(shapes, 10, false);
        for frame in &Stage::round(Kind::Small)[..5] {
            stage.play(frame);
        }
        let request = stage.request(5);
        group.bench_function(BenchmarkId::new("shapes", shapes), |bencher| {
            bencher.iter(|| stage.catch_up(black_box(&request)));
        });
    }
    group.finish();
}

/// All of a large room: for somebody who comes, for a store, and from one.
fn whole_document(criterion: &mut Criterion) {
    let mut stage = Stage::new(LARGE, 10, false);
    let text = stage.snapshot();
    let text = text.as_ref();
    let mut group = criterion.benchmark_group("100k shapes");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.throughput(Throughput::Bytes(text.len().try_into().unwrap()));
    let everything = frames::reconnect(0);
    group.bench_function("cold join", |bencher| bencher.iter(|| stage.visit(&everything)));
    group.bench_function("snapshot encode", |bencher| bencher.iter(|| stage.snapshot()));
    group.bench_function("snapshot decode", |bencher| {
        bencher.iter_with_large_drop(|| snapshot::decode(black_box(text), HASH_KEYS).unwrap());
    });
    group.finish();
}

criterion_group!(
    engine,
    frames_by_receivers,
    decoding,
    small_by_document,
    catching_up,
    whole_document
);
criterion_main!(engine);
