//! AJP13, the protocol between a web server and a node, in both directions: bytes to messages and back. Pure: no socket, no
//! clock, and no memory of its own beyond the buffers it is given.
//!
//! Two sides, in the words of this crate: the **front** is who sends requests (Apache, mod_jk, our web tier), the
//! **container** who answers them (a node, Tomcat). `web` is a container, `balancer` a front.
//!
//! | layer | module | what it does |
//! |---|---|---|
//! | packets | [`packet`] | finds a whole packet at the front of a buffer; checks marks and lengths |
//! | messages | [`request`], [`body`], [`answer`] | reads and writes the one message in a packet |
//! | exchange | [`serving`], [`asking`] | in which order messages may come; one for each side |
//!
//! A **container** keeps a buffer for what arrives. [`packet::first`] with [`Sender::Front`] finds a packet in it,
//! [`request::Incoming::read`] says what it is; of a request, [`serving::Upload`] says when a body packet is on its way, when
//! one must be asked for ([`answer::ask`]) and what is in it. The answer is one [`answer::head`], any number of
//! [`answer::chunk`]s (an empty one asks the front to pass on what it has) and one [`answer::end`].
//!
//! A **front** writes a request with [`request::Forward::write`], the first body packet with it if the length of the body is
//! announced, and gives each packet that comes back to [`asking::Asking::receive`], which says what it is: a head, a part of
//! the answer, that a part of the request's body is wanted ([`body::write`], counted by [`asking::Asking::sent`]), the end.
//! [`asking::Asking::may_reuse`] says whether the connection is good for another request.
//!
//! ```
//! use zebu_ajp::asking::{Asking, Answer};
//! use zebu_ajp::framing::Framing;
//! use zebu_ajp::request::{Forward, Incoming};
//! use zebu_ajp::{PacketSize, Sender, answer, packet};
//!
//! let size = PacketSize::default();
//! let forward = Forward { method: "GET", uri: b"/ajax/login", server_name: "mail.example.com", ..Forward::default() };
//! let mut wire = Vec::new();
//! forward.write([("host", &b"mail.example.com"[..])], [], size, &mut wire)?;
//!
//! let packet = packet::first(Sender::Front, &wire, size)?.expect("it is whole");
//! let Incoming::Forward(request) = Incoming::read(packet.payload)? else { panic!("it is a request") };
//! assert_eq!((request.method, request.uri), ("GET", &b"/ajax/login"[..]));
//!
//! let mut wire = Vec::new();
//! answer::head(204, "No Content", [], size, &mut wire)?;
//! answer::end(true, &mut wire);
//! let mut asking = Asking::new("GET", Framing::None, size);
//! let packet = packet::first(Sender::Container, &wire, size)?.expect("it is whole");
//! let Answer::Head(head) = asking.receive(packet.payload)? else { panic!("it is a head") };
//! assert_eq!(head.status, 204);
//! # Ok::<(), zebu_ajp::Error>(())
//! ```
//!
//! Parsing is strict: every length, terminator, code and order is checked, and nothing may follow a message within its
//! packet. Whoever gets an [`Error`] closes the connection: the two sides do not agree any more on where a message begins, and
//! a guess would let one request's bytes pass for another request.

pub mod answer;
pub mod asking;
pub mod attribute;
pub mod body;
mod error;
pub mod framing;
pub mod header;
mod method;
pub mod packet;
mod read;
pub mod request;
pub mod serving;
mod size;
mod text;
mod write;

pub use error::Error;
pub use method::METHODS;
pub use packet::Sender;
pub use size::PacketSize;
