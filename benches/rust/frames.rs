//! The frames of the benchmarks: the same in every run, in the form in which clients of a canvas send them.

/// The component that strokes are drawn into.
const STROKE: &str = "0f3c7d52-9e41-4b8a-8c11-5d2e7a90b6f4/Stroke";

/// Numbers of its array.
const STROKE_NUMBERS: usize = 10_000;

/// Numbers that a frame adds to a stroke.
const DELTA_NUMBERS: usize = 8;

/// Components that a medium frame writes.
const MEDIUM_COMPONENTS: usize = 20;

/// What a frame of a live client does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Moves and turns one shape: one component, six fields, in another order than when it was created.
    Small,
    /// Writes all 8 fields of 20 shapes.
    Medium,
    /// Moves a cursor: presence, no document.
    Cursor,
    /// Writes 8 numbers into an array of 10,000.
    Stroke,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Cursor, Self::Stroke];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Cursor => "cursor",
            Self::Stroke => "stroke",
        }
    }

    /// The `turn`th frame of this kind, for a document that has at least 20 shapes.
    pub(crate) fn frame(self, turn: usize) -> Vec<u8> {
        let patches = match self {
            Self::Small => {
                let moved = format!(
                    r##"{},"rotation":{},"width":240,"height":160,"color":"#ef4444""##,
                    position(turn),
                    number(turn * 5)
                );
                format!(r#""documentPatches":[{{"{}":{{{moved}}}}}]"#, shape_key(turn % 20))
            }
            Self::Medium => {
                let shapes = (0..MEDIUM_COMPONENTS).map(|index| shape(index, turn, ""));
                format!(r#""documentPatches":[{{{}}}]"#, shapes.collect::<Vec<_>>().join(","))
            }
            Self::Cursor => {
                format!(r#""ephemeralPatches":[{{"alice/Cursor":{{{}}}}}]"#, position(turn))
            }
            Self::Stroke => {
                let offset = turn * DELTA_NUMBERS % STROKE_NUMBERS;
                let delta = format!(
                    r#"{{"__buf":1,"len":{STROKE_NUMBERS},"runs":[[{offset},[{}]]]}}"#,
                    numbers(turn, DELTA_NUMBERS)
                );
                format!(r#""documentPatches":[{{"{STROKE}":{{"points":{delta}}}}}]"#)
            }
        };
        format!(r#"{{"type":"patch","messageId":"alice-{turn}",{patches}}}"#).into_bytes()
    }
}

/// The first frame of a client who draws and shows a cursor.
pub(crate) fn first_frame() -> Vec<u8> {
    let stroke =
        format!(r#""{STROKE}":{{"_exists":true,"points":[{}]}}"#, numbers(0, STROKE_NUMBERS));
    let cursor = format!(r#""alice/Cursor":{{"_exists":true,{}}}"#, position(0));
    format!(
        r#"{{"type":"patch","messageId":"alice","documentPatches":[{{{stroke}}}],"ephemeralPatches":[{{{cursor}}}]}}"#
    )
    .into_bytes()
}

/// An edit that creates these shapes.
pub(crate) fn shapes(indexes: impl Iterator<Item = usize>) -> Vec<u8> {
    let created = indexes.map(|index| shape(index, 0, r#""_exists":true,"#));
    format!("[{{{}}}]", created.collect::<Vec<_>>().join(",")).into_bytes()
}

/// Asks for everything since this clock.
pub(crate) fn reconnect(since: u64) -> Vec<u8> {
    format!(r#"{{"type":"reconnect","lastTimestamp":{since},"protocolVersion":2}}"#).into_bytes()
}

fn shape(index: usize, turn: usize, existence: &str) -> String {
    format!(
        r##""{}":{{{existence}{},"width":{}.5,"height":120,"rotation":0,"color":"#1f77b4","label":"shape {index}","layer":{}}}"##,
        shape_key(index),
        position(index + turn),
        80 + turn % 40,
        index % 10,
    )
}

fn shape_key(index: usize) -> String {
    format!("{index:08x}-6d1f-4c02-9a57-b3e84f21d09c/Shape")
}

fn position(turn: usize) -> String {
    format!(r#""x":{},"y":{}"#, number(turn), number(turn * 7 + 3))
}

fn numbers(turn: usize, count: usize) -> String {
    (0..count).map(|at| number(turn + at)).collect::<Vec<_>>().join(",")
}

/// A coordinate as a pointer gives it, in eighths; never one that needs another spelling.
fn number(turn: usize) -> String {
    format!("{}.{}", 100 + turn * 13 % 1_800, ["125", "375", "625", "875"][turn % 4])
}
