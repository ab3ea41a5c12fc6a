//! Lists whose memory is used again.

/// The list without what is in it, for items that borrow from something else. The standard library collects in place.
pub fn emptied<One, Other>(list: Vec<One>) -> Vec<Other> {
    list.into_iter().map_while(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_room_when_it_is_emptied() {
        let mut texts: Vec<&[u8]> = Vec::with_capacity(7);
        texts.push(b"[]");

        let emptied: Vec<&[u8]> = emptied(texts);

        assert_eq!((emptied.len(), emptied.capacity()), (0, 7));
    }
}
