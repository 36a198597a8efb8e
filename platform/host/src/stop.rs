//! The word that ends the work behind the services.

use std::time::Duration;

use tokio::sync::watch;

/// Says the word. Dropping it says it too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Somebody to say the word, and somebody to hear it.
#[must_use]
pub fn stopper() -> (Stopper, Stop) {
    let (said, heard) = watch::channel(false);
    (Stopper(said), Stop(heard))
}

impl Stopper {
    /// Says it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Until the word is said.
    pub async fn said(&mut self) {
        // An error is a Stopper that is gone: the same word.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }

    /// What `work` answers. `None`: the word came first, and the work was dropped where it stood.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.said() => None,
            done = work => Some(done),
        }
    }

    /// Sleeps. Answers whether to go on.
    pub(crate) async fn sleep(&mut self, pause: Duration) -> bool {
        self.unless(tokio::time::sleep(pause)).await.is_some()
    }
}
