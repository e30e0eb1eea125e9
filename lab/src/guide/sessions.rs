//! The guide's section "Test Session load balancing", as far as it goes without a web server: the user signs in through each
//! node, and that node's log says so.

use super::operator::{Operator, heading, note};
use crate::Result;
use crate::hosts::Lab;

/// The whole section.
pub(crate) fn run(lab: &Lab) -> Result {
    heading("Test Session load balancing");
    note("The web server is not part of this scenario: the client asks each node itself, over HTTP.");
    let client = Operator::at(lab.host("client")?);
    for (name, route) in [("oxgw01", "OX-1"), ("oxgw02", "OX-2")] {
        let host = lab.host(name)?;
        client.types_and_reads(
            &format!(
                "curl -si 'http://{}:8090/ajax/login?action=login' --data 'name=testuser&password=secret' \
                 | grep -o -i 'JSESSIONID=[^;]*'",
                host.address()
            ),
            &format!(".{route}"),
        )?;
        Operator::at(host).types_and_reads(
            "tail -n200 /var/log/open-xchange/open-xchange.log.0 | grep 'Session created'",
            "Context: 1, User: 3",
        )?;
    }
    Ok(())
}
