//! What the fuzz targets do with their bytes. `tests/fuzz_corpus.rs` of the crate around this one runs the same code over
//! the committed corpora.

#[allow(dead_code)]
#[path = "../../tests/crash/disk.rs"]
mod disk;
#[allow(dead_code)]
#[path = "../../tests/crash/image.rs"]
mod image;
#[allow(dead_code)]
#[path = "../../tests/crash/rng.rs"]
mod rng;
pub mod targets;
