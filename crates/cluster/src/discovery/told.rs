//! What a node tells those who watch it (`watcher`): what it takes requests by, and where the others of its cluster are.
//!
//! As in a beacon the number of listeners (0 to 2), and if there are any the route and their addresses, HTTP first; then the number of
//! other members (2 bytes, big-endian) and where their meshes listen (4 or 6, the address, the port).

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use tokio::sync::watch;

use super::beacon::{Serves, address, put_address, put_serves, serves};
use crate::authority::Name;
use crate::mesh::Expected;

/// Other members that one tells of.
const OTHERS_MAX: usize = 256;

/// What one node tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// None: it takes no requests, not yet, or not any more.
    pub(super) serves: Option<Serves>,
    pub(super) others: Vec<SocketAddr>,
}

impl Told {
    fn bytes(&self) -> Bytes {
        let mut bytes = Vec::new();
        put_serves(&mut bytes, self.serves.as_ref());
        let some = self.others.get(..OTHERS_MAX).unwrap_or(&self.others);
        bytes.put_u16(u16::try_from(some.len()).unwrap_or(0));
        some.iter().for_each(|other| put_address(&mut bytes, other));
        bytes.into()
    }

    /// What came in; none if it cannot be read. What a later version adds behind is ignored.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let rest = &mut &*bytes;
        let serves = serves(rest)?;
        let count = usize::from(rest.try_get_u16().ok()?);
        if count > OTHERS_MAX {
            return None;
        }
        let others = (0..count).map(|_| address(rest)).collect::<Option<_>>()?;
        Some(Self { serves, others })
    }
}

/// Tells what a node serves and where the registry says the others are, now and at each change, until nobody tells it any more.
pub async fn tell(
    own: Name,
    mut serves: watch::Receiver<Option<Serves>>,
    mut expected: watch::Receiver<Arc<Vec<Expected>>>,
    told: impl Fn(Bytes),
) {
    loop {
        let others = {
            let members = expected.borrow_and_update();
            members.iter().filter(|member| member.name != own).filter_map(|member| member.address).collect()
        };
        let serves_now = serves.borrow_and_update().clone();
        told(Told { serves: serves_now, others }.bytes());
        let changed = tokio::select! {
            changed = serves.changed() => changed,
            changed = expected.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    fn serving() -> Option<Serves> {
        let http = "0.0.0.0:8090".parse().unwrap();
        Some(Serves { route: "OX-1".into(), http, ajp: Some("[fd00::1]:8009".parse().unwrap()) })
    }

    #[test]
    fn what_is_told_is_read_as_it_was_and_what_is_cut_off_is_not_read() {
        let others = vec!["10.0.0.2:57462".parse().unwrap(), "[fd00::3]:57462".parse().unwrap()];
        for told in [Told { serves: serving(), others }, Told { serves: None, others: Vec::new() }] {
            let bytes = told.bytes();
            assert_eq!(Told::read(&bytes), Some(told));
            assert_eq!(Told::read(&bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn more_others_than_can_be_told_of_are_cut_and_fit() {
        let others = vec!["[fd00::3]:57462".parse().unwrap(); OTHERS_MAX + 1];
        let bytes = Told { serves: serving(), others }.bytes();
        assert_eq!(Told::read(&bytes).unwrap().others.len(), OTHERS_MAX);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Told::read(&bytes);
        }
    }

    #[tokio::test]
    async fn a_node_tells_of_all_others_that_say_where_they_are_and_of_what_changes() {
        let name = |text| Name::new("name", text).unwrap();
        let (serve, serves) = watch::channel(None);
        let (register, expected) = watch::channel(Arc::default());
        let member = |text, address: Option<&str>| {
            let address = address.map(|address| address.parse().unwrap());
            Expected { name: name(text), incarnation: "a".into(), address }
        };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (said, mut count) = watch::channel(0);
        let kept = Arc::clone(&heard);
        let telling = tokio::spawn(tell(name("OX-1"), serves, expected, move |bytes| {
            kept.lock().unwrap().push(Told::read(&bytes).unwrap());
            said.send_modify(|count| *count += 1);
        }));
        count.wait_for(|count| *count == 1).await.unwrap();
        let all =
            [member("OX-1", Some("10.0.0.1:1")), member("OX-2", Some("10.0.0.2:1")), member("OX-3", None)];
        register.send_replace(Arc::new(all.to_vec()));
        count.wait_for(|count| *count == 2).await.unwrap();
        serve.send_replace(serving());
        count.wait_for(|count| *count == 3).await.unwrap();
        drop(serve);
        telling.await.unwrap();
        let told = |serves, others: &[&str]| {
            let others = others.iter().map(|other| other.parse().unwrap()).collect();
            Told { serves, others }
        };
        let two = &["10.0.0.2:1"];
        assert_eq!(*heard.lock().unwrap(), [told(None, &[]), told(None, two), told(serving(), two)]);
    }
}
