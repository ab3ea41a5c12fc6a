//! Documents that come from outside: what is loaded must be what a room could have accepted.

use super::super::limits::Limits;
use crate::engine::{Content, Document, Refusal, RefusalCode, check_document};

/// The objects around a field's value in a snapshot, and in a list of patches.
const NESTING_OF_FIELDS: usize = 3;

/// Checks a document against the limits that frames have, but for those of frames themselves.
pub fn check_loaded(document: &Document, limits: &Limits) -> Result<(), Refusal> {
    for component in document.components() {
        check_name(component.key(), limits)?;
        for (name, _, content) in component.fields().iter() {
            check_name(name, limits)?;
            if let Content::Json(json) = content {
                check_nesting(json, limits)?;
            }
        }
    }
    check_document(document, &limits.quota)
}

/// Checks a key or a field name.
pub(super) fn check_name(name: &[u8], limits: &Limits) -> Result<(), Refusal> {
    if name.len() > limits.name_bytes {
        let (length, limit) = (name.len(), limits.name_bytes);
        let message = format!("a name of {length} bytes is over the limit of {limit}");
        return Err(Refusal::new(RefusalCode::NameTooLong, message));
    }
    Ok(())
}

fn check_nesting(json: &[u8], limits: &Limits) -> Result<(), Refusal> {
    if !matches!(json.first(), Some(b'{' | b'[')) {
        return Ok(());
    }
    let nesting = nesting(json).saturating_add(NESTING_OF_FIELDS);
    if nesting > limits.depth {
        let message = format!("nested {nesting} deep, over the limit of {}", limits.depth);
        return Err(Refusal::new(RefusalCode::TooDeep, message));
    }
    Ok(())
}

/// How deep valid text is nested. Nothing recurses.
fn nesting(json: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in json {
        if in_string {
            in_string = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_nest() {
        for (text, expected) in
            [("1", 0), ("[]", 1), (r#"[{"a":[1]},[]]"#, 3), (r#"["[[\"[[",{"]":"\\"},[]]"#, 2)]
        {
            assert_eq!(nesting(text.as_bytes()), expected, "{text}");
        }
    }
}
