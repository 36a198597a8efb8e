//! Rows of `transactions`, the ledger: every movement of money, never changed.

use contracts::{ids::TransactionId, money::Money, time::Timestamp};
use db::{DbResult, Tx};
#[cfg(test)]
use {super::payments::payment_from_row, contracts::ids::PaymentId};

use crate::model::Payment;

/// Why money moved, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionKind {
    /// The guest gave cash.
    CashIn,
    /// The guest got change.
    ChangeOut,
    /// The gateway took the money of a QR code.
    QrisIn,
}

impl TransactionKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::CashIn => "CASH_IN",
            Self::ChangeOut => "CHANGE_OUT",
            Self::QrisIn => "QRIS_IN",
        }
    }

    /// The ledger's sign: money out is negative.
    const fn signed(self, amount: Money) -> i64 {
        match self {
            Self::CashIn | Self::QrisIn => amount.minor,
            Self::ChangeOut => -amount.minor,
        }
    }
}

/// Writes one movement of money; `amount` is positive whichever way it goes.
pub(crate) fn insert_transaction(
    tx: &mut Tx<'_>,
    payment: &Payment,
    kind: TransactionKind,
    amount: Money,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO transactions (transaction_id, payment_id, kind, amount, currency, reference, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let gateway_reference = payment.qr.as_ref().map(|qr| qr.gateway_reference.as_str());
    let reference = payment.reference.as_deref().or(gateway_reference);
    let params = (
        TransactionId::new(now),
        payment.payment_id,
        kind.as_str(),
        kind.signed(amount),
        amount.currency,
        reference,
        now,
    );
    tx.execute(SQL, params).map(|_| ())
}

/// Each payment and the sum of its movements.
#[cfg(test)]
pub(crate) fn list_balances(tx: &mut Tx<'_>) -> DbResult<Vec<(Payment, i64)>> {
    const SQL: &str = "
        SELECT p.*, CAST(COALESCE((SELECT SUM(t.amount) FROM transactions t
                                    WHERE t.payment_id = p.payment_id), 0) AS BIGINT) AS balance
          FROM payments p ORDER BY p.payment_id";
    tx.query(SQL, (), |row| Ok((payment_from_row(row)?, row.get("balance")?)))
}

/// Each movement of a payment: its kind and its amount.
#[cfg(test)]
pub(crate) fn list_transactions(tx: &mut Tx<'_>, payment_id: PaymentId) -> DbResult<Vec<(String, i64)>> {
    const SQL: &str = "
        SELECT kind, amount FROM transactions WHERE payment_id = $1 ORDER BY transaction_id";
    tx.query(SQL, (payment_id,), |row| Ok((row.get("kind")?, row.get("amount")?)))
}
