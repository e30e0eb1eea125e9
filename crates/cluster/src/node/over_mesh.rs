//! The mesh as a node's transport: who is at the other end of which connection, and the way of events to the node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::questions::{Answers, Questions};
use super::{Node, Transport};
use crate::authority::Name;
use crate::core::{Connection, Incarnation};
use crate::mesh::{Event, Mesh};

/// Carries a node's messages over the mesh.
#[derive(Debug)]
pub struct OverMesh {
    mesh: Arc<Mesh>,
    ends: Mutex<BTreeMap<Connection, (Name, Incarnation)>>,
    questions: Questions,
}

impl OverMesh {
    /// Over this mesh, whose events go to [`OverMesh::carry`].
    #[must_use]
    pub fn new(mesh: Mesh) -> OverMesh {
        OverMesh { mesh: Arc::new(mesh), ends: Mutex::default(), questions: Questions::default() }
    }

    /// The mesh itself.
    #[must_use]
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// From now on questions of other members are answered.
    pub fn answer_by(&self, answers: Arc<dyn Answers>) {
        self.questions.answer_by(answers);
    }

    /// Asks all members that are connected; each with its answer, if that came within `wait`.
    pub async fn ask_all(&self, question: Bytes, wait: Duration) -> Vec<(Name, Option<Bytes>)> {
        let peers: Vec<(Name, u64)> =
            self.ends().iter().map(|(connection, (peer, _))| (peer.clone(), connection.0)).collect();
        let asking = peers.into_iter().map(|(peer, connection)| {
            let question = question.clone();
            async move {
                let answer = self.questions.ask(&self.mesh, &peer, connection, &question, wait).await;
                (peer, answer)
            }
        });
        futures_util::future::join_all(asking).await
    }

    /// Tells the node what happens on the mesh, until that has stopped.
    pub async fn carry(&self, mut events: mpsc::Receiver<Event>, node: Arc<Node>) {
        while let Some(event) = events.recv().await {
            self.tell(event, &node);
        }
    }

    fn tell(&self, event: Event, node: &Node) {
        match event {
            Event::Connected { peer, incarnation, connection, .. } => {
                let Some(life) = parsed(&incarnation) else {
                    tracing::error!(%peer, %incarnation, "coherence: an incarnation must be 32 hexadecimal digits");
                    return;
                };
                let connection = Connection(connection);
                self.ends().insert(connection, (peer, life));
                node.connected(life, connection);
            }
            Event::Received { connection, payload, .. } => {
                let connection = Connection(connection);
                let end = self.ends().get(&connection).cloned();
                let Some((peer, life)) = end else { return };
                if !self.questions.take(&self.mesh, &peer, connection.0, &payload) {
                    node.received(life, connection, &payload);
                }
            }
            Event::Disconnected { connection, .. } => {
                let connection = Connection(connection);
                let end = self.ends().remove(&connection);
                if let Some((_, life)) = end {
                    node.disconnected(life, connection);
                }
            }
        }
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<Connection, (Name, Incarnation)>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for OverMesh {
    fn send(&self, _: Incarnation, connection: Connection, payload: Bytes) {
        let name = self.ends().get(&connection).map(|(name, _)| name.clone());
        if let Some(name) = name
            && let Err(error) = self.mesh.send(&name, connection.0, payload)
        {
            tracing::debug!(peer = %name, %error, "coherence: not sent");
        }
    }

    fn close(&self, _: Incarnation, connection: Connection) {
        let name = self.ends().get(&connection).map(|(name, _)| name.clone());
        if let Some(name) = name {
            self.mesh.close(&name, connection.0);
        }
    }

    fn begin_life(&self, me: Incarnation) {
        self.mesh.begin_life(me.to_string().into());
    }
}

fn parsed(incarnation: &str) -> Option<Incarnation> {
    let digits = incarnation.len() == 32;
    u128::from_str_radix(incarnation, 16).ok().filter(|_| digits).map(Incarnation)
}
