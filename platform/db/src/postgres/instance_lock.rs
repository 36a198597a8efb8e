//! An advisory lock on a server's database, held by a session of its own and watched by a thread.
//!
//! If the connection is lost while the process lives (the server was restarted, the network failed), so is the lock.
//! The shop goes on selling, as it does if any other connection is lost, and takes the lock again as soon as the server
//! answers. If another process took it first, the lock is lost for good and this process must end: the bus and the
//! cache are in process, so two processes would not see each other's changes of prices.

use std::{convert::Infallible, time::Duration};

use ::postgres::{Client, error::SqlState};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::connect::{connect_or_create, unusable};
use crate::{InstanceLockError, OpenError, threads::spawn, url::Server};

/// The advisory lock: "fnb" and a number. The first number is that of migrations ([`super::connect`]).
const INSTANCE_LOCK: i64 = 0x666e_6202;

/// How often the connection is checked.
const CHECK_PAUSE: Duration = Duration::from_secs(2);

/// How long the server may take to answer that.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The session's settings. The server releases the lock of a killed process a moment later, so it is waited for that
/// long. A process on a machine that lost its power or its network loses it after half a minute.
const SESSION_SETTINGS: &str = "
    SET lock_timeout = '2s';
    SET idle_session_timeout = 0;
    SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 4";

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(crate) struct SessionLock {
    /// The thread ends when this is dropped, and closes its connection.
    _release: Sender<Infallible>,
    lost: oneshot::Receiver<()>,
}

impl SessionLock {
    pub(crate) async fn acquire(server: &Server) -> Result<Self, InstanceLockError> {
        let (release, released) = crossbeam_channel::bounded(0);
        let (acquired, answer) = oneshot::channel();
        let (lose, lost) = oneshot::channel();
        let watcher = Watcher { server: server.clone(), session_name: format!("lock {}", Uuid::now_v7()) };
        spawn("lock", &server.database, move || match watcher.acquire() {
            Ok(client) => {
                let _caller_gone = acquired.send(Ok(()));
                watcher.watch(client, &released);
                // If the lock was released instead, nobody receives this.
                let _lock_gone = lose.send(());
            }
            Err(error) => {
                let _caller_gone = acquired.send(Err(error));
            }
        })?;
        answer.await.unwrap_or_else(|_| Err(OpenError::Thread("it ended before the lock was taken".into()).into()))?;
        Ok(Self { _release: release, lost })
    }

    pub(crate) async fn lost(&mut self) {
        // An error means that the thread panicked: then nobody watches the lock any more.
        let _ = (&mut self.lost).await;
    }
}

/// Takes the lock and watches it.
struct Watcher {
    server: Server,
    /// The name of its sessions, which no other process uses.
    session_name: String,
}

impl Watcher {
    fn acquire(&self) -> Result<Client, InstanceLockError> {
        let mut client = connect_or_create(&self.server, &self.session_name)?;
        match self.lock(&mut client) {
            Ok(()) => Ok(client),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Err(InstanceLockError::Taken),
            Err(error) => Err(unusable(&self.server, error).into()),
        }
    }

    fn lock(&self, client: &mut Client) -> Result<(), ::postgres::Error> {
        // The server may not have noticed yet that our earlier connection is lost, and would keep its lock.
        const END_EARLIER_SESSIONS: &str = "
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
        client.batch_execute(SESSION_SETTINGS)?;
        client.execute(END_EARLIER_SESSIONS, &[])?;
        client.execute("SELECT pg_advisory_lock($1)", &[&INSTANCE_LOCK]).map(drop)
    }

    /// Returns when the lock was released, or when another process has taken it.
    fn watch(&self, mut client: Client, released: &Receiver<Infallible>) {
        let mut is_held = true;
        while let Err(RecvTimeoutError::Timeout) = released.recv_timeout(CHECK_PAUSE) {
            if client.is_valid(CHECK_TIMEOUT).is_ok() {
                continue;
            }
            if is_held {
                tracing::warn!(database = %self.server, "the connection that locks this shop for this program is lost");
                is_held = false;
            }
            match self.acquire() {
                Ok(again) => {
                    tracing::info!(database = %self.server, "this shop is locked for this program again");
                    (client, is_held) = (again, true);
                }
                Err(InstanceLockError::Taken) => return,
                Err(InstanceLockError::Open(_unreachable)) => {}
            }
        }
    }
}
