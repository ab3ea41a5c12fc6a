//! Threads for work that takes as long as the disk does.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long a thread without work waits for more before it ends.
const LINGER: Duration = Duration::from_secs(10);

/// Work for another thread. What it finds out it tells whoever asked for it, by itself.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// A queue of jobs and the threads that work it off, started when there is work and ended when there is none.
///
/// Jobs begin in the order in which they are due; with several threads they overlap. A job that panics is dropped, and
/// the lane goes on. Nothing here keeps the process alive.
#[derive(Debug)]
pub(super) struct Lane {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    max_threads: usize,
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lane").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Queue {
    /// By the time at which they are due, then by number.
    jobs: BTreeMap<(Instant, u64), Job>,
    next_number: u64,
    threads: usize,
    idle: usize,
}

impl Lane {
    /// A lane without threads yet.
    pub(super) fn new(name: &'static str, max_threads: usize) -> Self {
        let queue = Mutex::default();
        Self { shared: Arc::new(Shared { name, max_threads, queue, wake: Condvar::new() }) }
    }

    /// Has a job done as soon as a thread is free.
    pub(super) fn run(&self, job: Job) {
        self.run_after(Duration::ZERO, job);
    }

    /// Has a job done after a delay.
    pub(super) fn run_after(&self, delay: Duration, job: Job) {
        let mut queue = self.shared.lock();
        let number = queue.next_number;
        queue.next_number += 1;
        queue.jobs.insert((now() + delay, number), job);
        if queue.jobs.len() > queue.idle && queue.threads < self.shared.max_threads {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name(self.shared.name.to_owned());
            // Where no thread can be had the job waits for the next call, and its owner notices that nothing happens.
            if thread.spawn(move || shared.work()).is_ok() {
                queue.threads += 1;
            }
        }
        self.shared.wake.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // Whatever a job leaves half done is its owner's to find out.
            drop(catch_unwind(AssertUnwindSafe(job)));
        }
    }

    /// The next job that is due; none when the thread is to end.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        let mut patience = now() + LINGER;
        loop {
            let now = now();
            let due = queue.jobs.first_key_value().map(|((due, _), _)| *due);
            match due {
                Some(due) if due <= now => return queue.jobs.pop_first().map(|(_, job)| job),
                Some(due) => patience = patience.max(due + LINGER),
                None if now >= patience => {
                    queue.threads -= 1;
                    return None;
                }
                None => {}
            }
            let wait = due.unwrap_or(patience).saturating_duration_since(now);
            queue.idle += 1;
            queue = self
                .wake
                .wait_timeout(queue, wait)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(queue, _)| queue);
            queue.idle -= 1;
        }
    }
}

/// The time, for the threads of this layer; timers that users' tests may fake are lib/'s.
#[expect(clippy::disallowed_methods, reason = "the pace of background work is no rule of a room")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn jobs_begin_in_the_order_in_which_they_are_due() {
        let lane = Lane::new("test", 1);
        let (sender, done) = mpsc::channel();
        let job = |name: &'static str| -> Job {
            let sender = sender.clone();
            Box::new(move || sender.send(name).unwrap())
        };

        lane.run_after(Duration::from_millis(30), job("late"));
        lane.run(job("first"));
        lane.run(job("second"));

        let order: Vec<_> = done.iter().take(3).collect();
        assert_eq!(order, ["first", "second", "late"]);
    }

    #[test]
    fn a_job_that_panics_does_not_end_its_lane() {
        let lane = Lane::new("test", 1);
        let (sender, done) = mpsc::channel();

        lane.run(Box::new(|| panic!("a job has a bug")));
        lane.run(Box::new(move || sender.send(()).unwrap()));

        assert_eq!(done.recv(), Ok(()));
    }
}
