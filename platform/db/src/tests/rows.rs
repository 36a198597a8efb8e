//! Values of parameters and columns.

use contracts::{ids::OrderId, money::Currency, order::OrderStatus, time::BusinessDay};

use super::*;
use crate::{Value, json};

#[tokio::test]
async fn every_kind_of_value_is_read_as_it_was_written() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        let id = OrderId::new(NOW);
        let day: BusinessDay = "2026-11-22".parse().unwrap();
        let status = OrderStatus::Processing;
        db.write::<_, DbError, _>(move |tx| {
            tx.execute("CREATE TABLE kinds (i BIGINT, n BIGINT, yes BIGINT, no BIGINT, at BIGINT, t TEXT, tn TEXT, id TEXT, day TEXT, money TEXT, status TEXT, list TEXT)", ())?;
            tx.execute(
                "INSERT INTO kinds (i, n, yes, no, at, t, tn, id, day, money, status, list)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                (
                    i64::MIN, None::<i64>, true, &false, Some(NOW), "Kopi \u{1F980} '$1'", None::<String>, id, &day,
                    Currency::IDR, status, json(&["a", "b"])?,
                ),
            )
        })
        .await
        .unwrap();
        db.read::<_, DbError, _>(move |tx| {
            // Numbered out of order, and one of them twice.
            let sql = "SELECT * FROM kinds WHERE id = $2 AND i = $1 AND $1 < $3 AND (t = $4 OR id = $2) LIMIT $5";
            tx.query_one(sql, (i64::MIN, id, 0, "other", 10u32), |row| {
                assert_eq!(row.get::<String>("list")?, r#"["a","b"]"#);
                assert_eq!(row.json::<Vec<String>>("list")?, ["a", "b"]);
                assert_eq!(row.get::<i64>("i")?, i64::MIN);
                assert_eq!(row.get::<Option<i64>>("n")?, None);
                assert!(row.get::<bool>("yes")? && !row.get::<bool>("no")?);
                assert_eq!(row.get::<Timestamp>("at")?, NOW);
                assert_eq!(row.get::<Option<String>>("t")?.as_deref(), Some("Kopi \u{1F980} '$1'"));
                assert_eq!(row.get::<Option<String>>("tn")?, None);
                assert_eq!(row.get::<OrderId>("id")?, id);
                assert_eq!(row.get::<BusinessDay>("day")?, day);
                assert_eq!(row.get::<Currency>("money")?, Currency::IDR);
                assert_eq!(row.get::<OrderStatus>("status")?, status);
                assert_eq!(row.get::<Option<OrderStatus>>("tn")?, None);
                Ok(())
            })
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_column_that_holds_something_else_is_named() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 2)).await.unwrap();
        db.read::<_, DbError, _>(|tx| {
            let sql = "SELECT name, balance, note FROM accounts";
            let mut error =
                |read: fn(&crate::Row<'_>) -> DbResult<()>| tx.query_one(sql, (), read).unwrap_err().to_string();
            assert_eq!(error(|row| row.get::<i64>("name").map(|_| ())), "column name: it is a text, not an integer");
            assert_eq!(
                error(|row| row.get::<String>("balance").map(|_| ())),
                "column balance: it is an integer, not a text"
            );
            assert_eq!(error(|row| row.get::<bool>("balance").map(|_| ())), "column balance: 2 is neither 0 nor 1");
            assert_eq!(error(|row| row.get::<String>("note").map(|_| ())), "column note: it is NULL, not a text");
            assert_eq!(
                error(|row| row.get::<String>("nose").map(|_| ())),
                "column nose: the result has no such column"
            );
            assert_eq!(
                error(|row| row.get::<OrderStatus>("name").map(|_| ())),
                "column name: \"ann\" is not one of its values"
            );
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_wrong_number_of_values_is_refused_and_changes_nothing() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        for values in [vec![], vec![Value::of("ann")], vec![Value::of("ann"), Value::of(1i64), Value::Null]] {
            let sql = "INSERT INTO accounts (name, balance) VALUES ($1, $2)";
            let refused = db.write::<_, DbError, _>(move |tx| tx.execute(sql, &values)).await;
            assert!(matches!(refused, Err(DbError::Statement { .. })), "{refused:?}");
        }
        assert!(all_names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_result_without_a_row_is_none_or_an_error() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.read::<_, DbError, _>(|tx| {
            let sql = "SELECT name FROM accounts WHERE name = $1";
            assert_eq!(tx.query_opt(sql, ("ann",), |row| row.get::<String>("name"))?, None);
            assert!(tx.query_one(sql, ("ann",), |row| row.get::<String>("name")).is_err());
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}
