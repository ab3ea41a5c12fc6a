//! JSON text: is it valid, is it canonical, and if not, what is it canonically.
//!
//! *Canonical* is what `JSON.stringify` writes, the order of names apart (CV7): no white space, no name twice in an
//! object, escapes and numbers in their one form. Clients send nothing else, so a frame is scanned once and then sliced;
//! whatever differs is rewritten as a whole first, and every reader after that may rely on the one form.

mod ascii;
mod canonical;
pub mod checked;
mod decimal;
mod names;
mod number;
mod prune;
mod reader;
mod scan;
mod string;
mod utf16;

pub use ascii::is_ascii;
pub use canonical::canonicalize;
pub use names::Names;
pub use prune::prune;
pub use reader::Reader;
pub use scan::{Flaw, Form, scan};
pub use utf16::from_utf16;
