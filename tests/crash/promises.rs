//! What must be found after a crash.

use crate::{
    disk::{Lie, SimDisk},
    format::{change, said},
    image::{Image, Loss, Op},
    rng::Rng,
    run::{Event, Said, content, room},
};
use heddle::storage::StorageError;

/// A run that can be broken off after each of its operations.
pub(crate) struct Recording {
    pub(crate) start: Image,
    pub(crate) log: Vec<Op>,
    pub(crate) events: Vec<(usize, Event)>,
    /// What the room said before.
    pub(crate) said: Said,
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

fn told(error: &StorageError) -> String {
    format!("the room does not open: {error}")
}
