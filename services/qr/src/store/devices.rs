//! devices: the dispensers.

use contracts::{
    ids::{DeviceId, ProductId},
    qr::MachineView,
};
use db::{DbResult, Row, Tx, json};

use crate::model::{DeviceJournal, Machine};

/// More dispensers than a shop can have.
const MACHINES_MAX: u32 = 256;

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// The version of its description.
    pub(crate) version: i64,
    /// The products that it pours. Empty: all.
    pub(crate) products: Vec<ProductId>,
    /// The journal that it writes now. `None`: it has not sent one.
    pub(crate) journal_epoch: Option<String>,
    /// The number of its newest grant.
    pub(crate) grants: i64,
    /// The rate of its pump.
    pub(crate) ml_per_second: u32,
    /// Another journal that a heartbeat named and none has confirmed yet.
    pub(crate) candidate: Option<Candidate>,
}

/// A journal that waits for its confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) journal_epoch: String,
    /// The number that the confirming heartbeat must send back.
    pub(crate) grants: i64,
}

const COLUMNS: &str = "version, products, journal_epoch, grants, ml_per_second, candidate_epoch, candidate_grants";

impl Device {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        let candidate_epoch: Option<String> = row.get("candidate_epoch")?;
        let candidate_grants: Option<i64> = row.get("candidate_grants")?;
        let candidate =
            candidate_epoch.zip(candidate_grants).map(|(journal_epoch, grants)| Candidate { journal_epoch, grants });
        Ok(Self {
            version: row.get("version")?,
            products: row.json("products")?,
            journal_epoch: row.get("journal_epoch")?,
            grants: row.get("grants")?,
            ml_per_second: row.get("ml_per_second")?,
            candidate,
        })
    }
}

/// The device is as this says, unless a newer state is known. What it did stays. With a newer key, the numbers of its
/// requests begin anew.
pub(crate) fn put_device(tx: &mut Tx<'_>, machine: &Machine) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO devices (device_id, name, place, products, ml_per_second, is_revoked, version, key_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (device_id) DO UPDATE
           SET name = excluded.name, place = excluded.place, products = excluded.products,
               ml_per_second = excluded.ml_per_second, is_revoked = excluded.is_revoked, version = excluded.version,
               sequence = CASE WHEN devices.key_version < excluded.key_version THEN 0 ELSE devices.sequence END,
               key_version = excluded.key_version
         WHERE devices.version < excluded.version";
    let Machine { device_id, name, place, products, ml_per_second, is_revoked, version, key_version } = machine;
    let (place, products) = (place.as_deref(), json(products)?);
    let params = (*device_id, name, place, products, *ml_per_second, *is_revoked, *version, *key_version);
    tx.execute(SQL, params).map(drop)
}

/// Locks the device's row until the transaction ends. A device without a journal writes this one from now on. `None`: it
/// is unknown.
pub(crate) fn lock_device(tx: &mut Tx<'_>, device_id: &str, journal_epoch: Option<&str>) -> DbResult<Option<Device>> {
    let sql = format!(
        "UPDATE devices SET journal_epoch = COALESCE(journal_epoch, $2) WHERE device_id = $1 RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, (device_id, journal_epoch), Device::from_row)
}

/// The device sends its next request, signed with the key of this version. `false`: the number is not newer than the
/// newest one, or the row is not of this key.
pub(crate) fn advance_sequence(
    tx: &mut Tx<'_>,
    device_id: DeviceId,
    key_version: i64,
    sequence: i64,
) -> DbResult<bool> {
    const SQL: &str = "
        UPDATE devices SET sequence = $3 WHERE device_id = $1 AND key_version = $2 AND sequence < $3";
    Ok(tx.execute(SQL, (device_id, key_version, sequence))? == 1)
}

/// The number of the device's newest signed request.
pub(crate) fn newest_sequence(tx: &mut Tx<'_>, device_id: DeviceId) -> DbResult<i64> {
    const SQL: &str = "SELECT sequence FROM devices WHERE device_id = $1";
    Ok(tx.query_opt(SQL, (device_id,), |row| row.get("sequence"))?.unwrap_or(0))
}

/// The machines in use, by name: with the products that each pours.
pub(crate) fn list_machines(tx: &mut Tx<'_>) -> DbResult<Vec<(Vec<ProductId>, MachineView)>> {
    const SQL: &str =
        "SELECT name, place, products FROM devices WHERE is_revoked = 0 ORDER BY name, device_id LIMIT $1";
    tx.query(SQL, (MACHINES_MAX,), |row| {
        let (name, place) = (row.get("name")?, row.get("place")?);
        Ok((row.json("products")?, MachineView { name, place }))
    })
}

/// Gives the device's next grant its number: `grants` of the answer.
pub(crate) fn next_grant(tx: &mut Tx<'_>, device_id: &str) -> DbResult<Device> {
    let sql = format!("UPDATE devices SET grants = grants + 1 WHERE device_id = $1 RETURNING {COLUMNS}");
    tx.query_one(&sql, (device_id,), Device::from_row)
}

/// Makes this journal the candidate, in the place of any other, with a number that was never sent before.
pub(crate) fn propose_journal(tx: &mut Tx<'_>, journal: &DeviceJournal) -> DbResult<Device> {
    let sql = format!(
        "UPDATE devices SET grants = grants + 1, candidate_epoch = $2, candidate_grants = grants + 1
          WHERE device_id = $1
         RETURNING {COLUMNS}"
    );
    let DeviceJournal { device_id, journal_epoch } = journal;
    tx.query_one(&sql, (device_id, journal_epoch), Device::from_row)
}

/// Makes the candidate the current journal.
pub(crate) fn confirm_journal(tx: &mut Tx<'_>, journal: &DeviceJournal) -> DbResult<Device> {
    let sql = format!(
        "UPDATE devices SET journal_epoch = $2, candidate_epoch = NULL, candidate_grants = NULL
          WHERE device_id = $1
         RETURNING {COLUMNS}"
    );
    let DeviceJournal { device_id, journal_epoch } = journal;
    tx.query_one(&sql, (device_id, journal_epoch), Device::from_row)
}
