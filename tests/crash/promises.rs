//! What must be found after a crash.

use crate::{
    disk::{Lie, SimDisk},
    format::{change, said, text},
    image::{Image, Loss, Op},
    rng::Rng,
    run::{Event, REMEMBERED, Said, content, room},
};
use heddle::storage::{RoomStore, StorageError, Wanted};

/// A run that can be broken off after each of its operations.
pub(crate) struct Recording {
    pub(crate) start: Image,
    pub(crate) log: Vec<Op>,
    pub(crate) events: Vec<(usize, Event)>,
    /// What the room said before.
    pub(crate) said: Said,
    /// Whether it was a run whose history is promised too.
    pub(crate) has_history: bool,
}

/// What was found in how many crashes.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) moments: usize,
    pub(crate) crashes: usize,
    pub(crate) broken: Vec<String>,
}

/// What was promised at a moment.
#[derive(Clone, Debug, Default)]
struct Promise {
    appended: usize,
    synced: usize,
    /// All that may be found, by the attempt: a room's whole story, which may have been taken back
    /// and told otherwise from some clock on.
    stories: Vec<Said>,
    /// The first change that must be in the history, where there is one.
    remembered_from: Option<u64>,
}

impl Promise {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Attempted { from, said } => {
                let from = usize::try_from(*from).unwrap();
                let mut story = self.stories.pop().unwrap_or_default();
                if story.len() > from {
                    self.stories.push(story.clone());
                    story.truncate(from);
                }
                story.extend(said.iter().cloned());
                self.stories.push(story);
            }
            Event::Appended(clock) => {
                self.appended = usize::try_from(*clock).unwrap();
            }
            Event::Synced(clock) => {
                self.synced = usize::try_from(*clock).unwrap();
            }
        }
    }

    /// Why what was found breaks the promise.
    fn broken_by(&self, found: &Said, promised: usize) -> Option<String> {
        if found.len() < promised {
            return Some(format!("{} of {promised} promised changes are there", found.len()));
        }
        let current = self.stories.last().map_or(&[][..], |story| story);
        if !current.starts_with(&found[..promised]) {
            return Some("a promised change says something else".to_owned());
        }
        let told = self.stories.iter().any(|story| story.starts_with(found));
        (!told && !found.is_empty()).then(|| "there is a change that was never made".to_owned())
    }
}

/// Breaks the run off at every `step`-th moment, each time in `losses` ways, and looks at what is
/// found.
pub(crate) fn crash_everywhere(run: &Recording, step: usize, losses: usize) -> Figures {
    let mut figures = Figures::default();
    let mut image = run.start.clone();
    let mut promise = Promise {
        appended: run.said.len(),
        synced: run.said.len(),
        stories: vec![run.said.clone()],
        remembered_from: run.has_history.then(|| u64::try_from(run.said.len()).unwrap() + 1),
    };
    let mut events = run.events.iter().peekable();
    for moment in 0..=run.log.len() {
        if let Some(op) = moment.checked_sub(1).and_then(|at| run.log.get(at)) {
            image.apply(op);
        }
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= moment) {
            promise.note(event);
        }
        if moment % step == 0 || moment == run.log.len() {
            figures.moments += 1;
            kill(&mut figures, moment, &image, run.log.get(moment), &promise);
            lose_power(&mut figures, moment, &image, &promise, losses);
        }
    }
    figures
}

/// The process dies: what the disk shows is what is found; a write may have been half done.
fn kill(figures: &mut Figures, moment: usize, image: &Image, next: Option<&Op>, promise: &Promise) {
    let what = format!("killed after operation {moment}");
    figures.look(&what, image, promise, promise.appended);
    if let Some(Op::Write { file, offset, bytes }) = next {
        for part in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let mut image = image.clone();
            let bytes = bytes[..part].to_vec();
            image.apply(&Op::Write { file: *file, offset: *offset, bytes });
            figures.look(
                &format!("{what}, {part} bytes into one"),
                &image,
                promise,
                promise.appended,
            );
        }
    }
}

fn lose_power(
    figures: &mut Figures,
    moment: usize,
    image: &Image,
    promise: &Promise,
    losses: usize,
) {
    let all = [
        Loss::All,
        Loss::Bytes,
        Loss::Zeroed,
        Loss::Names,
        Loss::Random { sector: 512 },
        Loss::Random { sector: 4096 },
        Loss::Journaled { sector: 512 },
        Loss::Journaled { sector: 4096 },
    ];
    for number in 0..losses {
        let loss = all[number % all.len()];
        let mut rng = Rng::new(u64::try_from(moment * 1000 + number).unwrap());
        let left = image.without_power(loss, &mut rng);
        let what = format!("without power after operation {moment}, {loss:?} {number}");
        figures.look(&what, &left, promise, promise.synced);
    }
}

impl Figures {
    /// Opens the room after a crash, goes on with it, and takes the power away.
    fn look(&mut self, what: &str, image: &Image, promise: &Promise, promised: usize) {
        self.crashes += 1;
        let disk = SimDisk::new(image.clone(), Lie::None);
        let opened = match room(&disk).open() {
            Ok(opened) => opened,
            Err(error) => return self.broken.push(format!("{what}: {}", told(&error))),
        };
        let mut found = content(&opened);
        if let Some(why) = promise.broken_by(&found, promised) {
            self.broken.push(format!("{what}: {why}"));
        }
        if let Some(from) = promise.remembered_from {
            let forgotten = forgotten(&opened.store, &found, from, self.crashes);
            self.broken.extend(forgotten.map(|why| format!("{what}: {why}")));
        }
        self.crash_again(what, image, &disk, promise, promised);

        // What was found is promised from now on: it was synced before it was shown.
        let mut rng = Rng::new(u64::try_from(self.crashes).unwrap());
        let goes_on = rng.coin();
        if goes_on {
            let next = change(u64::try_from(found.len()).unwrap() + 1, 99, 30);
            found.push(said(&next));
            opened.store.append(&[next]).unwrap();
            opened.store.sync().unwrap();
        }
        let left = disk.image().without_power(Loss::Random { sector: 512 }, &mut rng);
        match room(&SimDisk::new(left, Lie::None)).open().map(|opened| content(&opened)) {
            Ok(again) if again == found => {}
            Ok(_) => self.broken.push(format!("{what}: and again, and something else is found")),
            Err(error) => self.broken.push(format!("{what}: and again: {}", told(&error))),
        }
    }

    /// Breaks the recovery off at some moment.
    fn crash_again(
        &mut self,
        what: &str,
        image: &Image,
        recovering: &SimDisk,
        promise: &Promise,
        promised: usize,
    ) {
        let mut rng = Rng::new(u64::try_from(self.crashes + 77).unwrap());
        let log = recovering.log();
        let mut left = image.clone();
        log[..rng.below(log.len() + 1)].iter().for_each(|op| left.apply(op));
        if rng.coin() && promised == promise.synced {
            left = left.without_power(Loss::Journaled { sector: 512 }, &mut rng);
        }
        match room(&SimDisk::new(left, Lie::None)).open().map(|opened| content(&opened)) {
            Ok(found) => {
                if let Some(why) = promise.broken_by(&found, promised) {
                    self.broken.push(format!("{what}, and while recovering: {why}"));
                }
            }
            Err(error) => {
                self.broken.push(format!("{what}, and while recovering: {}", told(&error)));
            }
        }
    }
}

/// What is wrong with the history of a room that was found: all of its last changes must be in it, and a random one
/// of them must lead to what the room said then.
fn forgotten(store: &RoomStore, found: &Said, from: u64, seed: usize) -> Option<String> {
    let stored = u64::try_from(found.len()).unwrap();
    let wanted = Wanted { after: 0, stored, since_ms: 0, limit: usize::MAX };
    let listing = match store.list_history(wanted) {
        Ok(listing) => listing,
        Err(error) => return Some(format!("the history cannot be read: {error}")),
    };
    if let Some(error) = listing.errors.first() {
        return Some(format!("the history is damaged: {error}"));
    }
    let from = from.max(stored.saturating_sub(REMEMBERED) + 1);
    let clocks: Vec<u64> = listing.changes.iter().map(|change| change.clock).collect();
    // What is older goes in any order.
    let last = &clocks[clocks.partition_point(|clock| *clock < from)..];
    if last != (from..=stored).collect::<Vec<_>>() {
        return Some(format!("of the changes from {from} to {stored} it lists {clocks:?}"));
    }
    let clock = Rng::new(u64::try_from(seed + 7).unwrap()).below(clocks.len().max(1));
    let clock = clocks.get(clock).copied().unwrap_or(stored);
    let then = text(clock, &found[..usize::try_from(clock).unwrap()]);
    match store.snapshot_at(clock, stored) {
        Ok(past) => (past != then).then(|| format!("the room was something else at {clock}")),
        Err(error) => Some(format!("the room of the clock {clock}: {error}")),
    }
}

fn told(error: &StorageError) -> String {
    format!("the room does not open: {error}")
}
