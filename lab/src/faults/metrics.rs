//! How many reads a node's replicas answered, as the node's own metrics tell.

use crate::hosts::Lab;
use crate::load::Node;

/// Reads that all nodes have counted since they started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reads {
    replica: u64,
    master: u64,
}

impl Reads {
    /// Asks every node; none if one tells nothing.
    pub(crate) fn of(lab: &Lab, nodes: &[Node]) -> Option<Self> {
        let mut sum = Self { replica: 0, master: 0 };
        let client = lab.host("client").ok()?;
        for node in nodes {
            let ran =
                client.run(&format!("curl -s --max-time 5 http://{}/metrics", node.address), 10).ok()?;
            let reads = Self::in_text(&ran.text)?;
            sum.replica += reads.replica;
            sum.master += reads.master;
        }
        Some(sum)
    }

    fn in_text(text: &str) -> Option<Self> {
        let value = |name: &str| -> Option<u64> {
            let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'))?;
            line.rsplit_once(' ')?.1.parse().ok()
        };
        Some(Self {
            // A survivor is a replica whose master is gone.
            replica: value("zebu_reads_total{on=\"replica\"}")? + value("zebu_reads_total{on=\"survivor\"}")?,
            master: value("zebu_reads_total{on=\"master\"}")?,
        })
    }

    /// The part of the reads between two looks that replicas answered, in per cent.
    pub(crate) fn share(before: Option<Self>, after: Option<Self>) -> Option<u64> {
        let (before, after) = (before?, after?);
        let replica = after.replica.checked_sub(before.replica)?;
        let all = replica + after.master.checked_sub(before.master)?;
        (replica * 100).checked_div(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_the_time_between_two_looks() {
        let text = |replica: u64, master| {
            let (replica, survivor) = (replica - 7, 7);
            format!(
                "# HELP x\nzebu_reads_total{{on=\"replica\"}} {replica}\nzebu_reads_total{{on=\"master\"}} {master}\n\
                 zebu_reads_total{{on=\"survivor\"}} {survivor}\n"
            )
        };
        let (before, after) = (Reads::in_text(&text(100, 50)), Reads::in_text(&text(190, 60)));
        assert_eq!(Reads::share(before, after), Some(90));
        assert_eq!(Reads::share(before, before), None);
        assert_eq!(Reads::share(after, before), None);
        assert_eq!(Reads::in_text("404"), None);
    }
}
