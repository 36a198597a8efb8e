//! The SQL that SQLite and PostgreSQL share: one text for both.

use super::{
    Finding,
    rooms::is_sql,
    rust::Rust,
    source::{SourceFile, Tree, has_word},
};

/// What one of the two does not know, or means differently; and what to write.
const FOREIGN: [(&str, &str); 31] = [
    ("BOOLEAN", "BIGINT NOT NULL CHECK (x IN (0, 1))"),
    ("SERIAL", "TEXT with an id that we make"),
    ("BIGSERIAL", "TEXT with an id that we make"),
    ("AUTOINCREMENT", "TEXT with an id that we make"),
    ("INTEGER", "BIGINT"),
    ("INT", "BIGINT"),
    ("REAL", "BIGINT: nothing here is a fraction"),
    ("FLOAT", "BIGINT: nothing here is a fraction"),
    ("NUMERIC", "BIGINT of minor units"),
    ("DECIMAL", "BIGINT of minor units"),
    ("VARCHAR", "TEXT"),
    ("UUID", "TEXT"),
    ("BLOB", "TEXT"),
    ("BYTEA", "TEXT"),
    ("TIMESTAMP", "BIGINT of microseconds"),
    ("TIMESTAMPTZ", "BIGINT of microseconds"),
    ("DATETIME", "BIGINT of microseconds"),
    ("JSONB", "TEXT that holds JSON"),
    ("SKIP LOCKED", "one conditional UPDATE ... RETURNING"),
    ("FOR UPDATE", "one conditional UPDATE ... RETURNING"),
    (
        "ROWID",
        "a plain table, or `) WITHOUT ROWID;` at the end of one in a migration: PostgreSQL does not get to see it",
    ),
    ("STRICT", "a plain table"),
    ("DEFERRABLE", "a foreign key that is checked at once"),
    ("INSERT OR", "INSERT ... ON CONFLICT DO NOTHING or DO UPDATE"),
    ("PRAGMA", "nothing: connections are platform/db's"),
    ("ILIKE", "LOWER(a) LIKE LOWER($1)"),
    ("GLOB", "LOWER(a) LIKE LOWER($1)"),
    ("NOW", "a parameter: the time comes from the Clock"),
    ("CURRENT_TIMESTAMP", "a parameter: the time comes from the Clock"),
    ("JSON_EXTRACT", "a column of its own"),
    ("IFNULL", "COALESCE"),
];

/// How a table of small rows ends that SQLite is to keep in its key. platform/db takes it out for PostgreSQL.
const IN_ITS_KEY: &str = ") WITHOUT ROWID;";

/// Statements of services, and migrations anywhere, that only one of the two databases understands.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (line, sql) in statements(file) {
            findings.extend(foreign(file, line, &bare(&sql)));
        }
    }
    findings
}

/// The SQL of a file: all of a migration, the statements in a store. platform/db may speak each one's own dialect
/// where it must (it opens the connections), but its migrations may not.
fn statements(file: &SourceFile) -> Vec<(usize, String)> {
    if file.path.ends_with(".sql") {
        return vec![(1, file.text.clone())];
    }
    if !file.is_rust() || file.in_service().is_none() || file.is_tests() {
        return Vec::new();
    }
    Rust::read(&file.text).texts().filter(|(_, text)| is_sql(text)).cloned().collect()
}

/// The statement without its comments and its own texts.
fn bare(sql: &str) -> String {
    let uncommented: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let joined = uncommented.join("\n");
    let mut is_text = false;
    let blank = |part: &str| part.matches('\n').collect::<String>();
    let parts = joined.split('\'').map(|part| {
        let kept = if is_text { blank(part) } else { part.to_owned() };
        is_text = !is_text;
        kept
    });
    parts.collect::<Vec<_>>().join("''")
}

fn foreign(file: &SourceFile, first: usize, sql: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in (first..).zip(sql.lines()) {
        let text = if file.path.ends_with(".sql") && text == IN_ITS_KEY { "" } else { text };
        for (word, instead) in FOREIGN.iter().filter(|(word, _)| has_word(text, word)) {
            let what = format!("{word} is not in the SQL that SQLite and PostgreSQL share: write {instead}");
            findings.push(Finding::new(&file.path, line, what));
        }
        if has_word(text, "LIKE") && !has_word(sql, "LOWER") {
            let what = "LIKE tells capitals apart in PostgreSQL and not in SQLite: write LOWER(a) LIKE LOWER($1)";
            findings.push(Finding::new(&file.path, line, what));
        }
        if has_word(text, "SUM") && text.contains("SUM(") && !has_word(sql, "CAST") {
            let what = "SUM of BIGINT is NUMERIC in PostgreSQL: write CAST(SUM(x) AS BIGINT)";
            findings.push(Finding::new(&file.path, line, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let files = vec![SourceFile::new(path, text)];
        check(&Tree { files }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_type_of_one_database_alone_is_named_with_its_line_and_what_to_write() {
        let sql = "CREATE TABLE orders (\n  order_id TEXT PRIMARY KEY,\n  paid BOOLEAN -- or not\n);";
        let expected = "services/order/migrations/V1__orders.sql:3: BOOLEAN is not in the SQL that SQLite and \
                        PostgreSQL share: write BIGINT NOT NULL CHECK (x IN (0, 1))";
        assert_eq!(found("services/order/migrations/V1__orders.sql", sql), [expected]);
    }

    #[test]
    fn a_table_is_kept_in_its_key_by_the_end_of_a_migrations_table_alone() {
        let ends = |end: &str| found("services/order/migrations/V1__orders.sql", &format!("CREATE TABLE t (\n{end}"));
        assert!(ends(") WITHOUT ROWID;").is_empty());
        assert_eq!(ends(")  WITHOUT ROWID;").len(), 1);
        assert_eq!(ends(")\nWITHOUT ROWID;").len(), 1);
        assert_eq!(found("services/order/src/store.rs", "const SQL: &str = \"SELECT ROWID FROM t\";").len(), 1);
    }

    #[test]
    fn comments_texts_and_prose_are_no_statements() {
        let sql = "-- no BOOLEAN here\nCREATE TABLE t (x TEXT CHECK (x IN ('REAL', 'INT')), paid BIGINT);";
        assert!(found("platform/db/migrations/V1__platform.sql", sql).is_empty());
        assert!(found("services/order/src/store.rs", "fn f() { \"a STRICT rule\" }").is_empty());
    }

    #[test]
    fn a_sum_is_cast_and_like_ignores_capitals() {
        let store = |sql: &str| found("services/order/src/store.rs", &format!("const SQL: &str = \"{sql}\";"));
        assert!(store("SELECT CAST(SUM(x) AS BIGINT) FROM t WHERE LOWER(a) LIKE LOWER($1)").is_empty());
        assert_eq!(store("SELECT SUM(x) FROM t").len(), 1);
        assert_eq!(store("SELECT x FROM t WHERE a LIKE $1").len(), 1);
        assert_eq!(store("SELECT x FROM t FOR UPDATE").len(), 1);
    }
}
