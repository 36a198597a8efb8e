//! `GET /api/Audit/verification`, and `fnb audit-log verify`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use contracts::{
    audit::{AuditVerification, BrokenEntry},
    time::Timestamp,
};
use db::{Db, DbError, DbResult, Tx};

use super::AuditTrail;
use crate::{
    model::{ChainHead, ChainPosition, Verified, verify_entries},
    store,
};

/// How many entries are in memory at once.
const ENTRIES_PER_READ: u32 = 256;
/// How many reads one request may cost: 20,480 entries, which take a fraction of a second.
const READS_PER_REQUEST_MAX: u32 = 80;
/// A chain that was verified whole is verified from its first entry again after this time. Until then only what is new
/// is read.
const VERIFIED_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// How far this process has verified the chain.
#[derive(Clone, Debug)]
pub(crate) struct VerifyProgress {
    position: ChainPosition,
    /// When it began at the first entry.
    began_at: Timestamp,
    /// Whether it has reached the head since then.
    is_whole: bool,
}

/// One step of a walk along the chain.
struct Step {
    verified: Verified,
    head: ChainHead,
    is_end: bool,
}

impl AuditTrail {
    /// Goes on with the verification where the last one stopped, for a bounded number of entries.
    pub(crate) async fn verify_audit(&self) -> Result<AuditVerification, DbError> {
        let now = self.clock.now();
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_due = progress.as_ref().is_none_or(|it| it.is_whole && now.since(it.began_at) >= VERIFIED_AGAIN_AFTER);
        let (from, began_at) = match progress {
            Some(progress) if !is_due => (progress.position, progress.began_at),
            _ => (ChainPosition::start(), now),
        };
        let step = walk(&self.db, from, Some(READS_PER_REQUEST_MAX)).await?;
        let verification = verification(&step, now);
        let position = step.verified.position;
        let reached = VerifyProgress { position, began_at, is_whole: step.is_end };
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(reached);
        if let Some(BrokenEntry { sequence, fault }) = verification.first_broken {
            tracing::error!(sequence, %fault, "the audit trail is broken; `fnb audit-log verify` reads it whole");
        }
        Ok(verification)
    }
}

/// Verifies the whole audit trail in `db`, which its service may be writing.
pub async fn verify_audit_log(db: &Db, now: Timestamp) -> Result<AuditVerification, DbError> {
    Ok(verification(&walk(db, ChainPosition::start(), None).await?, now))
}

/// Walks along the chain up to its head or its first fault, for at most `reads_max` reads.
async fn walk(db: &Db, from: ChainPosition, reads_max: Option<u32>) -> Result<Step, DbError> {
    let mut step = read_step(db, from).await?;
    let mut reads = 1;
    while !step.is_end && step.verified.first_broken.is_none() && reads_max.is_none_or(|max| reads < max) {
        step = read_step(db, step.verified.position).await?;
        reads = reads.saturating_add(1);
    }
    Ok(step)
}

async fn read_step(db: &Db, from: ChainPosition) -> Result<Step, DbError> {
    db.read(move |tx| verify_step(tx, from.clone())).await
}

/// The head is read first: what it counts is committed, whatever is added meanwhile.
fn verify_step(tx: &mut Tx<'_>, from: ChainPosition) -> DbResult<Step> {
    let head = store::get_audit_head(tx)?;
    let entries = store::list_audit_chain(tx, from.sequence, head.last.sequence, ENTRIES_PER_READ)?;
    let is_end = u32::try_from(entries.len()).is_ok_and(|read| read < ENTRIES_PER_READ);
    Ok(Step { verified: verify_entries(from, &entries, &head, is_end), head, is_end })
}

fn verification(step: &Step, now: Timestamp) -> AuditVerification {
    AuditVerification {
        entries: step.verified.position.sequence,
        is_intact: step.verified.first_broken.is_none(),
        head_sequence: step.head.last.sequence,
        head_hash: step.head.last.hash.clone(),
        verified_at: now,
        first_broken: step.verified.first_broken,
    }
}

/// Where the verification of this process stands. `None`: it has not begun.
pub(crate) type SharedProgress = Arc<Mutex<Option<VerifyProgress>>>;
