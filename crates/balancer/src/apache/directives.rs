//! What each directive means here.
//!
//! [`Reader`] takes line after line; names of balancers are looked up at the end, because Apache lets a `ProxyPass` stand
//! before the `<Proxy>` it is about.

use crate::apache::About;
use crate::apache::lines::Line;
use crate::layout::Layout;
use crate::mapping::{From, Mapping, Mappings, To};
use crate::params::Parameters;
use crate::params::balancer::BalancerConfig;
use crate::params::member::MemberConfig;
use crate::params::value::{number, switch};

const SCHEME: &str = "balancer://";

/// An open section.
#[derive(Debug, PartialEq, Eq)]
enum Section {
    /// Its lines count.
    Here,
    /// Its lines are for a module that is not here.
    PassedOver,
    /// `<Proxy …>`; the place of its balancer, if it is about one.
    Proxy(Option<usize>),
}

/// A `ProxyPass` whose balancer is not looked up yet.
#[derive(Debug)]
struct Pass {
    line: usize,
    from: From,
    to: Option<(String, String)>,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    balancers: Vec<BalancerConfig>,
    passes: Vec<Pass>,
    /// Parameters of balancers that are not known yet: line, name, pairs.
    later: Vec<(usize, String, Vec<String>)>,
    sections: Vec<(usize, String, Section)>,
    warnings: Vec<About>,
    timeout: Option<String>,
    buffer: Option<String>,
    growth: Option<u32>,
    line: usize,
}

impl Reader {
    /// Takes a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn take(&mut self, line: &Line) -> Result<(), String> {
        self.line = line.number;
        let Some((name, arguments)) = line.words.split_first() else { return Ok(()) };
        if let Some(section) = name.strip_prefix("</") {
            return self.close(section);
        }
        if let Some(section) = name.strip_prefix('<') {
            return self.open(section, arguments);
        }
        if self.is_passed_over() {
            return Ok(());
        }
        self.directive(name, arguments)
    }

    fn is_passed_over(&self) -> bool {
        self.sections.iter().any(|(_, _, section)| *section == Section::PassedOver)
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push((self.line, text.into()));
    }

    fn open(&mut self, name: &str, arguments: &[String]) -> Result<(), String> {
        let section = match (name.to_ascii_lowercase().as_str(), arguments) {
            _ if self.is_passed_over() => Section::PassedOver,
            ("ifmodule", [module]) => self.of_module(module),
            ("proxy", [url]) => {
                if self.sections.iter().any(|(_, _, section)| matches!(section, Section::Proxy(_))) {
                    return Err("a <Proxy> cannot stand inside another".to_owned());
                }
                let balancer = url.strip_prefix(SCHEME).map(|name| self.balancer(name)).transpose()?;
                Section::Proxy(balancer)
            }
            ("ifmodule" | "proxy", _) => return Err(format!("<{name}> needs one word")),
            _ => return Err(format!("<{name}> is not understood here")),
        };
        self.sections.push((self.line, name.to_ascii_lowercase(), section));
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        match self.sections.pop() {
            Some((_, open, _)) if open == name.to_ascii_lowercase() => Ok(()),
            _ => Err(format!("</{name}> is not open")),
        }
    }

    /// Whether what is for a module counts: everything about proxies and access does.
    fn of_module(&mut self, module: &str) -> Section {
        let (wanted, module) = match module.strip_prefix('!') {
            Some(module) => (false, module),
            None => (true, module),
        };
        let bare = module.trim_start_matches("mod_");
        let is_here = ["proxy", "lbmethod", "slotmem", "access_compat", "authz"]
            .iter()
            .any(|ours| bare.starts_with(ours));
        if is_here == wanted {
            return Section::Here;
        }
        if wanted {
            self.warn(format!("what is for the module {module} is passed over"));
        }
        Section::PassedOver
    }

    /// The place of a balancer, made if it is new.
    fn balancer(&mut self, name: &str) -> Result<usize, String> {
        let mut fresh = BalancerConfig::default();
        fresh.set("name", name.trim_end_matches('/'))?;
        if let Some(place) = self.balancers.iter().position(|balancer| balancer.name == fresh.name) {
            return Ok(place);
        }
        self.balancers.push(fresh);
        Ok(self.balancers.len() - 1)
    }

    fn directive(&mut self, name: &str, arguments: &[String]) -> Result<(), String> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match (name.to_ascii_lowercase().as_str(), words.as_slice()) {
            ("balancermember", words) => self.member(words),
            ("proxyset", words) => self.set(words),
            ("proxypass", [path, url, parameters @ ..]) => {
                if !path.starts_with('/') {
                    return Err(format!("the path \"{path}\" must begin with /"));
                }
                self.pass(From::Prefix((*path).to_owned()), url, parameters)
            }
            ("proxypassmatch", [pattern, url, parameters @ ..]) => {
                self.pass(From::pattern(pattern)?, url, parameters)
            }
            ("proxyrequests", [value]) => {
                if switch(value)? {
                    self.warn(
                        "ProxyRequests On makes no open proxy here: only what ProxyPass names is passed on",
                    );
                }
                Ok(())
            }
            ("proxyvia", [value]) => {
                if !value.eq_ignore_ascii_case("off") {
                    self.warn("ProxyVia: no Via header is added here");
                }
                Ok(())
            }
            ("proxypreservehost", [value]) => {
                if !switch(value)? {
                    self.warn("ProxyPreserveHost Off: members see the client's Host here, as with On");
                }
                Ok(())
            }
            ("proxytimeout", [value]) => self.default_of("timeout", value),
            ("proxyiobuffersize", [value]) => self.default_of("iobuffersize", value),
            ("balancergrowth", [value]) => {
                self.growth = u32::try_from(number(value, 0, 100)?).ok();
                Ok(())
            }
            // Changes at run time are always kept here.
            ("balancerpersist" | "balancerinherit", [value]) => switch(value).map(drop),
            // Answers name no member's address here, so there is nothing to turn back.
            ("proxypassreverse", [_, _] | [_]) => Ok(()),
            ("order", [_]) | ("order", [_, _]) => Ok(()),
            ("allow", ["from", "all"]) | ("require", ["all", "granted"]) => Ok(()),
            ("allow" | "deny" | "require" | "satisfy", _) => {
                Err(format!("{name}: access by address is not decided here; use a firewall"))
            }
            ("proxypass" | "proxypassmatch" | "proxyrequests" | "proxyvia" | "proxypreservehost", _) => {
                Err(format!("{name} needs other words"))
            }
            _ => Err(format!("{name} is not understood here")),
        }
    }

    /// Keeps what members get that do not say it themselves.
    fn default_of(&mut self, key: &str, value: &str) -> Result<(), String> {
        MemberConfig::new("", "").set(key, value)?;
        let kept = if key == "timeout" { &mut self.timeout } else { &mut self.buffer };
        *kept = Some(value.to_owned());
        Ok(())
    }

    fn member(&mut self, words: &[&str]) -> Result<(), String> {
        let (place, words) = self.about(words, "BalancerMember")?;
        let [url, parameters @ ..] = words else { return Err("BalancerMember needs an address".to_owned()) };
        let member = member(url, parameters)?;
        if let Some(balancer) = self.balancers.get_mut(place) {
            balancer.members.push(member);
        }
        Ok(())
    }

    fn set(&mut self, words: &[&str]) -> Result<(), String> {
        let (place, pairs) = self.about(words, "ProxySet")?;
        self.balancers.get_mut(place).map_or(Ok(()), |balancer| parameters(balancer, pairs))
    }

    /// The balancer a line is about: the one it stands in, or the one it names; and its other words.
    fn about<'a>(&mut self, words: &'a [&'a str], directive: &str) -> Result<(usize, &'a [&'a str]), String> {
        if let Some((_, _, Section::Proxy(Some(place)))) = self.sections.last() {
            return Ok((*place, words));
        }
        match words.split_first().and_then(|(first, rest)| Some((first.strip_prefix(SCHEME)?, rest))) {
            Some((name, rest)) => Ok((self.balancer(name)?, rest)),
            None => Err(format!("{directive} must stand in a <Proxy balancer://…>, or name one first")),
        }
    }

    fn pass(&mut self, from: From, url: &str, words: &[&str]) -> Result<(), String> {
        let line = self.line;
        // How a path is spelled is never changed here.
        let pairs: Vec<&str> =
            words.iter().copied().filter(|word| !word.eq_ignore_ascii_case("nocanon")).collect();
        if url == "!" {
            self.passes.push(Pass { line, from, to: None });
            return Ok(());
        }
        if let Some(rest) = url.strip_prefix(SCHEME) {
            let (name, path) = split_path(rest);
            self.later.push((
                line,
                name.to_ascii_lowercase(),
                pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            ));
            self.passes.push(Pass { line, from, to: Some((name.to_ascii_lowercase(), path.to_owned())) });
            return Ok(());
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| format!("\"{url}\" is no address"))?;
        let (host, path) = split_path(rest);
        let member = member(&format!("{scheme}://{host}"), &pairs)?;
        let place = self.balancer(&format!("{scheme}-{}", speakable(host)))?;
        if let Some(balancer) = self.balancers.get_mut(place)
            && balancer.members.is_empty()
        {
            balancer.members.push(member);
        }
        let name = self.balancers.get(place).map(|balancer| balancer.name.clone()).unwrap_or_default();
        self.passes.push(Pass { line, from, to: Some((name, path.to_owned())) });
        Ok(())
    }

    /// Everything was read.
    ///
    /// # Errors
    /// A section is open, or a balancer is not there.
    pub(super) fn finish(mut self) -> Result<(Layout, Vec<About>), About> {
        if let Some((line, name, _)) = self.sections.pop() {
            return Err((line, format!("<{name}> is never closed")));
        }
        let place = |balancers: &[BalancerConfig], line: usize, name: &str| {
            let found =
                balancers.iter().position(|balancer| balancer.name == name && !balancer.members.is_empty());
            found.ok_or_else(|| (line, format!("there is no balancer \"{name}\" with members")))
        };
        for (line, name, pairs) in &self.later {
            let place = place(&self.balancers, *line, name)?;
            let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
            if let Some(balancer) = self.balancers.get_mut(place) {
                parameters(balancer, &pairs).map_err(|reason| (*line, reason))?;
            }
        }
        let mut lines = Vec::new();
        for Pass { line, from, to } in std::mem::take(&mut self.passes) {
            let to = to.map(|(name, path)| Ok(To { balancer: place(&self.balancers, line, &name)?, path }));
            lines.push(Mapping { from, to: to.transpose()? });
        }
        self.defaults();
        Ok((Layout { balancers: self.balancers, mappings: Mappings::Listed(lines) }, self.warnings))
    }

    fn defaults(&mut self) {
        for balancer in &mut self.balancers {
            balancer.growth = self.growth.unwrap_or(balancer.growth);
            for member in &mut balancer.members {
                let plain = MemberConfig::new("", "");
                // Looked at when they were read.
                if let Some(timeout) = self.timeout.as_deref().filter(|_| member.timeout_ms.is_none()) {
                    let _ = member.set("timeout", timeout);
                }
                let is_plain = member.packet_bytes_max == plain.packet_bytes_max;
                if let Some(buffer) = self.buffer.as_deref().filter(|_| is_plain) {
                    let _ = member.set("iobuffersize", buffer);
                }
            }
        }
    }
}

fn member(url: &str, pairs: &[&str]) -> Result<MemberConfig, String> {
    let mut member = MemberConfig::new("", "");
    member.locate(url)?;
    // Apache lets a member have no route: then no session belongs to it. Here it needs a name all the same.
    member.route = speakable(&member.address);
    parameters(&mut member, pairs)?;
    Ok(member)
}

fn parameters(target: &mut impl Parameters, pairs: &[&str]) -> Result<(), String> {
    pairs.iter().try_for_each(|pair| {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("\"{pair}\" is not key=value"))?;
        target.set(key, value)
    })
}

/// `host` and `/path` of `host/path`.
fn split_path(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

/// An address as a name.
fn speakable(address: &str) -> String {
    let name: String = address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    name.trim_matches('-').to_owned()
}
