//! Why nodes answered "try again", from their own logs: clients are told no insides.

use crate::Result;
use crate::hosts::Lab;

const NODES: [&str; 2] = ["oxgw01", "oxgw02"];
const LOG: &str = "/var/log/open-xchange/open-xchange.log.0";
/// Different causes of one node that are shown.
const SHOWN: usize = 4;

/// Where the nodes' logs end now.
#[derive(Debug)]
pub(crate) struct Causes([u64; 2]);

impl Causes {
    /// Everything that is logged from now on counts.
    pub(crate) fn from_now(lab: &Lab) -> Result<Self> {
        let mut lines = [0; 2];
        for (line, node) in lines.iter_mut().zip(NODES) {
            *line = lab.host(node)?.must(&format!("wc -l < {LOG}"), 10)?.trim().parse()?;
        }
        Ok(Self(lines))
    }

    /// The causes of failed requests since, the most frequent first, with how often.
    pub(crate) fn since(&self, lab: &Lab) -> Result<Vec<String>> {
        let mut causes = Vec::new();
        for (line, node) in self.0.iter().zip(NODES) {
            let script = format!(
                "tail -n +{} {LOG} | grep 'request failed' | sed 's/.* cause=\\(.*\\) context=.*/\\1/' | cut -c-300 \
                 | sort | uniq -c | sort -rn | head -n {SHOWN}",
                line + 1
            );
            let said = lab.host(node)?.must(&script, 20)?;
            causes.extend(said.lines().map(|line| format!("{node} {}", line.trim())));
        }
        Ok(causes)
    }
}
