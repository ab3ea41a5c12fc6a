//! Members by name, for whoever asks for them in about the order in which they stand.

/// The members of an object, to be asked for by name. Whoever asks in the order in which they stand finds each at once.
#[derive(Debug)]
pub(super) struct Lookup<'t, T> {
    /// Each with its name. No name must occur twice.
    pub(super) members: Vec<(&'t [u8], T)>,
    /// The one that is likely to be asked for next.
    next: usize,
    /// Whether somebody asked in another order.
    is_sorted: bool,
}

impl<T> Default for Lookup<'_, T> {
    fn default() -> Self {
        Self { members: Vec::new(), next: 0, is_sorted: false }
    }
}

impl<T: Copy> Lookup<'_, T> {
    pub(super) fn clear(&mut self) {
        self.members.clear();
        (self.next, self.is_sorted) = (0, false);
    }

    pub(super) fn get(&mut self, name: &[u8]) -> Option<T> {
        if let Some((_, value)) = self.members.get(self.next).filter(|(found, _)| *found == name) {
            self.next += 1;
            return Some(*value);
        }
        if !self.is_sorted {
            self.members.sort_unstable_by_key(|(name, _)| *name);
            self.is_sorted = true;
        }
        let at = self.members.binary_search_by_key(&name, |(name, _)| name).ok()?;
        self.members.get(at).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_any_order() {
        let mut lookup = Lookup::default();
        for names in [&[b"c", b"a", b"b"][..], &[b"b", b"c", b"a", b"b"], &[b"a", b"x", b"b"]] {
            lookup.clear();
            lookup.members.extend([(&b"c"[..], 1), (b"a", 2), (b"b", 3)]);

            for name in names {
                let expected = match *name {
                    b"c" => Some(1),
                    b"a" => Some(2),
                    b"b" => Some(3),
                    _ => None,
                };
                assert_eq!(lookup.get(*name), expected);
            }
        }
    }
}
