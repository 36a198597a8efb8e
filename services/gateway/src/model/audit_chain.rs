//! The chain of the audit trail: each entry is hashed together with the hash of the entry before.
//!
//! A change of any entry changes its hash, and so every hash after it. Whoever can write the database can also compute a
//! whole new chain: that is noticed by the hash of an earlier head that was noted elsewhere.

use contracts::{
    audit::{AuditEntry, AuditFault, BrokenEntry},
    time::Timestamp,
};
use web::sha256_hex;

/// The hash before the first entry.
const GENESIS_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Begins what is hashed, so that another format can never be taken for this one.
const FORMAT: &str = "fnb-audit-v1";

/// A place in the chain: an entry's number and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainPosition {
    /// The number of the entry. 0: before the first.
    pub(crate) sequence: i64,
    /// Its hash.
    pub(crate) hash: String,
}

/// What filters need of an entry, as it stands beside the entry's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditColumns {
    pub(crate) acted_at: Timestamp,
    pub(crate) area: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) search_text: String,
    pub(crate) staff_id: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) approved_by: Option<String>,
}

/// An entry with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainedEntry {
    pub(crate) sequence: i64,
    /// The JSON text that is hashed.
    pub(crate) entry: String,
    pub(crate) previous_hash: String,
    pub(crate) hash: String,
    pub(crate) columns: AuditColumns,
}

/// The end of the chain, as the head and the entries say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainHead {
    /// The last entry that was counted.
    pub(crate) last: ChainPosition,
    /// The highest number of an entry. 0: there are none.
    pub(crate) highest_sequence: i64,
}

/// How far the chain was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The last entry that is as it was written.
    pub(crate) position: ChainPosition,
    /// The first that is not.
    pub(crate) first_broken: Option<BrokenEntry>,
}

impl ChainPosition {
    /// Before the first entry.
    pub(crate) fn start() -> Self {
        Self { sequence: 0, hash: GENESIS_HASH.to_owned() }
    }
}

impl AuditColumns {
    /// The columns of `entry`.
    pub(crate) fn of(entry: &AuditEntry) -> Self {
        let actor = &entry.actor;
        let people = [&actor.staff, &actor.approved_by].into_iter().flatten().map(|person| person.name.as_str());
        let searched: Vec<&str> = [entry.label.as_str(), &entry.subject].into_iter().chain(people).collect();
        Self {
            acted_at: entry.at,
            area: entry.area.to_string(),
            action: storable(&entry.action),
            subject: storable(&entry.subject),
            search_text: storable(&search_text(&searched.join("\n"))),
            staff_id: actor.staff.as_ref().map(|staff| staff.staff_id.to_string()),
            device_id: actor.device.as_ref().map(|device| device.device_id.to_string()),
            approved_by: actor.approved_by.as_ref().map(|manager| manager.staff_id.to_string()),
        }
    }
}

/// The form in which texts are searched. Rust folds every alphabet, SQLite only A to Z.
pub(crate) fn search_text(text: &str) -> String {
    text.to_lowercase()
}

/// PostgreSQL has no NUL in a text. The JSON of the entry keeps it as an escape.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// The hash of an entry: of the format, the hash before, the number and the exact text, each on its line.
pub(crate) fn entry_hash(previous_hash: &str, sequence: i64, entry: &str) -> String {
    sha256_hex(format!("{FORMAT}\n{previous_hash}\n{sequence}\n{entry}"))
}

/// Verifies `entries`, the ones after `from` in their order. `is_end`: there are no more up to the head.
pub(crate) fn verify_entries(
    from: ChainPosition,
    entries: &[ChainedEntry],
    head: &ChainHead,
    is_end: bool,
) -> Verified {
    let mut position = from;
    for entry in entries {
        if let Err(fault) = check_entry(&position, entry) {
            let sequence = position.sequence.saturating_add(1);
            return Verified { position, first_broken: Some(BrokenEntry { sequence, fault }) };
        }
        position = ChainPosition { sequence: entry.sequence, hash: entry.hash.clone() };
    }
    let first_broken = if is_end { check_end(&position, head).err() } else { None };
    Verified { position, first_broken }
}

/// Whether `entry` is the one after `position`.
fn check_entry(position: &ChainPosition, entry: &ChainedEntry) -> Result<(), AuditFault> {
    if entry.sequence != position.sequence.saturating_add(1) {
        return Err(AuditFault::Missing);
    }
    if entry.previous_hash != position.hash {
        return Err(AuditFault::NotChained);
    }
    if entry.hash != entry_hash(&entry.previous_hash, entry.sequence, &entry.entry) {
        return Err(AuditFault::Changed);
    }
    match serde_json::from_str(&entry.entry) {
        Ok(parsed) if AuditColumns::of(&parsed) == entry.columns => Ok(()),
        _ => Err(AuditFault::ColumnsDiffer),
    }
}

/// Whether the chain, verified up to `position`, ends at its head.
fn check_end(position: &ChainPosition, head: &ChainHead) -> Result<(), BrokenEntry> {
    let broken = |sequence: i64, fault| Err(BrokenEntry { sequence, fault });
    let next_of_head = head.last.sequence.saturating_add(1);
    if position.sequence < head.last.sequence {
        return broken(position.sequence.saturating_add(1), AuditFault::Missing);
    }
    if position.sequence > head.last.sequence {
        // It was verified before and is no longer counted.
        return broken(next_of_head, AuditFault::Missing);
    }
    if position.hash != head.last.hash {
        return broken(position.sequence, AuditFault::Changed);
    }
    if head.highest_sequence > head.last.sequence {
        return broken(next_of_head, AuditFault::AfterHead);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use contracts::audit::{Actor, AuditArea};

    use super::*;

    fn chain(length: i64) -> Vec<ChainedEntry> {
        let mut previous = ChainPosition::start();
        let link = |sequence: i64| {
            let act =
                AuditEntry::new(Actor::default(), AuditArea::Menu, "product.changed", sequence, "Latte", Timestamp(1));
            let entry = serde_json::to_string(&act).unwrap();
            let hash = entry_hash(&previous.hash, sequence, &entry);
            let previous_hash = std::mem::replace(&mut previous, ChainPosition { sequence, hash: hash.clone() }).hash;
            ChainedEntry { sequence, entry, previous_hash, hash, columns: AuditColumns::of(&act) }
        };
        (1..=length).map(link).collect()
    }

    fn head_of(chain: &[ChainedEntry]) -> ChainHead {
        let last = chain.last().unwrap();
        let position = ChainPosition { sequence: last.sequence, hash: last.hash.clone() };
        ChainHead { last: position, highest_sequence: last.sequence }
    }

    fn fault_of(chain: &[ChainedEntry], head: &ChainHead) -> Option<(i64, AuditFault)> {
        let verified = verify_entries(ChainPosition::start(), chain, head, true);
        verified.first_broken.map(|broken| (broken.sequence, broken.fault))
    }

    #[test]
    fn a_chain_as_it_was_written_is_intact() {
        let chain = chain(9);
        assert_eq!(fault_of(&chain, &head_of(&chain)), None);
        let empty = ChainHead { last: ChainPosition::start(), highest_sequence: 0 };
        assert_eq!(fault_of(&[], &empty), None);
    }

    #[test]
    fn the_hash_of_an_entry_is_the_same_in_every_release() {
        let hash = entry_hash(GENESIS_HASH, 1, r#"{"label":"Latte"}"#);
        assert_eq!(hash, HASH_OF_THE_FIRST_RELEASE);
    }

    /// `printf 'fnb-audit-v1\n%064d\n1\n{"label":"Latte"}' 0 | sha256sum`
    const HASH_OF_THE_FIRST_RELEASE: &str = "ec5b1952a60753b768d6e1a0c4aca7e0e6a4cad4a5ec09099893ec44b1d9ccdb";

    #[test]
    fn a_changed_entry_is_found() {
        let (mut changed, head) = (chain(9), head_of(&chain(9)));
        changed[3].entry = changed[3].entry.replace("Latte", "Mocha");
        assert_eq!(fault_of(&changed, &head), Some((4, AuditFault::Changed)));
        changed[3].hash = entry_hash(&changed[3].previous_hash, 4, &changed[3].entry);
        assert_eq!(fault_of(&changed[..4], &head_of(&changed[..4])), Some((4, AuditFault::ColumnsDiffer)));
        changed[3].columns = AuditColumns::of(&serde_json::from_str(&changed[3].entry).unwrap());
        assert_eq!(fault_of(&changed, &head), Some((5, AuditFault::NotChained)));
    }

    #[test]
    fn a_changed_last_entry_differs_from_the_head() {
        let (mut changed, head) = (chain(3), head_of(&chain(3)));
        changed[2].entry = changed[2].entry.replace("product.changed", "product.created");
        changed[2].hash = entry_hash(&changed[2].previous_hash, 3, &changed[2].entry);
        changed[2].columns.action = "product.created".into();
        assert_eq!(fault_of(&changed, &head), Some((3, AuditFault::Changed)));
    }

    #[test]
    fn a_removed_entry_is_found_also_at_the_end() {
        let (whole, head) = (chain(9), head_of(&chain(9)));
        let without = |index: usize| [&whole[..index], &whole[index + 1..]].concat();
        for index in 0..9 {
            let sequence = i64::try_from(index).unwrap() + 1;
            assert_eq!(fault_of(&without(index), &head), Some((sequence, AuditFault::Missing)));
        }
        assert_eq!(fault_of(&whole[..5], &head), Some((6, AuditFault::Missing)));
    }

    #[test]
    fn swapped_and_inserted_entries_are_found() {
        let (mut swapped, head) = (chain(9), head_of(&chain(9)));
        swapped.swap(3, 4);
        (swapped[3].sequence, swapped[4].sequence) = (4, 5);
        assert_eq!(fault_of(&swapped, &head), Some((4, AuditFault::NotChained)));

        let mut inserted = chain(9);
        let copy = inserted[3].clone();
        inserted.insert(4, copy);
        for (index, entry) in inserted.iter_mut().enumerate() {
            entry.sequence = i64::try_from(index).unwrap() + 1;
        }
        assert_eq!(fault_of(&inserted, &head), Some((5, AuditFault::NotChained)));
    }

    #[test]
    fn an_entry_behind_the_head_and_a_head_that_went_back_are_found() {
        let whole = chain(9);
        let back = ChainHead { highest_sequence: 9, ..head_of(&whole[..7]) };
        assert_eq!(fault_of(&whole[..7], &back), Some((8, AuditFault::AfterHead)));
        let verified_before = head_of(&whole).last;
        let verified = verify_entries(verified_before, &[], &head_of(&whole[..7]), true);
        let missing = BrokenEntry { sequence: 8, fault: AuditFault::Missing };
        assert_eq!(verified.first_broken, Some(missing), "entries that were verified before are gone");
    }
}
