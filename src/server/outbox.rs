//! What a room wants done, on its way to whoever does it.

use std::collections::VecDeque;

use super::{delivery::Delivery, durable::News};
use crate::engine::SessionId;

/// Things to do, in order. Their texts stand one after the other in one buffer: making one for each costs more than
/// writing it.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: Vec<Queued>,
    /// How much of the queue was popped.
    popped: usize,
    /// What the queue has no form of its own for, in order, each with the length of its text. Nearly always there is none.
    others: Option<Box<Others>>,
    texts: Vec<u8>,
    /// Where the text of what comes next begins.
    start: usize,
}

type Others = VecDeque<News<usize>>;

/// Something to do, with the length of its text. What nearly every frame wants done is a few numbers here: [`News`] are
/// several times as large, because of what is rare, and have to be dropped one by one.
#[derive(Debug, Clone, Copy)]
pub enum Queued {
    /// [`Delivery::Send`].
    Send(SessionId, usize),
    /// [`Delivery::Broadcast`].
    Broadcast(u32, Option<SessionId>, usize),
    /// [`Delivery::Changed`] without a text.
    Changed,
    /// [`News::Commit`].
    Commit,
    /// What [`Outbox::take_other`] gives.
    Other,
}

/// The buffer that an empty outbox keeps for the next use, in bytes.
const KEPT_BYTES: usize = 64 << 10;

/// The things that it keeps room for.
const KEPT_NEWS: usize = 1024;

impl Outbox {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many things there are to do.
    pub(super) fn len(&self) -> usize {
        self.queue.len() - self.popped
    }

    /// Adds something.
    pub fn push(&mut self, news: News) {
        let news = news.map(|text| self.append(&text));
        self.enqueue(news);
    }

    /// Adds a delivery whose text is here already.
    pub(super) fn deliver(&mut self, delivery: Delivery<&[u8]>) {
        let delivery = delivery.map(|text| self.append(text));
        self.enqueue(News::Deliver(delivery));
    }

    /// Adds a delivery with the text that `write` appends; false, and nothing is added, when it says so. It is given as it is
    /// queued, because nearly all that there is to do comes this way.
    pub(super) fn write(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> bool,
        queued: impl FnOnce(usize) -> Queued,
    ) -> bool {
        let before = self.texts.len();
        let is_written = write(&mut self.texts);
        if is_written {
            self.queue.push(queued(self.texts.len() - before));
        }
        is_written
    }

    /// Adds something whose text is here already.
    fn enqueue(&mut self, news: News<usize>) {
        let queued = Queued::from(&news);
        if matches!(queued, Queued::Other) {
            self.others.get_or_insert_default().push_back(news);
        }
        self.queue.push(queued);
    }

    /// Takes out what comes next. Where it is [`Queued::Other`], [`take_other`](Self::take_other) must follow.
    pub fn pop(&mut self) -> Option<Queued> {
        let queued = *self.queue.get(self.popped)?;
        self.popped += 1;
        Some(queued)
    }

    /// Takes out what has just been popped as [`Queued::Other`], with the length of its text.
    pub fn take_other(&mut self) -> Option<News<usize>> {
        self.others.as_mut()?.pop_front()
    }

    /// Puts back what was taken out as [`Queued::Other`] last, of whose text nothing was taken.
    pub fn put_back(&mut self, other: News<usize>) {
        self.others.get_or_insert_default().push_front(other);
        self.popped -= 1;
    }

    /// All texts that were not taken out.
    pub fn texts(&self) -> &[u8] {
        self.texts.get(self.start..).unwrap_or_default()
    }

    /// Takes out the next text, of this length: those of what was popped, in order, any number of them at once.
    pub fn take_text(&mut self, length: usize) -> &[u8] {
        let from = self.start;
        self.start += length;
        self.texts.get(from..self.start).unwrap_or_default()
    }

    /// Gives the text of this length that comes so many bytes behind what was taken out.
    pub fn peek_text(&self, behind: usize, length: usize) -> &[u8] {
        let from = self.start + behind;
        self.texts.get(from..from + length).unwrap_or_default()
    }

    /// Forgets everything, but for memory to use again.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.queue.shrink_to(KEPT_NEWS);
        self.popped = 0;
        self.others = None;
        self.texts.clear();
        self.texts.shrink_to(KEPT_BYTES);
        self.start = 0;
    }

    /// Takes out what was added behind so many things, of which none was popped.
    pub(super) fn split_off(&mut self, count: usize, text_bytes: usize) -> Self {
        let queue = self.queue.split_off(count);
        let is_other = |queued: &&Queued| matches!(queued, Queued::Other);
        let count = queue.iter().filter(is_other).count();
        let others = self.others.as_mut().filter(|_| count > 0);
        let others = others.map(|others| Box::new(others.split_off(others.len() - count)));
        let texts = self.texts.split_off(text_bytes);
        Self { queue, popped: 0, others, texts, start: 0 }
    }

    /// Takes out all that was not popped, but for the texts of what was, which are so many bytes.
    #[must_use]
    pub fn split_rest(&mut self, popped_bytes: usize) -> Self {
        let texts = self.texts.split_off(self.start + popped_bytes);
        let queue = self.queue.split_off(self.popped);
        Self { queue, popped: 0, others: self.others.take(), texts, start: 0 }
    }

    /// Moves everything out of another, behind what is here.
    pub fn append_all(&mut self, other: Self) {
        self.texts.extend_from_slice(other.texts());
        self.queue.extend_from_slice(other.queue.get(other.popped..).unwrap_or_default());
        if let Some(mut others) = other.others {
            self.others.get_or_insert_default().append(&mut others);
        }
    }

    /// The bytes of all texts.
    pub(super) fn text_bytes(&self) -> usize {
        self.texts.len()
    }

    fn append(&mut self, text: &[u8]) -> usize {
        self.texts.extend_from_slice(text);
        text.len()
    }
}

impl From<&News<usize>> for Queued {
    #[inline]
    fn from(news: &News<usize>) -> Self {
        match *news {
            News::Deliver(Delivery::Send(session, text)) => Self::Send(session, text),
            News::Deliver(Delivery::Broadcast(groups, except, text)) => {
                Self::Broadcast(groups, except, text)
            }
            News::Deliver(Delivery::Changed(None)) => Self::Changed,
            News::Commit => Self::Commit,
            News::Deliver(
                Delivery::Changed(Some(_))
                | Delivery::Refused(..)
                | Delivery::Place(..)
                | Delivery::Close(..)
                | Delivery::Left(..)
                | Delivery::Walks(..)
                | Delivery::Piece(..)
                | Delivery::VerifyToken(..),
            )
            | News::StoreFailed(_)
            | News::StoreHealed
            | News::StoreTrouble(_)
            | News::Settled(..) => Self::Other,
        }
    }
}

impl Iterator for Outbox {
    type Item = News;

    fn next(&mut self) -> Option<News> {
        let news = match self.pop()? {
            Queued::Send(session, text) => News::Deliver(Delivery::Send(session, text)),
            Queued::Broadcast(groups, except, text) => {
                News::Deliver(Delivery::Broadcast(groups, except, text))
            }
            Queued::Changed => News::Deliver(Delivery::Changed(None)),
            Queued::Commit => News::Commit,
            Queued::Other => self.take_other()?,
        };
        Some(news.map(|length| self.take_text(length).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CloseReason;

    const COUNT: usize = 8;

    fn deliveries() -> [Delivery; COUNT] {
        [
            Delivery::Place(1, 2),
            Delivery::Send(1, b"send".to_vec()),
            Delivery::Piece(vec![1, 2], b"piece".to_vec()),
            Delivery::Broadcast(1, Some(2), b"broadcast".to_vec()),
            Delivery::Changed(None),
            Delivery::Changed(Some(b"changed".to_vec())),
            Delivery::Send(2, b"sent".to_vec()),
            Delivery::Close(2, CloseReason::TooSlow),
        ]
    }

    /// An outbox of the first so many.
    fn outbox(count: usize) -> Outbox {
        let mut out = Outbox::default();
        for delivery in deliveries().into_iter().take(count) {
            out.push(News::Deliver(delivery));
        }
        out
    }

    fn list(news: impl Iterator<Item = News>) -> Vec<Delivery> {
        let delivery =
            |news| if let News::Deliver(delivery) = news { Some(delivery) } else { None };
        news.filter_map(delivery).collect()
    }

    #[test]
    fn what_is_split_off_and_appended_keeps_its_order() {
        for count in 0..=COUNT {
            let mut out = outbox(COUNT);
            let behind = out.split_off(count, outbox(count).text_bytes());
            assert_eq!((out.len(), behind.len()), (count, COUNT - count));
            out.append_all(behind);
            assert_eq!(list(out), deliveries(), "{count}");
        }
    }

    #[test]
    fn what_was_popped_is_no_part_of_the_rest() {
        for count in 0..=COUNT {
            let mut out = outbox(COUNT);
            let before = list(out.by_ref().take(count));
            let mut rest = Outbox::default();
            rest.append_all(out.split_rest(0));
            assert!(out.is_empty(), "{count}");
            assert_eq!(before.into_iter().chain(list(rest)).collect::<Vec<_>>(), deliveries());
        }
    }

    #[test]
    fn what_is_put_back_comes_next() {
        let mut out = outbox(COUNT);
        assert!(matches!(out.pop(), Some(Queued::Other)));
        let other = out.take_other().unwrap();
        assert_eq!(out.len(), COUNT - 1);
        out.put_back(other);
        assert_eq!(list(out), deliveries());
    }

    #[test]
    fn nothing_is_left_of_what_was_cleared() {
        let mut out = outbox(COUNT);
        assert!(out.next().is_some());
        out.clear();
        assert!(out.is_empty());
        out.append_all(outbox(COUNT));
        assert_eq!(list(out), deliveries());
    }
}
