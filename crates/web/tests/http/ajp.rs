//! The AJP listener as a web server meets it, message by message; some of what comes here no web server would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zebu_ajp::answer::Message;
use zebu_ajp::attribute::Attribute;
use zebu_ajp::request::{self, Forward};
use zebu_ajp::{PacketSize, Sender, body, packet};
use zebu_kit::{Cluster, PASSWORD};
use zebu_web::Networks;

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of a web server.
struct Front {
    stream: TcpStream,
    input: Vec<u8>,
}

/// A whole answer.
#[derive(Debug, Default)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    reuse: bool,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }
}

/// A message, with nothing borrowed.
#[derive(Debug, PartialEq)]
enum Said {
    Head(u16, Vec<(String, String)>),
    Chunk(Vec<u8>),
    Wanted(u16),
    End(bool),
    Pong,
    Closed,
}

impl Front {
    async fn connect(address: SocketAddr) -> Front {
        Front { stream: TcpStream::connect(address).await.unwrap(), input: Vec::new() }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn forward(
        &mut self,
        forward: Forward<'_>,
        headers: &[(&str, &[u8])],
        attributes: &[Attribute<'_>],
    ) {
        let mut out = Vec::new();
        let (headers, attributes) = (headers.iter().copied(), attributes.iter().copied());
        forward.write(headers, attributes, PacketSize::default(), &mut out).unwrap();
        self.send(&out).await;
    }

    async fn next(&mut self) -> Said {
        timeout(PATIENCE, async {
            loop {
                if let Some(packet) =
                    packet::first(Sender::Container, &self.input, PacketSize::default()).unwrap()
                {
                    let said = match Message::read(packet.payload).unwrap() {
                        Message::Head(head) => {
                            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                            let headers =
                                head.headers.map(|(name, value)| (name.to_lowercase(), text(value)));
                            Said::Head(head.status, headers.collect())
                        }
                        Message::Chunk(data) => Said::Chunk(data.to_vec()),
                        Message::Wanted(bytes) => Said::Wanted(bytes),
                        Message::End { reuse } => Said::End(reuse),
                        Message::Pong => Said::Pong,
                    };
                    self.input.drain(..packet.bytes);
                    return said;
                }
                if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                    return Said::Closed;
                }
            }
        })
        .await
        .expect("a message")
    }

    /// Reads an answer, giving the body's parts as they are wanted.
    async fn answer(&mut self, mut parts: &[u8]) -> Answer {
        let mut answer = Answer::default();
        loop {
            match self.next().await {
                Said::Head(status, headers) => (answer.status, answer.headers) = (status, headers),
                Said::Chunk(data) => answer.body.extend_from_slice(&data),
                Said::Wanted(most) => {
                    let mut out = Vec::new();
                    let written =
                        body::write(&parts[..parts.len().min(most.into())], PacketSize::default(), &mut out);
                    parts = &parts[usize::from(written)..];
                    self.send(&out).await;
                }
                Said::End(reuse) => {
                    answer.reuse = reuse;
                    return answer;
                }
                other => panic!("{other:?} after {answer:?}"),
            }
        }
    }

    /// Signs in by a form; whatever the client's address is said to be.
    async fn sign_in(&mut self, is_ssl: bool) -> Answer {
        let form = format!("name=anna&password={PASSWORD}&client=ajp");
        let length = form.len().to_string();
        let headers = [
            ("content-type", &b"application/x-www-form-urlencoded"[..]),
            ("content-length", length.as_bytes()),
        ];
        let forward = Forward {
            method: "POST",
            uri: b"/ajax/login",
            remote_address: Some("192.0.2.1"),
            is_ssl,
            ..Forward::default()
        };
        self.forward(forward, &headers, &[Attribute::Query(Some(b"action=login"))]).await;
        let mut out = Vec::new();
        body::write(form.as_bytes(), PacketSize::default(), &mut out);
        self.send(&out).await;
        self.answer(&[]).await
    }

    /// Asks whether somebody is there; answers what comes of it.
    async fn ping(&mut self) -> Said {
        let mut ping = Vec::new();
        request::ping(&mut ping);
        self.send(&ping).await;
        self.next().await
    }

    async fn is_answered(&mut self) -> bool {
        let forward = Forward { uri: b"/health/live", ..Forward::default() };
        self.forward(forward, &[], &[]).await;
        self.answer(&[]).await.status == 200
    }
}

async fn listening(change: impl FnOnce(&mut zebu_web::ajp::Config)) -> (Cluster, SocketAddr) {
    let mut cluster = Cluster::start(1).await;
    let address = cluster.nodes[0].ajp(change).await;
    (cluster, address)
}

#[tokio::test]
async fn many_requests_go_one_after_the_other_on_one_connection_and_a_ping_between_them() {
    let (_cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    for _ in 0..3 {
        let answer = front.sign_in(false).await;
        assert_eq!((answer.status, answer.reuse), (200, true), "{answer:?}");
        assert!(String::from_utf8_lossy(&answer.body).contains("\"session\""));
        assert_eq!(answer.header("content-length").unwrap(), answer.body.len().to_string());
        assert_eq!(front.ping().await, Said::Pong);
    }
}

#[tokio::test]
async fn tls_at_the_front_makes_secure_cookies_and_what_the_client_says_of_itself_does_not() {
    let (_cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    let cookies = |answer: &Answer| {
        let set = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.map(|(_, value)| value.contains("; Secure")).collect::<Vec<_>>()
    };
    assert!(cookies(&front.sign_in(true).await).iter().all(|secure| *secure));
    assert!(cookies(&front.sign_in(false).await).iter().all(|secure| !*secure));
    let forward = Forward { uri: b"/ajax/login", ..Forward::default() };
    front.forward(forward, &[("x-forwarded-proto", b"https"), ("forwarded", b"proto=https")], &[]).await;
    let answer = front.answer(&[]).await;
    assert!(!cookies(&answer).is_empty() && cookies(&answer).iter().all(|secure| !*secure), "{answer:?}");
}

#[tokio::test]
async fn without_the_secret_a_request_is_answered_403_and_the_connection_closed() {
    let (_cluster, address) = listening(|ajp| "correct horse".clone_into(&mut ajp.secret)).await;
    for attributes in [&[][..], &[Attribute::Secret(b"")], &[Attribute::Secret(b"correct hors")]] {
        let mut front = Front::connect(address).await;
        front.forward(Forward { uri: b"/health/live", ..Forward::default() }, &[], attributes).await;
        let answer = front.answer(&[]).await;
        assert_eq!((answer.status, answer.reuse), (403, false));
        assert_eq!(front.next().await, Said::Closed);
    }
    let mut front = Front::connect(address).await;
    front
        .forward(
            Forward { uri: b"/health/live", ..Forward::default() },
            &[],
            &[Attribute::Secret(b"correct horse")],
        )
        .await;
    assert_eq!(front.answer(&[]).await.status, 200);
}

/// CVE-2020-1938 (Ghostcat).
#[tokio::test]
async fn an_attribute_that_nobody_knows_is_answered_403_and_the_connection_closed() {
    let (_cluster, address) = listening(|ajp| ajp.attributes = vec!["UNIQUE_ID".to_owned()]).await;
    let other =
        |name: &'static str| Attribute::Other { name: name.as_bytes(), value: Some(b"WEB-INF/web.xml") };
    for attribute in
        [other("javax.servlet.include.path_info"), other("org.x"), Attribute::ServletPath(Some(b"/a"))]
    {
        let mut front = Front::connect(address).await;
        front.forward(Forward { uri: b"/health/live", ..Forward::default() }, &[], &[attribute]).await;
        let answer = front.answer(&[]).await;
        assert_eq!((answer.status, answer.reuse), (403, false), "{attribute:?}");
        assert_eq!(front.next().await, Said::Closed);
    }
    let mut front = Front::connect(address).await;
    let known = [
        other("AJP_REMOTE_PORT"),
        other("AJP_LOCAL_ADDR"),
        other("JK_LB_ACTIVATION"),
        other("UNIQUE_ID"),
        Attribute::SslKeySize(128),
    ];
    front.forward(Forward { uri: b"/health/live", ..Forward::default() }, &[], &known).await;
    assert_eq!(front.answer(&[]).await.status, 200);
}

#[tokio::test]
async fn what_is_no_request_closes_its_connection_and_nothing_else() {
    let (_cluster, address) = listening(|_| {}).await;
    let mut other = Front::connect(address).await;
    assert!(other.is_answered().await);
    let shutdown = b"\x12\x34\0\x01\x07";
    let old_ping = b"\x12\x34\0\x01\x08";
    let chunk = b"\x12\x34\0\x07\0\x05hello";
    for bytes in
        [&shutdown[..], old_ping, chunk, b"GET / HTTP/1.1\r\n\r\n", b"AB\0\x01\x09", b"\x12\x34\xFF\xFF"]
    {
        let mut front = Front::connect(address).await;
        front.send(bytes).await;
        assert_eq!(front.next().await, Said::Closed, "{bytes:?}");
    }
    assert!(other.is_answered().await);
}

#[tokio::test]
async fn only_listed_web_servers_may_connect() {
    let elsewhere = Networks::try_from(vec!["10.0.0.0/8".to_owned()]).unwrap();
    let (_cluster, address) = listening(|ajp| ajp.peers = elsewhere).await;
    let mut front = Front::connect(address).await;
    assert_eq!(front.next().await, Said::Closed);
}

/// CVE-2022-1319, CVE-2012-3502: what is left of a body would be read as the next request, or its answer as another's.
#[tokio::test]
async fn a_connection_whose_body_nobody_read_is_closed_after_the_answer() {
    let (_cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    let forward = Forward { method: "POST", uri: b"/nothing/here", ..Forward::default() };
    front.forward(forward, &[("content-length", b"1000000")], &[]).await;
    let answer = front.answer(&[]).await;
    assert_eq!((answer.status, answer.reuse), (404, false));
    // What was on its way arrives, and does no harm.
    let mut out = Vec::new();
    body::write(&[b'x'; 8_186], PacketSize::default(), &mut out);
    front.send(&out).await;
    assert_eq!(front.next().await, Said::Closed);
}

#[tokio::test]
async fn more_body_than_announced_closes_the_connection() {
    let (_cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    let headers = [("content-type", &b"application/x-www-form-urlencoded"[..]), ("content-length", b"5")];
    let forward = Forward { method: "POST", uri: b"/ajax/login", ..Forward::default() };
    front.forward(forward, &headers, &[Attribute::Query(Some(b"action=login"))]).await;
    let mut out = Vec::new();
    body::write(b"name=anna&password=secret", PacketSize::default(), &mut out);
    front.send(&out).await;
    assert_eq!(front.next().await, Said::Closed);
}

#[tokio::test]
async fn a_chunked_body_is_asked_for_part_by_part() {
    let (_cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    let headers =
        [("content-type", &b"application/x-www-form-urlencoded"[..]), ("transfer-encoding", b"chunked")];
    let forward = Forward { method: "POST", uri: b"/ajax/login", ..Forward::default() };
    front.forward(forward, &headers, &[Attribute::Query(Some(b"action=login"))]).await;
    let form = format!("name=anna&password={PASSWORD}&client=ajp");
    let answer = front.answer(form.as_bytes()).await;
    assert_eq!((answer.status, answer.reuse), (200, true));
    assert!(String::from_utf8_lossy(&answer.body).contains("\"session\""), "{answer:?}");
}

#[tokio::test]
async fn a_head_has_no_body_and_says_how_long_it_would_be() {
    let (_cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    front.forward(Forward { method: "HEAD", uri: b"/nothing", ..Forward::default() }, &[], &[]).await;
    let answer = front.answer(&[]).await;
    assert_eq!((answer.status, answer.body.len(), answer.reuse), (404, 0, true));
    assert!(front.is_answered().await);
}

#[tokio::test]
async fn events_are_flushed_and_a_stream_ends_when_the_front_goes() {
    let (cluster, address) = listening(|_| {}).await;
    let anna = cluster.direct(0, "anna").login().await;
    let query = format!("action=subscribe&session={}&topics=tree", anna.session.as_ref().unwrap());
    let cookies = anna.jar.header().unwrap();
    let mut front = Front::connect(address).await;
    let forward = Forward { uri: b"/ajax/push", ..Forward::default() };
    front
        .forward(forward, &[("cookie", cookies.as_bytes())], &[Attribute::Query(Some(query.as_bytes()))])
        .await;
    let Said::Head(200, headers) = front.next().await else { panic!("no stream") };
    assert!(headers.iter().any(|(name, value)| name == "content-type" && value == "text/event-stream"));
    let mut is_flushed = false;
    while !is_flushed {
        let Said::Chunk(data) = front.next().await else { panic!("no chunk") };
        is_flushed = data.is_empty();
    }
    let waiting = || zebu_app::push::state(&cluster.nodes[0].app).open;
    assert_eq!(waiting(), 1);
    drop(front);
    timeout(PATIENCE, async {
        while waiting() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the subscription ends");
}

#[tokio::test]
async fn a_node_that_stops_finishes_what_is_under_way_and_says_that_it_was_the_last() {
    let (mut cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    let form = format!("name=anna&password={PASSWORD}&client=ajp");
    let headers =
        [("content-type", &b"application/x-www-form-urlencoded"[..]), ("transfer-encoding", b"chunked")];
    let forward = Forward { method: "POST", uri: b"/ajax/login", ..Forward::default() };
    front.forward(forward, &headers, &[Attribute::Query(Some(b"action=login"))]).await;
    let Said::Wanted(_) = front.next().await else { panic!("it asks for the body") };
    let mut node = cluster.nodes.remove(0);
    let stopping = tokio::spawn(async move { node.stop().await });
    // Nobody listens any more: the stop has begun.
    timeout(PATIENCE, async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it stops listening");
    let mut out = Vec::new();
    body::write(form.as_bytes(), PacketSize::default(), &mut out);
    front.send(&out).await;
    let answer = front.answer(&[]).await;
    assert_eq!((answer.status, answer.reuse), (200, false), "{answer:?}");
    assert_eq!(front.next().await, Said::Closed);
    drop(front);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_node_that_drains_and_stays_refuses_connections_until_it_is_given_back() {
    let cluster = Cluster::start(1).await;
    let config = zebu_web::ajp::Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..zebu_web::ajp::Config::default()
    };
    let app = cluster.nodes[0].app.clone();
    let server = zebu_web::Server::bind_ajp(&config, &zebu_web::Config::default(), app).await.unwrap();
    let (address, drain) = (server.local_addr(), server.draining());
    let serving = tokio::spawn(server.run(std::future::pending()));
    let becomes = async |refuses: bool| {
        timeout(PATIENCE, async {
            while TcpStream::connect(address).await.is_err() != refuses {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it refuses connections, or takes them")
    };
    let mut kept: Vec<Front> = Vec::new();
    for _ in 0..3 {
        let mut front = Front::connect(address).await;
        assert_eq!(front.ping().await, Said::Pong);
        kept.push(front);
    }
    drain.refuse_connections(true);
    drain.begin();
    becomes(true).await;
    // What was connected before is answered once more, but for who asks first: AJP has no other word for it.
    assert_eq!(kept[0].ping().await, Said::Closed);
    let answer = kept[1].sign_in(false).await;
    assert_eq!((answer.status, answer.reuse), (200, false), "{answer:?}");
    assert_eq!(kept[1].next().await, Said::Closed);
    drain.undo();
    drain.refuse_connections(false);
    becomes(false).await;
    let mut front = Front::connect(address).await;
    assert_eq!(front.ping().await, Said::Pong);
    let answer = kept[2].sign_in(false).await;
    assert_eq!((answer.status, answer.reuse), (200, true), "{answer:?}");
    assert!(drain.left().is_nothing());
    serving.abort();
}

#[tokio::test]
async fn a_node_that_stops_does_not_wait_for_a_front_that_keeps_its_connections() {
    let (mut cluster, address) = listening(|_| {}).await;
    let mut front = Front::connect(address).await;
    assert_eq!(front.ping().await, Said::Pong);
    let mut node = cluster.nodes.remove(0);
    // Half of what it would wait for a front that is still sending.
    timeout(std::time::Duration::from_secs(10), node.stop()).await.expect("it stops at once");
    assert_eq!(front.next().await, Said::Closed);
}
