//! A format as simple as can be: the clock and a list of what each change said.

use heddle::storage::{Change, Damage, Format};

/// `{"clock":3,"list":["one","two"]}`, and no white space.
pub(crate) const LIST: Format = Format { check, replay };

/// When a change with the clock 0 would have been made, in milliseconds since 1970.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// The change with this clock. What it says depends on the clock, the attempt and the size.
pub(crate) fn change(clock: u64, attempt: u64, size: usize) -> Change {
    let said = format!("{clock}-{attempt}-{}", "x".repeat(size));
    Change {
        clock,
        time_ms: START_MS + clock,
        client: format!("client-{}", clock % 3).into_bytes().into(),
        patches: said.into_bytes().into(),
    }
}

/// The text of a snapshot.
pub(crate) fn text(clock: u64, list: &[String]) -> Vec<u8> {
    let quoted: Vec<String> = list.iter().map(|said| format!("\"{said}\"")).collect();
    format!("{{\"clock\":{clock},\"list\":[{}]}}", quoted.join(",")).into_bytes()
}

/// What a change says.
pub(crate) fn said(change: &Change) -> String {
    String::from_utf8_lossy(&change.patches).into_owned()
}

fn check(bytes: &[u8]) -> Result<u64, Damage> {
    parse(bytes).map(|(clock, _)| clock)
}

fn replay(snapshot: Option<&[u8]>, changes: &[Change]) -> Result<Vec<u8>, Damage> {
    let (mut clock, mut list) = match snapshot {
        Some(bytes) => parse(bytes)?,
        None => (0, Vec::new()),
    };
    for change in changes {
        clock = change.clock;
        list.push(said(change));
    }
    Ok(text(clock, &list))
}

/// The clock and the list of a snapshot's text.
pub(crate) fn parse(bytes: &[u8]) -> Result<(u64, Vec<String>), Damage> {
    let bad = || Damage { offset: None, reason: "no list".to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| bad())?.trim_end();
    let rest = text.strip_prefix("{\"clock\":").ok_or_else(bad)?;
    let (clock, rest) = rest.split_once(",\"list\":[").ok_or_else(bad)?;
    let (rest, unknown_members) = rest.split_once(']').ok_or_else(bad)?;
    if !unknown_members.ends_with('}') {
        return Err(bad());
    }
    let clock: u64 = clock.parse().map_err(|_| bad())?;
    if rest.is_empty() {
        return Ok((clock, Vec::new()));
    }
    let quoted = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(bad)?;
    Ok((clock, quoted.split("\",\"").map(str::to_owned).collect()))
}
