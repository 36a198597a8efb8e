//! `GET /api/Device/pairing/{code}`, `POST /api/Device/pair`: a device turns a code into its own credential.

use access::{SigningKey, TokenSubject};
use contracts::{
    device::{DeviceKind, DevicePaired, DeviceView, PairDevice, PairingView},
    ids::DeviceId,
    qr::PUMP_ML_PER_SECOND,
    time::Timestamp,
};
use db::{Tx, idempotency::IdempotencyKey};
use web::sha256_hex;

use super::{
    Devices,
    devices::{Act, DEVICE_TOKEN_LIFETIME, append_change},
};
use crate::{
    error::DeviceError,
    model::{self, DEVICES_MAX, GuessSource, Pairing, PairingCode},
    store::{self, StoredDevice},
};

/// Why the tablet before was revoked.
const REPLACED: &str = "replaced";
/// Who made a code, if no person did: the program, at the machine itself.
const MADE_BY_PROGRAM: &str = "fnb";

impl Devices {
    /// What a code makes of a device. The code stays valid.
    ///
    /// # Errors
    /// [`DeviceError::InvalidCode`], [`DeviceError::TooManyGuesses`].
    pub(crate) async fn get_pairing(&self, code: String, source: GuessSource) -> Result<PairingView, DeviceError> {
        let now = self.clock.now();
        self.guess(&code, source, async |code| {
            let find = move |tx: &mut Tx<'_>| {
                let pairing = store::find_pairing(tx, &code.hash(), now)?.ok_or(DeviceError::InvalidCode)?;
                let earlier = pairing.device_id.map(|id| store::find_device(tx, id)).transpose()?.flatten();
                let letter = earlier.and_then(|device| device.letter);
                let free = model::free_letter(pairing.kind, &store::list_letters(tx)?);
                Ok::<_, DeviceError>((letter.or(free), pairing))
            };
            let (letter, Pairing { kind, name, place, created_by, expires_at, .. }) = self.db.read(find).await?;
            let created_by = created_by.staff.map_or_else(|| MADE_BY_PROGRAM.to_owned(), |staff| staff.name);
            Ok(PairingView { kind, name, place, letter, created_by, expires_at })
        })
        .await
    }

    /// Uses a code up and makes the device: a tablet with a token, or a dispenser with a key. The same request again,
    /// under the same Idempotency-Key, gets a token or the key of that device again as long as the code is valid: its
    /// response may have been lost. No credential is stored for that.
    ///
    /// # Errors
    /// [`DeviceError::InvalidCode`], [`DeviceError::CodeUsed`], [`DeviceError::TooManyGuesses`],
    /// [`DeviceError::NameTaken`], [`DeviceError::TooManyDevices`].
    pub(crate) async fn pair_device(
        &self,
        request: PairDevice,
        key: Option<IdempotencyKey>,
        source: GuessSource,
    ) -> Result<DevicePaired, DeviceError> {
        let PairDevice { code, name, place } = request;
        if let Some(name) = &name {
            model::check_text("name", name)?;
        }
        if let Some(place) = &place {
            model::check_text("place", place)?;
        }
        let retry_hash = key.map(|key| sha256_hex([key.key, key.fingerprint].join("\n")));
        self.guess(&code, source, async |code| self.use_code(code, retry_hash, name, place).await).await
    }

    /// Looks a code up, which counts as a guess unless it is right.
    async fn guess<T>(
        &self,
        code: &str,
        source: GuessSource,
        look_up: impl AsyncFnOnce(PairingCode) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let begun = self.guesses.begin(source, self.clock.now());
        begun.map_err(|retry_after| DeviceError::TooManyGuesses { retry_after })?;
        let code = PairingCode::parse(code).ok_or(DeviceError::InvalidCode)?;
        let found = look_up(code).await;
        if !matches!(found, Err(DeviceError::InvalidCode | DeviceError::CodeUsed)) {
            self.guesses.forgive(source);
        }
        found
    }

    async fn use_code(
        &self,
        code: PairingCode,
        retry_hash: Option<String>,
        name: Option<String>,
        place: Option<String>,
    ) -> Result<DevicePaired, DeviceError> {
        let now = self.clock.now();
        // Before the code is used, so that little can fail after it.
        let (device_id, key) = (DeviceId::new(now), SigningKey::random()?);
        let paired = self
            .db
            .write(move |tx| {
                let code_hash = code.hash();
                let Some(pairing) = store::use_pairing_code(tx, &code_hash, retry_hash.as_deref(), now)? else {
                    return repeat(tx, &code_hash, retry_hash.as_deref(), now);
                };
                let pairing = Pairing {
                    name: name.clone().unwrap_or(pairing.name),
                    place: place.clone().or(pairing.place),
                    ..pairing
                };
                let (replaced, device) = match pairing.device_id {
                    Some(earlier) => pair_again(tx, &pairing, earlier, device_id, &key, now)?,
                    None => (None, pair_new(tx, &pairing, None, device_id, &key, now)?),
                };
                store::set_paired_device(tx, &code_hash, device.device_id)?;
                let key = (device.kind == DeviceKind::Dispenser).then(|| key.clone());
                let changed = replaced.into_iter().chain([device.clone()]).collect();
                Ok(Paired { changed, device: StoredDevice { view: device, signing_key: key } })
            })
            .await?;
        let Paired { changed, device: StoredDevice { view: device, signing_key } } = paired;
        for changed in &changed {
            self.share(changed, signing_key.clone().filter(|_| changed.device_id == device.device_id));
        }
        if let Some(key) = signing_key {
            return Ok(DevicePaired { device, token: None, expires_at: None, signing_key: Some(key.to_text()) });
        }
        let subject = TokenSubject::Device { device_id: device.device_id };
        let (token, expires_at) = self.tokens.issuer().issue(subject, now, DEVICE_TOKEN_LIFETIME)?;
        Ok(DevicePaired { device, token: Some(token), expires_at: Some(expires_at), signing_key: None })
    }
}

/// What a request to pair did.
struct Paired {
    /// The devices that are new or changed.
    changed: Vec<DeviceView>,
    /// The one that was paired.
    device: StoredDevice,
}

/// The device that the same request paired before, if it has not been revoked or paired again since.
fn repeat(tx: &mut Tx<'_>, code_hash: &str, retry_hash: Option<&str>, now: Timestamp) -> Result<Paired, DeviceError> {
    let used = store::find_used_code(tx, code_hash, now)?.ok_or(DeviceError::InvalidCode)?;
    if retry_hash.is_none() || used.retry_hash.as_deref() != retry_hash {
        return Err(DeviceError::CodeUsed);
    }
    let device_id = used.device_id.ok_or(DeviceError::CodeUsed)?;
    let device = store::find_paired_at(tx, device_id, used.used_at)?.ok_or(DeviceError::CodeUsed)?;
    Ok(Paired { changed: Vec::new(), device })
}

/// A dispenser in use keeps its id, because codes may be leased to it, and gets another key. A tablet is replaced by a
/// new device, because the tokens of the one that was lost name its id. Returns the device that was replaced, and the
/// one that was paired.
fn pair_again(
    tx: &mut Tx<'_>,
    pairing: &Pairing,
    earlier: DeviceId,
    device_id: DeviceId,
    key: &SigningKey,
    now: Timestamp,
) -> Result<(Option<DeviceView>, DeviceView), DeviceError> {
    let before = store::find_device(tx, earlier)?.ok_or(DeviceError::Unknown(earlier))?;
    let actor = &pairing.created_by;
    if let Some(after) = store::rotate_key(tx, earlier, key, now)? {
        append_change(tx, &Act { actor, action: "device.paired", before: Some(&before), after: &after }, now)?;
        return Ok((None, after));
    }
    let replaced = store::revoke_device(tx, earlier, REPLACED, now)?;
    if let Some(after) = &replaced {
        append_change(tx, &Act { actor, action: "device.revoked", before: Some(&before), after }, now)?;
    }
    Ok((replaced, pair_new(tx, pairing, Some(before), device_id, key, now)?))
}

/// Inserts the device with the letter of the one that it replaces, or the first that is free.
fn pair_new(
    tx: &mut Tx<'_>,
    pairing: &Pairing,
    earlier: Option<DeviceView>,
    device_id: DeviceId,
    key: &SigningKey,
    now: Timestamp,
) -> Result<DeviceView, DeviceError> {
    // Codes that are used at the same instant may exceed it, by their number at most.
    if store::count_devices_in_use(tx)? >= DEVICES_MAX {
        return Err(DeviceError::TooManyDevices);
    }
    let has_pump = pairing.kind == DeviceKind::Dispenser;
    let (letter, products, rate) = match earlier {
        Some(DeviceView { letter, products, ml_per_second, .. }) => (letter, products, ml_per_second),
        None => (None, Vec::new(), None),
    };
    let mut device = DeviceView {
        device_id,
        kind: pairing.kind,
        name: pairing.name.clone(),
        place: pairing.place.clone(),
        letter,
        products,
        ml_per_second: has_pump.then_some(rate.unwrap_or(PUMP_ML_PER_SECOND)),
        is_bearer_allowed: false,
        paired_at: now,
        last_seen_at: None,
        revoked_at: None,
        revoke_reason: None,
        key_version: 1,
        version: 1,
    };
    let key = has_pump.then_some(key);
    // Each attempt fails because another device took the letter or the name meanwhile: there are fewer of them than
    // devices.
    for _ in 0..DEVICES_MAX {
        if store::is_name_taken(tx, &device.name, None)? {
            return Err(DeviceError::NameTaken(device.name));
        }
        if (has_pump || device.letter.is_some()) && store::insert_device(tx, &device, key)? {
            let act = Act { actor: &pairing.created_by, action: "device.paired", before: None, after: &device };
            append_change(tx, &act, now)?;
            return Ok(device);
        }
        device.letter = model::free_letter(device.kind, &store::list_letters(tx)?);
    }
    Err(DeviceError::TooManyDevices)
}
