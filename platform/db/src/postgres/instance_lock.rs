//! A claim on a server's database: a lock of a session, on a thread that watches over it.
//!
//! Where the connection is lost while its process lives (the server was started again, a cable came loose), so is the
//! lock. The shop goes on selling, as it does when any other connection is lost, and takes the lock again as soon as the
//! server answers. If another process was first, the claim is lost for good, and this process must end: two that sell
//! beside each other would not hear of each other's prices.

use std::{convert::Infallible, time::Duration};

use ::postgres::{Client, error::SqlState};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::opening::{connect_or_create, unreachable};
use crate::{InstanceLockError, OpenError, database::spawn, url::Server};

/// The lock: "fnb" and a version. [`super::opening`] has the first.
const CLAIM_LOCK: i64 = 0x666e_6202;

/// How often the connection is looked at.
const LOOK_PAUSE: Duration = Duration::from_secs(2);

/// How long the server may take to answer that.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// How the session is set. A lock that a killed process held is let go a moment later, so it is waited for that long; a
/// machine that lost its power or its network is given up after half a minute.
const CLAIM_SETTINGS: &str = "
    SET lock_timeout = '2s';
    SET idle_session_timeout = 0;
    SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 4";

/// A database, while it is ours.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    /// The thread and its connection end with it.
    _held: Sender<Infallible>,
    lost: oneshot::Receiver<()>,
}

impl InstanceLock {
    pub(crate) async fn acquire(server: &Server) -> Result<Self, InstanceLockError> {
        let (held, let_go) = crossbeam_channel::bounded(0);
        let (taken, answer) = oneshot::channel();
        let (lose, lost) = oneshot::channel();
        let claimant = Claimant { server: server.clone(), name: format!("claim {}", Uuid::now_v7()) };
        spawn("claim", &server.database, move || match claimant.take() {
            Ok(client) => {
                let _claim_gone = taken.send(Ok(()));
                claimant.hold(client, &let_go);
                // Before this, the receiver has gone; or the claim has.
                let _claim_gone = lose.send(());
            }
            Err(error) => {
                let _caller_gone = taken.send(Err(error));
            }
        })?;
        answer.await.unwrap_or_else(|_| Err(OpenError::Thread("it ended before the claim was taken".into()).into()))?;
        Ok(Self { _held: held, lost })
    }

    pub(crate) async fn lost(&mut self) {
        // An error is a thread that panicked: nobody watches any more.
        let _ = (&mut self.lost).await;
    }
}

/// Who claims.
struct Claimant {
    server: Server,
    /// What its sessions are called, and no others.
    name: String,
}

impl Claimant {
    fn take(&self) -> Result<Client, InstanceLockError> {
        let mut client = connect_or_create(&self.server, &self.name)?;
        match self.lock(&mut client) {
            Ok(()) => Ok(client),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Err(InstanceLockError::Taken),
            Err(error) => Err(unreachable(&self.server, &error).into()),
        }
    }

    fn lock(&self, client: &mut Client) -> Result<(), ::postgres::Error> {
        // The server may not have noticed yet that an earlier connection of ours is lost, and keep its lock.
        const END_EARLIER: &str = "
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
        client.batch_execute(CLAIM_SETTINGS)?;
        client.execute(END_EARLIER, &[])?;
        client.execute("SELECT pg_advisory_lock($1)", &[&CLAIM_LOCK]).map(drop)
    }

    /// Watches over the lock until it is let go, or is another's.
    fn hold(&self, mut client: Client, let_go: &Receiver<Infallible>) {
        let mut is_ours = true;
        while let Err(RecvTimeoutError::Timeout) = let_go.recv_timeout(LOOK_PAUSE) {
            if client.is_valid(ANSWER_WAIT).is_ok() {
                continue;
            }
            if is_ours {
                tracing::warn!(database = %self.server, "the connection that keeps other programs from this shop is lost");
                is_ours = false;
            }
            match self.take() {
                Ok(again) => {
                    tracing::info!(database = %self.server, "other programs are kept from this shop again");
                    (client, is_ours) = (again, true);
                }
                Err(InstanceLockError::Taken) => return,
                Err(InstanceLockError::Open(_not_there_yet)) => {}
            }
        }
    }
}
