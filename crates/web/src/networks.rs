//! Lists of networks: which peers are believed, which may connect at all. Written as `10.20.30.0/24`, `192.0.2.7` or
//! `2001:db8::/32`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zebu_app::sessions::Network;

/// A list of networks; an empty one has nobody in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Networks(Vec<Network>);

impl Networks {
    /// This machine: `127.0.0.0/8` and `::1`.
    #[must_use]
    pub fn loopback() -> Networks {
        Networks(["127.0.0.0/8", "::1/128"].iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// Whether an address is in one of them. IPv4 in the clothes of IPv6 is IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = String;

    fn try_from(list: Vec<String>) -> Result<Self, String> {
        list.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Networks)
    }
}

impl From<Networks> for Vec<String> {
    fn from(networks: Networks) -> Self {
        networks.0.iter().map(Network::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Result<Networks, String> {
        list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().try_into()
    }

    #[test]
    fn an_address_is_in_a_list_if_one_of_its_networks_has_it() {
        let list = networks(&["10.20.30.0/24", "2001:db8::/32"]).unwrap();
        for (address, expected) in
            [("10.20.30.7", true), ("2001:db8::1", true), ("10.20.31.7", false), ("::1", false)]
        {
            assert_eq!(list.contains(address.parse().unwrap()), expected, "{address}");
        }
        for own in ["127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(Networks::loopback().contains(own.parse().unwrap()), "{own}");
        }
        assert!(!networks(&[]).unwrap().contains([127, 0, 0, 1].into()));
    }

    #[test]
    fn what_is_no_network_is_refused_by_its_name() {
        assert!(networks(&["127.0.0.1", "10.0.0.0/33"]).unwrap_err().contains("10.0.0.0/33 is no network"));
    }
}
