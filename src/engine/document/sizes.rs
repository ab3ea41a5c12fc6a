//! The running size of a document is what a recount gives, and what the quota had reckoned before.

use proptest::{collection::vec, prelude::*};

use super::{
    edits::{Step, patches, step},
    *,
};

fn recount(document: &Document) -> usize {
    let size = |component: &Component| component.fields().size() + key_size(component.key());
    document.components().iter().map(size).sum()
}

proptest! {
    #[test]
    fn lm10_the_size_is_exact_and_was_reckoned_before(steps in vec(step(), 0..30)) {
        let mut document = Document::new((1, 2));
        document.keep_provisional();

        for step in &steps {
            match step {
                Step::Change(edits) => {
                    let patches = patches(edits);
                    let quota = |document_bytes| Quota { document_bytes, ..Quota::NONE };
                    let before = document.bytes();
                    let mut limit = 0;
                    // What is refused names what it would have come to.
                    if let Err(refusal) = document.check_quota(&patches, &quota(0)) {
                        let mut words = refusal.message.split(' ');
                        limit = words.find_map(|word| word.parse().ok()).unwrap();
                        prop_assert!(document.check_quota(&patches, &quota(limit)).is_ok());
                        prop_assert!(document.check_quota(&patches, &quota(limit - 1)).is_err());
                    }

                    document.apply(&patches);

                    prop_assert!(document.bytes() == limit || document.bytes() <= before);
                }
                Step::Settle => document.settle(document.clock(), false),
                Step::TakeBack => document.take_back(),
            }
            prop_assert_eq!(document.bytes(), recount(&document));
        }
    }
}
