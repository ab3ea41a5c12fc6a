//! A world of clients, connections and one server, in which a seed decides everything that happens.
//!
//! The server is [`heddle::server::Room`], bytes in and deliveries out; a [`replica::Replica`] does what the websocket
//! adapter of the real client does, an [`app::App`] what its entity store does above it. In some modes the room journals into a [`store::Store`] that is slow, fails, and is all that is left when the
//! server is killed. A connection is an ordered queue
//! each way; which one moves next is chance, so frames of different connections interleave in every way. At the end
//! everybody comes back, everything arrives, and each client's document and presence are compared with the room's.
//!
//! # Limits of the client
//!
//! In some situations the client diverges whatever its server does. They are kept out of the runs, as narrowly as they
//! can be told: an edit that would lead there is not made, or the client takes a step just before.
//!
//! 1. What is edited but not sent is no mask: a change that arrives meanwhile is shown, and overwritten in the room.
//! 2. A pull without a socket, or with documents that came before the socket ended, clears what is kept for the next
//!    connection. What waits for a flush when a socket closes goes out behind what is done without one, though it is
//!    older.
//! 3. What was sent with a `reconnect` masks whatever is pulled together with the answer, later changes too.
//! 4. A deletion passes every mask. One that is older than the client's own creation of the same component destroys it:
//!    somebody else's deletion, or its own that comes back in a catch-up.
//! 5. A creation resets the fields that it does not name, and a mask takes fields out of it. So nobody may create a
//!    component again while somebody else writes to it, or still has the old one and edits that; also not by sending a
//!    creation a second time, after a connection broke.
//! 6. A deletion that is merged with a creation before it vanishes, also where the component was there before both: in a
//!    pull, in a flush, and in the mask of what is in flight.
//! 7. Deltas of two clients for the same array at the same time: the later one masks the earlier one as a whole, the
//!    room applies both.
//! 8. A session that is not held back gets documents before the answer to its `reconnect`. Its cursor moves past what
//!    that answer is about to bring, and what it kept counts as answered: both are lost if the connection breaks then.
//! 9. A client that comes back before its old socket's close is through ends up with two open sockets, taking itself for
//!    offline for a while. It bears neither frames in that while, nor frames of the two sockets out of order, in either
//!    direction, and hears every change twice: a creation or deletion that comes again meets newer edits as in 4 and 5.
//!    Late frames of a broken connection that reach the room after the new one are the same, unless they only update.
//! 10. Presence that is taken back while an older session of the same client is in the room stays there, and a client
//!     with two sessions hears its own presence from the room.
//! 11. After a server fell back to an older snapshot, what another client answers to `resync` meets what this one
//!     answers as in 5, and the first answer raises the clock over what only others know. So clients come back one after
//!     the other, the first knows everything, and nobody leaves again before the clock is where it was.
//!
//! Code that keeps to one of these names its number.

pub mod actions;
pub mod app;
pub mod edits;
pub mod ledger;
pub mod limits;
pub mod member;
pub mod modes;
pub mod network;
pub mod patch;
pub mod replica;
pub mod rng;
pub mod run;
pub mod schema;
pub mod server;
pub mod store;
pub mod traffic;
pub mod world;
