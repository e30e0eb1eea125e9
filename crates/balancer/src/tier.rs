//! What all connections share, and what happens to one request from head to answer.
//!
//! Made once by `server`; `client` hands every request to [`Tier::answer`].

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{CONNECTION, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Request, Response, StatusCode, request};
use hyper::body::Incoming;
use hyper::server;
use tokio::time::Instant;

use crate::access::{AccessFile, Record};
use crate::admit::admit;
use crate::answer::{Answer, Content};
use crate::assets::Assets;
use crate::client::Client;
use crate::fault::Fault;
use crate::forward::forward;
use crate::found::InMesh;
use crate::headers::X_REQUEST_ID;
use crate::layout::Layout;
use crate::life::Moment;
use crate::listen::Listener;
use crate::live::Live;
use crate::manager::Manager;
use crate::mapping::{self, Mappings};
use crate::member::Member;
use crate::members::Members;
use crate::patience::Ms;
use crate::rates::Rates;
use crate::request_id::RequestIds;
use crate::seal::Seal;
use crate::tls::{Tls, acme};
use crate::{Config, Error, redirect};

/// The time on the wall, in milliseconds since 1970: only shown, never measured with.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

pub(crate) struct Tier {
    pub(crate) config: Config,
    /// Where it really listens, as a header: the `Host` for clients that name none.
    own_host: HeaderValue,
    /// Where it really listens.
    pub(crate) listeners: Vec<Listener>,
    pub(crate) tls: Option<Tls>,
    plan: RwLock<Arc<Plan>>,
    /// Who is in the mesh. Locked while members come or go.
    pub(crate) mesh: Mutex<InMesh>,
    /// Of the next member.
    next_number: AtomicUsize,
    /// If routes are signed.
    pub(crate) seal: Option<Seal>,
    pub(crate) manager: Manager,
    /// Where the manager's page is, once it listens.
    pub(crate) manager_page: Mutex<Option<SocketAddr>>,
    pub(crate) rates: Rates,
    assets: Assets,
    pub(crate) ids: RequestIds,
    pub(crate) access_file: Option<AccessFile>,
    pub(crate) clock: Clock,
    pub(crate) started: Instant,
    pub(crate) started_wall_ms: i64,
    pub(crate) live: Live,
    pub(crate) counts: Counts,
    pub(crate) server_http: server::conn::http1::Builder,
}

/// Who gets which requests. Another takes its place when the configuration is read again (`rearrange`).
pub(crate) struct Plan {
    /// In the order of the configuration.
    pub(crate) balancers: Vec<Members>,
    pub(crate) mappings: Mappings,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    /// Connections of clients that rest.
    pub(crate) resting: AtomicU64,
}

impl Tier {
    pub(crate) fn new(
        config: Config,
        assets: Assets,
        listeners: Vec<Listener>,
        clock: Clock,
    ) -> Result<Arc<Self>, Error> {
        let mut server_http = server::conn::http1::Builder::new();
        server_http.max_buf_size(config.stream_buffer_bytes.max(config.header_bytes_max));
        server_http.max_header_size(config.header_bytes_max);
        let started_wall_ms = clock();
        let any_secure = config.listen.any_secure();
        let tls = if any_secure { Some(Tls::new(&config.tls, &clock)?) } else { None };
        let listen = first_address(&listeners);
        let Layout { balancers, mappings } = Layout::of(&config)?;
        let moment = Moment { now: 0, wall_ms: started_wall_ms, last_one: false };
        let mut members = 0;
        let balancers = balancers.iter().map(|balancer| {
            let first = members;
            members += balancer.members.len();
            Members::new(balancer, &config, first, moment)
        });
        let balancers: Vec<_> = balancers.collect();
        Ok(Arc::new(Self {
            manager: Manager::new(&config.manager, &balancers)?,
            manager_page: Mutex::default(),
            plan: RwLock::new(Arc::new(Plan { balancers, mappings })),
            mesh: Mutex::new(InMesh { nodes: Vec::new(), terms: config.mesh_terms() }),
            next_number: AtomicUsize::new(members),
            seal: config.sign_routes.then(|| Seal::new(config.route_key_file.as_deref())).transpose()?,
            rates: config.rates(),
            // An address is always a valid header value; the fallback only spares a panic path.
            own_host: HeaderValue::try_from(listen.to_string())
                .unwrap_or_else(|_| HeaderValue::from_static("")),
            tls,
            assets,
            ids: RequestIds::new()?,
            access_file: config.access_log.as_deref().map(AccessFile::open).transpose()?,
            clock,
            started: Instant::now(),
            started_wall_ms,
            live: Live::new(&config, &listeners),
            listeners,
            counts: Counts::default(),
            server_http,
            config,
        }))
    }

    /// Who gets which requests now.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on this one says who gets which requests.
    pub(crate) fn replace_plan(&self, plan: Plan) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
    }

    /// What signs the routes of a balancer, if they are signed.
    pub(crate) fn seal(&self, balancer: &Members) -> Option<&Seal> {
        self.seal.as_ref().filter(|_| balancer.config.sign_routes)
    }

    /// Where it listens first.
    pub(crate) fn listen(&self) -> SocketAddr {
        first_address(&self.listeners)
    }

    pub(crate) fn now(&self) -> Ms {
        Ms::try_from(self.started.elapsed().as_millis()).unwrap_or(Ms::MAX)
    }

    /// The time on the wall, milliseconds since 1970.
    pub(crate) fn wall_ms(&self) -> i64 {
        (self.clock)()
    }

    /// The number of a new member.
    pub(crate) fn number(&self) -> usize {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// The circumstances of something that happens to no member in particular.
    pub(crate) fn moment_of_all(&self) -> Moment {
        Moment { now: self.now(), wall_ms: (self.clock)(), last_one: false }
    }

    /// The circumstances of something that happens to a member now.
    pub(crate) fn moment(&self, member: &Member) -> Moment {
        let plan = self.plan();
        let mut own = plan.balancers.iter().filter(|balancer| balancer.name == member.balancer);
        let last_one = own.any(|balancer| balancer.is_last_one(member));
        Moment { now: self.now(), wall_ms: (self.clock)(), last_one }
    }

    /// Answers one request, whatever happens. What can be done before the future begins is, so that it stays
    /// small: it is moved once a request.
    pub(crate) fn answer(
        self: Arc<Self>,
        client: Arc<Client>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Answer>> {
        let (mut parts, body) = request.into_parts();
        let mut record = Record::begin(self.clone(), client.clone(), parts.method.clone(), parts.uri.clone());
        record.hear(&parts.headers);
        let admitted = admit(&mut parts, &self.own_host);
        async move {
            let outcome = match admitted {
                Ok(id) => self.dispatch(&client, &mut parts, body, id.as_deref(), &mut record).await,
                Err(fault) => Err(fault),
            };
            let mut response = outcome.unwrap_or_else(|fault| {
                let response = fault.response(parts.uri.path(), &record.id).map(Content::Whole);
                record.fault = Some(fault);
                response
            });
            response.headers_mut().insert(X_REQUEST_ID, record.id.header());
            if client.is_secure()
                && let Some(hsts) = self.live.hsts()
            {
                response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
            }
            if client.leaves_after_this() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            record.status = Some(response.status());
            response.map(|content| Answer::new(content, record))
        }
    }

    async fn dispatch(
        self: &Arc<Self>,
        client: &Arc<Client>,
        parts: &mut request::Parts,
        body: Incoming,
        id: Option<&str>,
        record: &mut Record,
    ) -> Result<Response<Content>, Fault> {
        if !client.is_secure()
            && let Some(token) = acme::token_of(&self.config.tls.acme, parts.uri.path())
        {
            // Rare, and boxed: what every request carries stays small.
            let answer = Box::pin(acme::answer(&self.config.tls.acme, &parts.method, token)).await;
            return answer.map(|response| response.map(Content::Whole));
        }
        if !client.is_secure()
            && let Some(port) = self.live.redirect_port()
        {
            return redirect::to_https(parts, port).map(|response| response.map(Content::Whole));
        }
        let plan = self.plan();
        if let Some(found) = plan.mappings.find(&parts.method, parts.uri.path())
            && let Some(balancer) = plan.balancers.get(found.balancer)
        {
            if let Some(path) = found.path {
                parts.uri = mapping::rewritten(&parts.uri, &path).ok_or(Fault::Malformed("bad path"))?;
            }
            return forward(self, balancer, client, parts, body, id, record).await;
        }
        let found: Response<Bytes> = self.assets.answer(&parts.method, parts.uri.path(), &parts.headers)?;
        Ok(found.map(Content::Whole))
    }
}

fn first_address(listeners: &[Listener]) -> SocketAddr {
    // There is always one; the fallback only spares a panic path.
    listeners.first().map_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)), |listener| listener.address)
}
