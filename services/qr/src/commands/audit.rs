//! What the audit trail keeps of codes: what people do to them. What machines pour is in `dispense_logs`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    qr::CodeStatus,
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};
use serde::Serialize;

use crate::model::Code;

/// What a person did to a code.
pub(super) struct CodeAct<'a> {
    pub(super) actor: &'a Actor,
    pub(super) action: &'static str,
    pub(super) code: &'a Code,
}

/// What an act changes.
#[derive(Serialize)]
struct Audited<'a> {
    code: &'a str,
    status: CodeStatus,
}

/// Appends that the code had one status and has another one now.
pub(super) fn append_status_change(
    tx: &mut Tx<'_>,
    act: &CodeAct<'_>,
    before: CodeStatus,
    after: CodeStatus,
    now: Timestamp,
) -> DbResult<()> {
    let entry = entry(act, now);
    let audited = |status| Audited { code: &act.code.code, status };
    outbox::append_act(tx, entry.with_change(&audited(before), &audited(after))?)
}

/// Appends that another code replaces this one.
pub(super) fn append_replaced(tx: &mut Tx<'_>, act: &CodeAct<'_>, new: &Code, now: Timestamp) -> DbResult<()> {
    let before = Audited { code: &act.code.code, status: act.code.status };
    let entry = entry(act, now).with_change(&before, &Audited { code: &new.code, status: new.status })?;
    outbox::append_act(tx, entry)
}

fn entry(act: &CodeAct<'_>, now: Timestamp) -> AuditEntry {
    let CodeAct { actor, action, code } = act;
    AuditEntry::new((*actor).clone(), AuditArea::Code, *action, &code.code, &code.cup.product_name, now)
}
