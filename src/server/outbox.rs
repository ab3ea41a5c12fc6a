//! What a room wants done, on its way to whoever does it.

use std::collections::VecDeque;

use super::{delivery::Delivery, durable::News};

/// Things to do, in order. Their texts stand one after the other in one buffer: making one for each costs more than
/// writing it.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Each with the length of its text.
    news: VecDeque<News<usize>>,
    texts: Vec<u8>,
    /// Where the text of what comes next begins.
    start: usize,
}

/// The buffer that an empty outbox keeps for the next use, in bytes.
const KEPT_BYTES: usize = 64 << 10;

/// The things that it keeps room for.
const KEPT_NEWS: usize = 1024;

impl Outbox {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    /// How many things there are to do.
    pub(super) fn len(&self) -> usize {
        self.news.len()
    }

    /// Adds something.
    pub fn push(&mut self, news: News) {
        let news = news.map(|text| self.append(&text));
        self.news.push_back(news);
    }

    /// Adds a delivery whose text is here already.
    pub(super) fn deliver(&mut self, delivery: Delivery<&[u8]>) {
        let delivery = delivery.map(|text| self.append(text));
        self.news.push_back(News::Deliver(delivery));
    }

    /// Adds a delivery with the text that `write` appends; false, and nothing is added, when it says so.
    pub(super) fn write(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> bool,
        delivery: impl FnOnce(usize) -> Delivery<usize>,
    ) -> bool {
        let before = self.texts.len();
        let is_written = write(&mut self.texts);
        if is_written {
            self.news.push_back(News::Deliver(delivery(self.texts.len() - before)));
        }
        is_written
    }

    /// Takes out what comes next, with the length of its text.
    pub fn pop(&mut self) -> Option<News<usize>> {
        self.news.pop_front()
    }

    /// Puts back what was popped last, of whose text nothing was taken.
    pub fn put_back(&mut self, news: News<usize>) {
        self.news.push_front(news);
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
        self.news.clear();
        self.news.shrink_to(KEPT_NEWS);
        self.texts.clear();
        self.texts.shrink_to(KEPT_BYTES);
        self.start = 0;
    }

    /// Takes out what was added behind so many things, of which none was popped.
    pub(super) fn split_off(&mut self, count: usize, text_bytes: usize) -> Self {
        let news = self.news.split_off(count);
        Self { news, texts: self.texts.split_off(text_bytes), start: 0 }
    }

    /// Takes out all that was not popped, but for the texts of what was, which are so many bytes.
    #[must_use]
    pub fn split_rest(&mut self, popped_bytes: usize) -> Self {
        let texts = self.texts.split_off(self.start + popped_bytes);
        Self { news: std::mem::take(&mut self.news), texts, start: 0 }
    }

    /// Moves everything out of another, behind what is here.
    pub fn append_all(&mut self, mut other: Self) {
        self.texts.extend_from_slice(other.texts.get(other.start..).unwrap_or_default());
        self.news.append(&mut other.news);
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

impl Iterator for Outbox {
    type Item = News;

    fn next(&mut self) -> Option<News> {
        let news = self.pop()?;
        Some(news.map(|length| self.take_text(length).to_vec()))
    }
}
