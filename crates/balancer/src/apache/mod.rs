//! The guide's own form of the configuration: Apache's directives about proxies, read as they stand.
//!
//! `layout` calls [`read`]. What Apache does and this web tier does not is said in the log; what is unknown, or would be
//! dangerous to pass over (a restriction, say), is an error with its line.

mod directives;
mod lines;

use crate::Error;
use crate::layout::Layout;

/// Reads a file.
///
/// # Errors
/// [`Error::Config`] naming the file and the line.
pub(crate) fn read(path: &str) -> Result<Layout, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Config(format!("proxy_config: cannot read {path}: {error}")))?;
    let (layout, warnings) =
        parse(&text).map_err(|(line, reason)| Error::Config(format!("{path}:{line}: {reason}")))?;
    for (line, warning) in warnings {
        tracing::warn!("{path}:{line}: {warning}");
    }
    Ok(layout)
}

/// Something about a line, by its number.
type About = (usize, String);

fn parse(text: &str) -> Result<(Layout, Vec<About>), About> {
    let mut reader = directives::Reader::default();
    for line in lines::read(text)? {
        reader.take(&line).map_err(|reason| (line.number, reason))?;
    }
    reader.finish()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::params::balancer::Method as Way;
    use crate::params::member::{MemberConfig, Protocol};
    use crate::params::value::Weight;

    /// The guide's own file, character for character.
    const GUIDE: &str = include_str!("../../../../testing/kit/guide/proxy_ajp.conf");

    fn found(layout: &Layout, path: &str) -> Option<(String, String)> {
        let found = layout.mappings.find(&Method::GET, path)?;
        Some((layout.balancers[found.balancer].name.clone(), found.path.unwrap_or_else(|| path.to_owned())))
    }

    #[test]
    fn the_guide_s_text_is_read_as_it_stands() {
        let (layout, warnings) = parse(GUIDE).unwrap();
        let member = |route: &str, address: &str| MemberConfig {
            protocol: Protocol::Ajp,
            weight: Weight::of_hundredths(5_000).unwrap(),
            ttl_ms: Some(60_000),
            retry_ms: Some(5_000),
            ..MemberConfig::new(route, address)
        };
        assert_eq!(layout.balancers.len(), 1);
        let balancer = &layout.balancers[0];
        assert_eq!(balancer.name, "oxcluster");
        assert_eq!(
            balancer.members,
            [member("OX-1", "10.20.30.213:8009"), member("OX-2", "10.20.30.215:8009")]
        );
        assert_eq!(balancer.sticky.as_ref().unwrap().cookie, "JSESSIONID");
        let same = |path: &str| Some(("oxcluster".to_owned(), path.to_owned()));
        for path in ["/ajax/login", "/infostore", "/Microsoft-Server-ActiveSync", "/axis2/services/x"] {
            assert_eq!(found(&layout, path), same(path), "{path}");
        }
        assert_eq!(found(&layout, "/index.html"), None);
        assert_eq!(found(&layout, "/ajaxx"), None);
        let lines: Vec<_> = warnings.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3], "{warnings:?}");
        assert!(warnings[0].1.contains("open proxy"), "{warnings:?}");
    }

    #[test]
    fn several_paths_go_to_several_balancers() {
        let text = "
            ProxyPass /app/private !
            ProxyPassMatch ^/app/.*\\.gif$ !
            ProxyPass /app balancer://one/ stickysession=SID|sid lbmethod=bybusyness
            ProxyPassMatch ^/v(\\d)/(.*)$ balancer://two/version$1/$2
            ProxyPass /direct http://h:8080/there retry=1
            <Proxy balancer://one>
              BalancerMember http://a:1 route=a
              BalancerMember http://b:1 route=b status=+H
              ProxySet nofailover=On \\
                       maxattempts=2
            </Proxy>
            BalancerMember balancer://two http://c:1
            ProxySet balancer://two timeout=2
            BalancerGrowth 5";
        let (layout, warnings) = parse(text).unwrap();
        assert_eq!(warnings, []);
        let to = |balancer: &str, path: &str| Some((balancer.to_owned(), path.to_owned()));
        assert_eq!(found(&layout, "/app/x/y"), to("one", "/x/y"));
        assert_eq!(found(&layout, "/app/private/y"), None);
        assert_eq!(found(&layout, "/app/x.gif"), None);
        assert_eq!(found(&layout, "/v2/y"), to("two", "/version2/y"));
        assert_eq!(found(&layout, "/direct/x"), to("http-h-8080", "/there/x"));
        let [one, direct, two] = ["one", "http-h-8080", "two"]
            .map(|name| layout.balancers.iter().find(|balancer| balancer.name == name).unwrap());
        assert_eq!((one.nofailover, one.attempts_max, one.method), (true, Some(2), Way::ByBusyness));
        assert_eq!(one.sticky.as_ref().unwrap().parameter, "sid");
        assert_eq!(one.members.len(), 2);
        assert_eq!((two.wait_ms, two.members[0].route.as_str()), (2_000, "c-1"));
        assert_eq!((direct.members[0].address.as_str(), direct.members[0].retry_ms), ("h:8080", Some(1_000)));
        assert!(layout.balancers.iter().all(|balancer| balancer.growth == 5));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let check = |text: &str, line: usize, named: &str| {
            let (number, reason) = parse(text).map(drop).expect_err(text);
            assert!(number == line && reason.contains(named), "{text}: {number}: {reason}");
        };
        let inside = |line: &str| format!("<Proxy balancer://x>\n{line}\n</Proxy>\n");
        check(&inside("BalancerMember ajp://h loadfaktor=5"), 2, "loadfaktor is no parameter");
        check(&inside("BalancerMember ajp://h loadfactor=500"), 2, "loadfactor must be");
        check(&inside("BalancerMember ftp://h"), 2, "http:// or ajp://");
        check(&inside("BalancerMember ajp://h route"), 2, "key=value");
        check(&inside("BalancerMember"), 2, "needs");
        check(&inside("ProxySet lbmethod=x"), 2, "lbmethod must be");
        check(&inside("Deny from 10.0.0.1"), 2, "Deny");
        check(&inside("Require ip 10.0.0.1"), 2, "Require");
        check(&inside("<Proxy balancer://y>"), 2, "inside");
        check("\nProxyPas /a balancer://x/a", 2, "ProxyPas");
        check("ProxyPass /a balancer://x/a", 1, "\"x\"");
        check("ProxyPass a balancer://x/a", 1, "begin with /");
        check("ProxyPass /a", 1, "needs");
        check("ProxyPass /a ftp://x/", 1, "http:// or ajp://");
        check("ProxyPassMatch ( !", 1, "regular expression");
        check("ProxyRequests Maybe", 1, "On or Off");
        check("BalancerMember ajp://h", 1, "balancer://");
        check("<Proxy balancer://x>", 1, "never closed");
        check("</Proxy>", 1, "not open");
        check("<Location /x>\n</Location>", 1, "<Location");
        check("<IfModule mod_proxy.c>\n</Proxy>", 2, "not open");
        check("<Proxy http://x>\nBalancerMember ajp://h\n</Proxy>", 2, "balancer://");
    }

    #[test]
    fn what_is_for_a_module_that_is_not_here_is_passed_over() {
        let text = "<IfModule !mod_proxy.c>\nNonsense\n<Proxy x>\n</Proxy>\n</IfModule>\n<IfModule mod_ssl.c>\nSSLEngine On\n</IfModule>\n";
        let (layout, warnings) = parse(text).unwrap();
        assert!(layout.balancers.is_empty());
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].1.contains("mod_ssl.c"));
    }
}
