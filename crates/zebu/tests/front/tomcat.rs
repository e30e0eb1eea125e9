//! A real Tomcat 10 behind our web tier: what Apache would tell it, sessions with and without cookies, bodies both ways.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zebu_balancer::MemberState;

use crate::server::Server;
use crate::web_tier::WebTier;

const HOME: &str = "/usr/share/tomcat10";
const SECRET: &str = "a secret of Tomcat's";
const MIB: usize = 1024 * 1024;

/// One value a line: who asks, and whose session it is.
const FACTS: &str = "<%@page contentType=\"text/plain\"%><% session.setAttribute(\"count\", 1 + \
    (session.getAttribute(\"count\") == null ? 0 : (Integer) session.getAttribute(\"count\"))); \
    out.print(request.getMethod() + \"\\n\" + request.getRemoteAddr() + \"\\n\" + request.getRemotePort() + \"\\n\" + \
    request.isSecure() + \"\\n\" + request.getServerName() + \":\" + request.getServerPort() + \"\\n\" + \
    request.getQueryString() + \"\\n\" + session.getId() + \"\\n\" + session.getAttribute(\"count\")); %>";

/// How many bytes came, and what they add up to.
const COUNT: &str = "<%@page contentType=\"text/plain\" import=\"java.util.zip.CRC32\"%><% \
    java.io.InputStream in = request.getInputStream(); CRC32 crc = new CRC32(); byte[] part = new byte[65536]; \
    long all = 0; int n; while ((n = in.read(part)) > 0) { crc.update(part, 0, n); all += n; } \
    out.print(all + \" \" + crc.getValue()); %>";

/// As many bytes as the query says, of which nobody knows the number before; flushed in the middle.
const BYTES: &str = "<%@page contentType=\"application/octet-stream\" session=\"false\"%><% \
    java.io.OutputStream o = response.getOutputStream(); int all = Integer.parseInt(request.getQueryString()); \
    byte[] part = new byte[10007]; java.util.Arrays.fill(part, (byte) 7); \
    for (int sent = 0; sent < all; ) { int n = Math.min(part.length, all - sent); o.write(part, 0, n); sent += n; \
    if (sent < 50000) o.flush(); } o.flush(); out = pageContext.pushBody(); %>";

fn configure(folder: &Path, address: SocketAddr) -> Vec<String> {
    let root = folder.join("webapps/ROOT");
    for part in ["conf", "logs", "temp", "work"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    std::fs::create_dir_all(root.join("WEB-INF")).unwrap();
    std::fs::create_dir_all(root.join("ajax")).unwrap();
    for (name, text) in [("facts", FACTS), ("count", COUNT), ("bytes", BYTES)] {
        std::fs::write(root.join(format!("ajax/{name}.jsp")), text).unwrap();
    }
    let web = "<web-app version=\"6.0\" xmlns=\"https://jakarta.ee/xml/ns/jakartaee\"><servlet><servlet-name>jsp</servlet-name>\
        <servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class></servlet><servlet-mapping>\
        <servlet-name>jsp</servlet-name><url-pattern>*.jsp</url-pattern></servlet-mapping></web-app>";
    std::fs::write(root.join("WEB-INF/web.xml"), web).unwrap();
    let server = format!(
        "<Server port=\"-1\"><Service name=\"Catalina\"><Connector protocol=\"AJP/1.3\" address=\"{}\" port=\"{}\" \
         secret=\"{SECRET}\"/><Engine name=\"Catalina\" defaultHost=\"localhost\" jvmRoute=\"T-1\"><Host name=\"localhost\" \
         appBase=\"webapps\" autoDeploy=\"false\"/></Engine></Service></Server>",
        address.ip(),
        address.port()
    );
    std::fs::write(folder.join("conf/server.xml"), server).unwrap();
    let classes = format!("{HOME}/bin/bootstrap.jar:{HOME}/bin/tomcat-juli.jar");
    let homes = [format!("-Dcatalina.home={HOME}"), format!("-Dcatalina.base={}", folder.display())];
    let small = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"].map(str::to_owned);
    let start = ["org.apache.catalina.startup.Bootstrap", "start"].map(str::to_owned);
    [vec!["-cp".to_owned(), classes], small.to_vec(), homes.to_vec(), start.to_vec()].concat()
}

/// Apache's text for this member.
fn text(tomcat: &Server, secret: &str) -> String {
    format!(
        "<Proxy balancer://tomcat>\n  BalancerMember ajp://{} route=T-1 \"secret={secret}\" ping=10 hcmethod=GET\n</Proxy>\n\
         ProxyPass /ajax balancer://tomcat/ajax stickysession=JSESSIONID|jsessionid\n",
        tomcat.address
    )
}

/// The answer of a request of a connection of its own: its head, and its body.
async fn ask(address: SocketAddr, head: &str, body: &[u8]) -> (String, Vec<u8>, SocketAddr) {
    let stream = TcpStream::connect(address).await.unwrap();
    let own = stream.local_addr().unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let head = if head.contains(" HTTP/1.1\r\n") {
        format!("{head} 1\r\n")
    } else {
        format!("{head} HTTP/1.0\r\nHost: mail.example.com\r\n")
    };
    let write = async {
        writer.write_all(head.as_bytes()).await.unwrap();
        writer.write_all(body).await.unwrap();
        writer
    };
    let mut said = Vec::new();
    let (_writer, read) = tokio::join!(write, reader.read_to_end(&mut said));
    read.unwrap();
    let end = said.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(said[..end].to_vec()).unwrap();
    (head, said.split_off(end + 4), own)
}

async fn get(address: SocketAddr, target: &str, cookie: &str) -> (String, String, SocketAddr) {
    let (head, body, own) = ask(address, &format!("GET {target}"), cookie.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    (head, String::from_utf8(body).unwrap(), own)
}

fn lines(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

/// The check sum of zip and of `java.util.zip.CRC32`.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tomcat_works_behind_our_web_tier_as_behind_apache() {
    let tomcat = Server::start("java", configure);
    let tier = WebTier::start(&text(&tomcat, SECRET)).await;
    who_asks_is_known_and_sessions_stay(tier.address).await;
    bodies_go_both_ways_whole(tier.address).await;
    let (head, body, _) = ask(tier.address, "HEAD /ajax/bytes.jsp?5", b"\r\n").await;
    assert!(head.starts_with("HTTP/1.0 200") && body.is_empty(), "{head}");
    assert_eq!(tier.status.snapshot().members[0].failures, 0);

    let stranger = WebTier::start(&text(&tomcat, "another")).await;
    let (head, ..) = ask(stranger.address, "GET /ajax/facts.jsp", b"\r\n").await;
    assert!(head.starts_with("HTTP/1.0 403"), "{head}");
    assert_eq!(tier.status.snapshot().members[0].state, MemberState::Up);
}

async fn who_asks_is_known_and_sessions_stay(address: SocketAddr) {
    let (head, body, own) = get(address, "/ajax/facts.jsp?a=%20b", "\r\n").await;
    let facts = lines(&body);
    let port = own.port().to_string();
    assert_eq!(facts[..6], ["GET", "127.0.0.1", &port, "false", "mail.example.com:80", "a=%20b"]);
    let id = facts[6];
    assert!(id.ends_with(".T-1") && facts[7] == "1", "{body}");
    // Until it is known to be none of our nodes its route is signed, and what it writes into addresses is not followed.
    assert!(head.contains(&format!("JSESSIONID={}", id.trim_end_matches(".T-1"))), "{head}");
    let began = Instant::now();
    loop {
        let (_, body, _) = get(address, &format!("/ajax/facts.jsp;jsessionid={id}?q"), "\r\n").await;
        if lines(&body)[6] == id {
            assert_eq!(lines(&body)[5..], ["q", id, "2"]);
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it is not known to be a Tomcat");
    }
    let (_, body, _) = get(address, "/ajax/facts.jsp", &format!("Cookie: JSESSIONID={id}\r\n\r\n")).await;
    assert_eq!(lines(&body)[6..], [id, "3"]);
}

async fn bodies_go_both_ways_whole(address: SocketAddr) {
    let large: Vec<u8> = (0..5 * MIB + 13).map(|at| (at % 251) as u8).collect();
    let expected = format!("{} {}", large.len(), crc32(&large));
    for body in [
        [format!("Content-Length: {}\r\n\r\n", large.len()).as_bytes(), &large].concat(),
        [&b"Transfer-Encoding: chunked\r\n\r\n"[..], &chunked(&large)].concat(),
    ] {
        let (head, counted, _) = ask_11(address, "/ajax/count.jsp", &body).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(String::from_utf8_lossy(&counted).contains(&expected), "{head}");
    }
    for bytes in [0, 1, 8_184, 8_185, 20 * MIB + 1] {
        let (head, body, _) = ask(address, &format!("GET /ajax/bytes.jsp?{bytes}"), b"\r\n").await;
        assert_eq!((body.len(), body.iter().all(|byte| *byte == 7)), (bytes, true), "{head}");
    }
}

/// A `POST` of HTTP/1.1: only that has chunks.
async fn ask_11(address: SocketAddr, target: &str, rest: &[u8]) -> (String, Vec<u8>, SocketAddr) {
    let head = format!("POST {target} HTTP/1.1\r\nHost: mail.example.com\r\nConnection: close\r\nX-Was:");
    ask(address, &head, rest).await
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in bytes.chunks(70_001) {
        out.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}
