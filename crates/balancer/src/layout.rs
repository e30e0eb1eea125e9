//! From the configuration to balancers and the paths they serve, whichever of its three forms it has: `members` alone,
//! `balancers`, or a file in Apache's own text.
//!
//! Called once by `tier`, when the server binds. Says in the log what the operator should know of.

use std::collections::HashSet;

use crate::apache;
use crate::mapping::{From, Mapping, Mappings, To};
use crate::params::balancer::BalancerConfig;
use crate::routes::NODE_PATHS;
use crate::{Config, Error};

/// What the web tier is to do.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) balancers: Vec<BalancerConfig>,
    pub(crate) mappings: Mappings,
}

impl Layout {
    /// # Errors
    /// [`Error::Config`] naming the field, or the file and its line.
    pub(crate) fn of(config: &Config) -> Result<Self, Error> {
        let forms =
            [!config.members.is_empty(), !config.balancers.is_empty(), !config.proxy_config.is_empty()];
        if forms.iter().filter(|given| **given).count() > 1 {
            return Err(Error::Config(
                "of members, balancers and proxy_config only one may be given".to_owned(),
            ));
        }
        let layout = if !config.proxy_config.is_empty() {
            apache::read(&config.proxy_config)?
        } else if config.balancers.is_empty() {
            let only = BalancerConfig { members: config.members.clone(), ..BalancerConfig::default() };
            Self { balancers: vec![only], mappings: Mappings::Nodes }
        } else {
            Self { balancers: config.balancers.clone(), mappings: mappings(&config.balancers)? }
        };
        layout.check()?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), Error> {
        let mut names = HashSet::new();
        for balancer in &self.balancers {
            balancer.check().map_err(Error::Config)?;
            if !names.insert(balancer.name.as_str()) {
                return Err(Error::Config(format!("two balancers have the name \"{}\"", balancer.name)));
            }
        }
        let forgotten: Vec<_> = NODE_PATHS.iter().filter(|path| !self.mappings.serves(path)).collect();
        if !forgotten.is_empty() {
            tracing::warn!(paths = ?forgotten, "paths of our nodes that no balancer serves");
        }
        Ok(())
    }
}

/// The table of balancers that name their paths: the longest first, so that the order in the file does not matter.
fn mappings(balancers: &[BalancerConfig]) -> Result<Mappings, Error> {
    if let [only] = balancers
        && only.paths.is_empty()
    {
        return Ok(Mappings::Nodes);
    }
    let mut lines = Vec::new();
    for (balancer, BalancerConfig { name, paths, .. }) in balancers.iter().enumerate() {
        if paths.is_empty() {
            return Err(Error::Config(format!(
                "the balancer \"{name}\" needs paths: it is not the only one"
            )));
        }
        lines.extend(paths.iter().map(|path| match path.strip_prefix('!') {
            Some(path) => (path, Mapping { from: From::Prefix(path.to_owned()), to: None }),
            None => {
                let to = Some(To { balancer, path: path.clone() });
                (path.as_str(), Mapping { from: From::Prefix(path.clone()), to })
            }
        }));
    }
    let mut seen = HashSet::new();
    if let Some((path, _)) = lines.iter().find(|(path, _)| !seen.insert(*path)) {
        return Err(Error::Config(format!("the path \"{path}\" is named twice")));
    }
    lines.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    Ok(Mappings::Listed(lines.into_iter().map(|(_, line)| line).collect()))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::MemberConfig;

    fn balancer(name: &str, paths: &[&str]) -> BalancerConfig {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        BalancerConfig { name: name.into(), paths, ..BalancerConfig::default() }
    }

    #[test]
    fn the_longest_path_counts_whatever_the_order() {
        let config = Config {
            balancers: vec![balancer("a", &["/ajax", "!/ajax/share/x"]), balancer("b", &["/ajax/share"])],
            ..Config::default()
        };
        let layout = Layout::of(&config).unwrap();
        let check = |path: &str, expected: Option<usize>| {
            let found = layout.mappings.find(&Method::GET, path).map(|found| found.balancer);
            assert_eq!(found, expected, "{path}");
        };
        check("/ajax/login", Some(0));
        check("/ajax/share/1", Some(1));
        check("/ajax/share/x/1", None);
        check("/infostore", None);
    }

    #[test]
    fn one_balancer_without_paths_serves_those_of_our_nodes() {
        let check = |config: Config| {
            let layout = Layout::of(&config).unwrap();
            assert!(layout.mappings.serves("/caldav/x") && !layout.mappings.serves("/index.html"));
            assert_eq!(layout.balancers[0].members.len(), 1);
        };
        let members = vec![MemberConfig::new("a", "h:1")];
        check(Config { members: members.clone(), ..Config::default() });
        check(Config {
            balancers: vec![BalancerConfig { members, ..balancer("x", &[]) }],
            ..Config::default()
        });
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let check = |config: Config, named: &str| {
            let error = Layout::of(&config).expect_err(named).to_string();
            assert!(error.contains(named), "{error}");
        };
        let of = |balancers| Config { balancers, ..Config::default() };
        let members = || vec![MemberConfig::new("a", "h:1"), MemberConfig::new("a", "h:2")];
        check(Config { members: members(), ..of(vec![balancer("x", &[])]) }, "only one");
        check(Config { members: members(), ..Config::default() }, "two members");
        check(of(vec![balancer("x", &["/a"]), balancer("x", &["/b"])]), "two balancers");
        check(of(vec![balancer("x", &["/a"]), balancer("y", &["/a"])]), "named twice");
        check(of(vec![balancer("x", &["/a"]), balancer("y", &[])]), "\"y\" needs paths");
        check(of(vec![balancer("x", &["a"])]), "paths \"a\"");
        check(Config { members: vec![MemberConfig::new("", "h:1")], ..Config::default() }, "route");
        check(Config { members: vec![MemberConfig::new("a", "nohost")], ..Config::default() }, "nohost");
    }
}
