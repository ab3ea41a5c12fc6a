//! The calls that every frame makes, as plain Node-API functions.
//!
//! A method of a class costs more than what the room does: unwrapping the object, converting each argument, making a
//! `String` on either side. These find the room and their numbers in the mailbox (`mailbox.rs`), take at most one argument and
//! read it once, into a buffer that stays. `lib/engine.js` calls them, or the methods of the same names.
#![expect(unsafe_code, reason = "Node-API is a C interface")]

use std::{
    cell::RefCell,
    ffi::{CStr, c_void},
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    rc::Rc,
    slice,
};

use napi::{Env, JsError, bindgen_prelude::Object, check_status, sys};
use napi_derive::napi;

use super::{
    error::{CodedError, ROOM_BROKEN, coded},
    mailbox::{Mailbox, NativeMailbox, Order, Text},
    rooms,
};
use crate::{
    protocol::json::from_utf16,
    server::{DurableRoom, Outbox, RoomError},
};

/// What the raw functions of one environment share.
#[derive(Debug)]
struct Border {
    /// Its reference to memory of JS goes with the environment, which is gone before the thread ends.
    mailbox: ManuallyDrop<Rc<RefCell<Mailbox>>>,
    /// The frame that is being handled.
    frame: RefCell<Vec<u8>>,
    out: RefCell<Outbox>,
}

thread_local! {
    /// What the raw functions of this thread point to, until it ends: no script of it runs any more by then.
    static BORDERS: RefCell<Vec<Rc<Border>>> = RefCell::default();
}

/// What the buffer for frames keeps for the next one, in bytes.
const KEPT_BYTES: usize = 64 << 10;

/// More than one character, so that a text which was cut off is longer than one that was not.
const SPARE_BYTES: usize = 8;

/// What a UTF-16 code unit takes at most in UTF-8, in bytes.
const MOST_BYTES_PER_UNIT: usize = 3;

/// Of longer texts the space for the largest that they can be would not be kept, in code units.
const SHORT_LENGTH: usize = KEPT_BYTES / MOST_BYTES_PER_UNIT - SPARE_BYTES;

/// The raw functions, which find their numbers in `mailbox`.
#[napi(
    ts_return_type = "{ receiveText(frame: string): string | undefined; receiveBytes(frame: Uint8Array): string | undefined; commit(): string | undefined }"
)]
pub fn raw_calls(env: Env, mailbox: &NativeMailbox) -> napi::Result<Object<'static>> {
    let border = Rc::new(Border {
        mailbox: ManuallyDrop::new(mailbox.share()),
        frame: RefCell::default(),
        out: RefCell::default(),
    });
    let mut calls = ptr::null_mut();
    // SAFETY: the environment is the one that is calling, and the result is a local.
    check_status!(unsafe { sys::napi_create_object(env.raw(), &raw mut calls) })?;
    let functions: [(&CStr, sys::napi_callback); 3] = [
        (c"receiveText", Some(receive_text)),
        (c"receiveBytes", Some(receive_bytes)),
        (c"commit", Some(commit)),
    ];
    for (name, callback) in functions {
        let length = isize::try_from(name.count_bytes()).unwrap_or(0);
        let data = Rc::as_ptr(&border).cast_mut().cast::<c_void>();
        let mut function = ptr::null_mut();
        let create = sys::napi_create_function;
        // SAFETY: the name is a string of this length, and the data stays until the thread ends.
        check_status!(unsafe {
            create(env.raw(), name.as_ptr(), length, callback, data, &raw mut function)
        })?;
        // SAFETY: both values were made in this call.
        check_status!(unsafe {
            sys::napi_set_named_property(env.raw(), calls, name.as_ptr(), function)
        })?;
    }
    BORDERS.with_borrow_mut(|borders| borders.push(border));
    Ok(Object::from_raw(env.raw(), calls))
}

unsafe extern "C" fn receive_text(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    run(env, info, |call, order, text| {
        let mut frame = call.border.frame.borrow_mut();
        call.read_text(text, order.length, &mut frame)?;
        call.answer(order, |room, out| room.receive(order.session, &frame, out))
    })
}

unsafe extern "C" fn receive_bytes(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    run(env, info, |call, order, bytes| {
        let mut frame = call.border.frame.borrow_mut();
        call.read_bytes(bytes, &mut frame)?;
        call.answer(order, |room, out| room.receive(order.session, &frame, out))
    })
}

unsafe extern "C" fn commit(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    run(env, info, |call, order, _| call.answer(order, DurableRoom::commit))
}

/// Runs a call with what it is about and its argument. What goes wrong is thrown in JS, a panic too.
fn run(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    work: impl FnOnce(&Call<'_>, Order, sys::napi_value) -> Result<sys::napi_value, CodedError>,
) -> sys::napi_value {
    let mut count = 1;
    let mut argument = ptr::null_mut();
    let mut data = ptr::null_mut();
    let this = ptr::null_mut();
    // SAFETY: both handles are those that the runtime has just given, and there is space for one argument.
    let status = unsafe {
        sys::napi_get_cb_info(env, info, &raw mut count, &raw mut argument, this, &raw mut data)
    };
    let border = data.cast_const().cast::<Border>();
    // SAFETY: each raw function was made with a border, which stays until the thread ends; all its parts are cells.
    let border = unsafe { border.as_ref() }.filter(|_| status == sys::Status::napi_ok);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let border = border.ok_or_else(|| coded(ROOM_BROKEN, "no border to cross"))?;
        let order = border.mailbox.borrow_mut().order();
        work(&Call { env, border }, order, argument)
    }));
    let outcome = outcome.unwrap_or_else(|_| {
        // What it had to tell until then is not for the next call.
        border.inspect(|border| border.out.borrow_mut().clear());
        Err(coded(ROOM_BROKEN, "the bindings panicked"))
    });
    outcome.unwrap_or_else(|error| {
        // SAFETY: the environment is the one that is calling.
        unsafe { JsError::from(error).throw_into(env) };
        ptr::null_mut()
    })
}

/// One raw call.
struct Call<'b> {
    env: sys::napi_env,
    border: &'b Border,
}

impl Call<'_> {
    /// Does something with the room, and gives the text of its answer.
    fn answer(
        &self,
        order: Order,
        work: impl FnOnce(&mut DurableRoom, &mut Outbox) -> Result<(), RoomError>,
    ) -> Result<sys::napi_value, CodedError> {
        let room = rooms::find(order.room).ok_or_else(|| coded(ROOM_BROKEN, "no such room"))?;
        let mut out = self.border.out.borrow_mut();
        let answer = room.borrow_mut().answer(&mut out, work);
        let value = match answer {
            Ok(Some(text)) => self.string(&text),
            Ok(None) => self.undefined(),
            Err(error) => Err(error.into()),
        };
        out.clear();
        value
    }

    /// Nothing to do. A null pointer is the same in Node, and kills Bun 1.2.
    fn undefined(&self) -> Result<sys::napi_value, CodedError> {
        let mut value = ptr::null_mut();
        // SAFETY: the result is a local.
        let status = unsafe { sys::napi_get_undefined(self.env, &raw mut value) };
        expect_ok(status, "there is no undefined")?;
        Ok(value)
    }

    /// Makes the text of an answer a string.
    fn string(&self, text: &Text<'_>) -> Result<sys::napi_value, CodedError> {
        let bytes = text.bytes.as_ptr().cast();
        let length = isize::try_from(text.bytes.len()).unwrap_or(isize::MAX);
        let create = if text.is_ascii {
            sys::napi_create_string_latin1
        } else {
            sys::napi_create_string_utf8
        };
        let mut value = ptr::null_mut();
        // SAFETY: there are as many bytes, which are copied; the result is a local.
        let status = unsafe { create(self.env, bytes, length, &raw mut value) };
        expect_ok(status, "the text of an answer is no string")?;
        Ok(value)
    }

    /// Reads a string whose length in UTF-16 code units is known.
    fn read_text(
        &self,
        value: sys::napi_value,
        length: u32,
        text: &mut Vec<u8>,
    ) -> Result<(), CodedError> {
        let units = usize::try_from(length).unwrap_or(0);
        let is_short = units <= SHORT_LENGTH;
        // Where the most that it can take does not fit, V8 counts first what it takes, which costs more than to copy it.
        let most_bytes = if is_short { units * MOST_BYTES_PER_UNIT } else { units };
        self.read_utf8(value, most_bytes + SPARE_BYTES, text)?;
        if text.len() == units {
            return Ok(());
        }
        if !is_short {
            self.read_whole(value, text)?;
        }
        // Lone surrogates have no UTF-8 and were replaced: look at what was really there.
        if String::from_utf8_lossy(text).contains(char::REPLACEMENT_CHARACTER) {
            *text = self.read_utf16(value)?.into_bytes();
        }
        Ok(())
    }

    /// Reads a string of any length, which it asks for first: what does not fit is cut off without a word.
    fn read_whole(&self, value: sys::napi_value, text: &mut Vec<u8>) -> Result<(), CodedError> {
        let mut length = 0;
        // SAFETY: without a buffer only the length is asked for.
        let status = unsafe {
            sys::napi_get_value_string_utf8(self.env, value, ptr::null_mut(), 0, &raw mut length)
        };
        expect_ok(status, "the frame is no string")?;
        self.read_utf8(value, length + 1, text)
    }

    /// Reads a string as far as it fits `capacity` with a NUL behind it.
    fn read_utf8(
        &self,
        value: sys::napi_value,
        capacity: usize,
        text: &mut Vec<u8>,
    ) -> Result<(), CodedError> {
        text.clear();
        text.shrink_to(KEPT_BYTES.max(capacity));
        text.reserve(capacity);
        let mut length = 0;
        let buffer = text.as_mut_ptr().cast();
        // SAFETY: the buffer has space for so many bytes.
        let status = unsafe {
            sys::napi_get_value_string_utf8(self.env, value, buffer, capacity, &raw mut length)
        };
        expect_ok(status, "the frame is no string")?;
        // SAFETY: so many bytes were written, at most what there is space for.
        unsafe { text.set_len(length.min(capacity)) };
        Ok(())
    }

    fn read_utf16(&self, value: sys::napi_value) -> Result<String, CodedError> {
        let mut length = 0;
        // SAFETY: without a buffer only the length is asked for.
        let status = unsafe {
            sys::napi_get_value_string_utf16(self.env, value, ptr::null_mut(), 0, &raw mut length)
        };
        expect_ok(status, "the frame is no string")?;
        let mut units = vec![0_u16; length + 1];
        // SAFETY: the buffer has space for the string and a NUL.
        let status = unsafe {
            let (buffer, capacity) = (units.as_mut_ptr(), units.len());
            sys::napi_get_value_string_utf16(self.env, value, buffer, capacity, &raw mut length)
        };
        expect_ok(status, "the frame is no string")?;
        units.truncate(length);
        Ok(from_utf16(&units))
    }

    /// Copies bytes: another thread may write what is shared with it.
    fn read_bytes(&self, value: sys::napi_value, bytes: &mut Vec<u8>) -> Result<(), CodedError> {
        let mut data = ptr::null_mut();
        let mut length = 0;
        // SAFETY: the results are locals.
        let status =
            unsafe { sys::napi_get_buffer_info(self.env, value, &raw mut data, &raw mut length) };
        expect_ok(status, "the frame is no bytes")?;
        bytes.clear();
        bytes.shrink_to(KEPT_BYTES.max(length));
        if !data.is_null() {
            // SAFETY: the runtime says that so many bytes are there, and nothing runs that could take them away.
            bytes.extend_from_slice(unsafe { slice::from_raw_parts(data.cast::<u8>(), length) });
        }
        Ok(())
    }
}

fn expect_ok(status: sys::napi_status, otherwise: &'static str) -> Result<(), CodedError> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(coded("HEDDLE_INVALID_ARGUMENT", otherwise))
}
