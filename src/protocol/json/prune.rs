//! Cutting text that is nested too deep down to what may be read.

/// Copies `text` with every value nested deeper than `depth` replaced by `null`, so that the rest can be looked at. What
/// is cut is not checked, and nothing recurses.
pub fn prune(text: &[u8], depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut open = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text {
        let keep = open <= depth;
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else {
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => {
                    open += 1;
                    if open == depth + 1 {
                        out.extend_from_slice(b"null");
                    }
                }
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        // The brackets around what is cut are cut too: the opening one is past the depth now, the closing one was.
        if keep && open <= depth {
            out.push(*byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_deep_becomes_null() {
        for (text, expected) in [
            (r#"{"a":[[1]],"b":2}"#, r#"{"a":[null],"b":2}"#),
            (r#"{"a":[{"x":"]}\"\\"},3],"b":[]}"#, r#"{"a":[null,3],"b":[]}"#),
            (r#"[["[\"["],"[[["]"#, r#"[["[\"["],"[[["]"#),
            ("[[[]]]", "[[null]]"),
            ("[[", "[["),
            ("]]1", "]]1"),
        ] {
            assert_eq!(String::from_utf8(prune(text.as_bytes(), 2)).unwrap(), expected);
        }
        assert_eq!(prune("[".repeat(1_000_000).as_bytes(), 2), b"[[null");
    }
}
