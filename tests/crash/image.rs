//! What a disk holds: as the operating system shows it, and as it is when power is lost.

use crate::rng::Rng;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// One operation that changed something, as it can be done again on another image.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    CreateDir(PathBuf),
    Create(PathBuf, u64),
    Link(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    Write {
        file: u64,
        offset: usize,
        bytes: Vec<u8>,
    },
    SyncFile(u64),
    /// A sync that failed: the bytes are shown on, and never written.
    LoseFile(u64),
    SyncDir(PathBuf),
}

#[derive(Clone, Debug, Default)]
struct File {
    shown: Vec<u8>,
    durable: Vec<u8>,
    /// What was written since the last sync.
    pending: Vec<(usize, Vec<u8>)>,
}

/// What happened to names of a directory, at one instant.
#[derive(Clone, Debug)]
enum NameOp {
    Set { from: Option<PathBuf>, to: PathBuf, file: u64 },
    Remove(PathBuf),
}

/// A file system: files by number, names in directories.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    files: BTreeMap<u64, File>,
    names: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
    durable_names: BTreeMap<PathBuf, u64>,
    durable_dirs: BTreeSet<PathBuf>,
    pending_names: Vec<NameOp>,
}

/// What of the unsynced survives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// None of it.
    All,
    /// Names without bytes: files as long as they were when synced last.
    Bytes,
    /// Names and lengths, with zeros for bytes.
    Zeroed,
    /// Bytes without names.
    Names,
    /// Names up to a random one, in order, as file systems with a journal do; bytes of random
    /// sectors of this size.
    Journaled { sector: usize },
    /// Random names, random sectors.
    Random { sector: usize },
}

impl Image {
    /// With these files, all of them durable.
    pub(crate) fn with(files: &[(&Path, &[u8])]) -> Self {
        let mut image = Self::default();
        for (number, (path, bytes)) in files.iter().enumerate() {
            let dir = path.parent().unwrap().to_owned();
            let number = u64::try_from(number).unwrap();
            image.dirs.insert(dir);
            image.names.insert((*path).to_owned(), number);
            let file = File { shown: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() };
            image.files.insert(number, file);
        }
        image.durable_names = image.names.clone();
        image.durable_dirs = image.dirs.clone();
        image
    }

    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        path.parent().is_none() || self.dirs.contains(path)
    }

    pub(crate) fn file(&self, path: &Path) -> Option<u64> {
        self.names.get(path).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &PathBuf> {
        self.names.keys()
    }

    pub(crate) fn bytes(&self, file: u64) -> &[u8] {
        self.files.get(&file).map_or(&[], |file| &file.shown)
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::CreateDir(path) => {
                self.dirs.insert(path.clone());
            }
            Op::Create(path, number) => {
                self.files.insert(*number, File::default());
                self.set(None, path, *number);
            }
            Op::Link(from, to) => {
                let file = self.names[from];
                self.set(None, to, file);
            }
            Op::Rename(from, to) => {
                let file = self.names.remove(from).unwrap();
                self.set(Some(from.clone()), to, file);
            }
            Op::Remove(path) => {
                self.names.remove(path);
                self.pending_names.push(NameOp::Remove(path.clone()));
            }
            Op::Write { file, offset, bytes } => {
                let file = self.files.get_mut(file).unwrap();
                put(&mut file.shown, *offset, bytes);
                file.pending.push((*offset, bytes.clone()));
            }
            Op::SyncFile(file) => {
                let file = self.files.get_mut(file).unwrap();
                for (offset, bytes) in std::mem::take(&mut file.pending) {
                    put(&mut file.durable, offset, &bytes);
                }
            }
            Op::LoseFile(file) => self.files.get_mut(file).unwrap().pending.clear(),
            Op::SyncDir(dir) => {
                let pending = std::mem::take(&mut self.pending_names);
                let (synced, rest): (Vec<_>, _) =
                    pending.into_iter().partition(|op| op.dir() == Some(dir));
                self.pending_names = rest;
                for op in synced {
                    op.apply(&mut self.durable_names);
                }
                let below = self.dirs.iter().filter(|path| path.parent() == Some(dir)).cloned();
                self.durable_dirs.extend(below);
            }
        }
    }

    fn set(&mut self, from: Option<PathBuf>, to: &Path, file: u64) {
        self.names.insert(to.to_owned(), file);
        self.pending_names.push(NameOp::Set { from, to: to.to_owned(), file });
    }

    /// What is there when power comes back.
    pub(crate) fn without_power(&self, loss: Loss, rng: &mut Rng) -> Self {
        let mut names = self.durable_names.clone();
        let ordered = rng.below(self.pending_names.len() + 1);
        for (at, op) in self.pending_names.iter().enumerate() {
            let survives = match loss {
                Loss::All | Loss::Names => false,
                Loss::Bytes | Loss::Zeroed => true,
                Loss::Journaled { .. } => at < ordered,
                Loss::Random { .. } => rng.coin(),
            };
            if survives {
                op.apply(&mut names);
            }
        }
        let mut dirs = self.durable_dirs.clone();
        dirs.extend(self.dirs.iter().filter(|_| rng.coin()).cloned());
        names.retain(|path, _| path.parent().is_some_and(|dir| dirs.contains(dir)));
        let files = self.files.iter().map(|(number, file)| {
            let bytes = file.without_power(loss, rng);
            (*number, File { shown: bytes.clone(), durable: bytes, pending: Vec::new() })
        });
        Self {
            files: files.collect(),
            durable_names: names.clone(),
            names,
            durable_dirs: dirs.clone(),
            dirs,
            pending_names: Vec::new(),
        }
    }
}

impl NameOp {
    fn dir(&self) -> Option<&Path> {
        match self {
            Self::Set { to: path, .. } | Self::Remove(path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Set { from, to, file } => {
                if let Some(from) = from {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl File {
    fn without_power(&self, loss: Loss, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (offset, written) in &self.pending {
            match loss {
                Loss::All | Loss::Bytes => {}
                Loss::Names => put(&mut bytes, *offset, written),
                Loss::Zeroed => {
                    let grown = bytes.len().max(offset + written.len());
                    bytes.resize(grown, 0);
                }
                Loss::Journaled { sector } | Loss::Random { sector } => {
                    let mut at = 0;
                    while at < written.len() {
                        let end = ((offset + at) / sector + 1) * sector - offset;
                        let end = end.min(written.len());
                        if rng.coin() {
                            put(&mut bytes, offset + at, &written[at..end]);
                        }
                        at = end;
                    }
                }
            }
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}
