//! The web tier: the one HTTP address users know, in front of the nodes.
//!
//! It serves the web client's files itself and hands every other request to a node: the node named by the
//! route in `JSESSIONID`, else the next by weight. A node that dies costs its users nothing: what was not
//! sent goes to another node at once, and what may already have been carried out is never sent twice.
//!
//! The binary calls it: [`Server::bind`], then [`Server::run`]. It knows nothing of groupware, keeps no
//! session, and must never hold a whole body in memory, trust a header that says who the client is, or log a
//! query string (session ids travel there).
//!
//! The way of a request, one module a step:
//!
//! | step | module | what it decides |
//! |---|---|---|
//! | accept | [`mod@server`], `connection`, `client` | how many connections, TLS (`tls`), HTTP/1.1 or HTTP/2 (`http2`, `frames`), how long a client may dawdle (`patience`) |
//! | admit | `admit`, `rates` | whether the head is well formed; what of it may reach a node (`headers`) |
//! | route | `routes`, `redirect` | https instead, our files (`assets`) or a node |
//! | choose | `mapping`, `sticky`, `seal`, `route_keys`, `members`, `selection` | which balancer, which node |
//! | attempt | `forward`, `pool`, `upstream`, `upload` | one exchange with one node |
//! | decide | `retry` | after a failure: the same node again, another, or an honest error (`fault`) |
//! | answer | `answer`, `tunnel`, `access` | the body back, or a WebSocket; the log line |
//!
//! Members are those of the configuration (`layout`), or nodes that are `found` in the mesh. Beside it `health` watches the members and `status` shows them; `live` is what can be changed while it runs,
//! `rearrange` takes up other members, and `handover` gives the listening sockets to a successor.

mod access;
mod admit;
mod answer;
mod apache;
mod assets;
mod client;
mod config;
mod connection;
mod error;
mod fault;
mod flags;
mod flight;
mod forward;
mod found;
mod frames;
mod handover;
mod headers;
mod health;
mod http1;
mod http2;
mod lanes;
mod layout;
mod life;
mod listen;
mod live;
mod manager;
mod mapping;
mod member;
mod members;
mod negotiate;
mod outlier;
mod params;
mod patience;
mod pool;
mod probe;
mod ramp;
mod rates;
mod rearrange;
mod redirect;
mod request_id;
mod retry;
mod route_keys;
mod routes;
mod seal;
mod selection;
mod server;
mod standing;
mod status;
mod sticky;
mod tier;
mod tls;
mod tunnel;
mod upload;
mod upstream;
mod waits;
mod wire;

pub use assets::{Asset, Assets};
pub use config::Config;
pub(crate) use config::within;
pub use error::Error;
pub use flags::Flags;
pub use found::{FoundNode, MeshMembers};
pub use handover::{Handover, Inherited, Predecessor, Sockets, take_over};
pub use http2::Http2Config;
pub use listen::{Listener, Listeners, Scheme};
pub use manager::{Change, ManagerConfig, Order, Reply, ask};
pub use params::balancer::{BalancerConfig, Method, Sticky};
pub use params::member::{Check, CheckMethod, MemberConfig, Ping, Protocol};
pub use params::value::{Secret, Weight};
pub use route_keys::{KEY_BYTES, Rotated, RouteKeys};
pub use seal::signed;
pub use server::{Control, Ending, Server};
pub use status::{CheckStatus, MemberState, MemberStatus, Snapshot, Status};
pub use tier::Clock;
pub use tls::{AcmeConfig, CertificateConfig, CertificateStatus, TlsConfig, Version};
