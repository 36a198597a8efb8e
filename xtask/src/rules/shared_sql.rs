//! The SQL that SQLite and PostgreSQL share: every statement runs on both.

use super::{
    Finding,
    rooms::is_sql,
    rust_code::RustCode,
    source::{SourceFile, Tree, has_word},
};

/// A keyword that one of the two does not know or reads differently, and what to write instead.
const NOT_SHARED: [(&str, &str); 31] = [
    ("BOOLEAN", "BIGINT NOT NULL CHECK (x IN (0, 1))"),
    ("SERIAL", "TEXT with an id made by the program"),
    ("BIGSERIAL", "TEXT with an id made by the program"),
    ("AUTOINCREMENT", "TEXT with an id made by the program"),
    ("INTEGER", "BIGINT"),
    ("INT", "BIGINT"),
    ("REAL", "BIGINT: no value here is a fraction"),
    ("FLOAT", "BIGINT: no value here is a fraction"),
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
    ("ROWID", "a plain table, or `) WITHOUT ROWID;` at its end in a migration: platform/db removes it for PostgreSQL"),
    ("STRICT", "a plain table"),
    ("DEFERRABLE", "a foreign key that is checked immediately"),
    ("INSERT OR", "INSERT ... ON CONFLICT DO NOTHING or DO UPDATE"),
    ("PRAGMA", "nothing: platform/db opens and configures connections"),
    ("ILIKE", "LOWER(a) LIKE LOWER($1)"),
    ("GLOB", "LOWER(a) LIKE LOWER($1)"),
    ("NOW", "a parameter: the time comes from the Clock"),
    ("CURRENT_TIMESTAMP", "a parameter: the time comes from the Clock"),
    ("JSON_EXTRACT", "a column of its own"),
    ("IFNULL", "COALESCE"),
];

/// The end of a table whose rows SQLite keeps in the primary key's index. platform/db removes it for PostgreSQL.
const WITHOUT_ROWID_END: &str = ") WITHOUT ROWID;";

/// Finds statements in services, and migrations anywhere, that only one of the two databases understands.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (line, sql) in statements(file) {
            findings.extend(not_shared(file, line, &without_comments_and_strings(&sql)));
        }
    }
    findings
}

/// The SQL of a file: a whole migration, or the statements in a store. platform/db's code may use what one database
/// alone knows, because it opens the connections; its migrations may not.
fn statements(file: &SourceFile) -> Vec<(usize, String)> {
    if file.path.ends_with(".sql") {
        return vec![(1, file.text.clone())];
    }
    if !file.is_rust() || file.in_service().is_none() || file.is_tests() {
        return Vec::new();
    }
    RustCode::parse(&file.text).strings().filter(|(_, text)| is_sql(text)).cloned().collect()
}

/// The statement without its comments and the contents of its string literals.
fn without_comments_and_strings(sql: &str) -> String {
    let uncommented: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let joined = uncommented.join("\n");
    let mut is_literal = false;
    let line_ends = |part: &str| part.matches('\n').collect::<String>();
    let parts = joined.split('\'').map(|part| {
        let kept = if is_literal { line_ends(part) } else { part.to_owned() };
        is_literal = !is_literal;
        kept
    });
    parts.collect::<Vec<_>>().join("''")
}

fn not_shared(file: &SourceFile, first: usize, sql: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in (first..).zip(sql.lines()) {
        let text = if file.path.ends_with(".sql") && text == WITHOUT_ROWID_END { "" } else { text };
        for (keyword, instead) in NOT_SHARED.iter().filter(|(keyword, _)| has_word(text, keyword)) {
            let what = format!("{keyword} is not in the SQL that SQLite and PostgreSQL share: write {instead}");
            findings.push(Finding::new(&file.path, line, what));
        }
        if has_word(text, "LIKE") && !has_word(sql, "LOWER") && !compares_lower_case(text) {
            let what = "LIKE is case-sensitive in PostgreSQL and not in SQLite: compare a column that the program writes in \
                        lower case, such as search_name, or write LOWER(a) LIKE LOWER($1), which folds A to Z alone";
            findings.push(Finding::new(&file.path, line, what));
        }
        if has_word(text, "SUM") && text.contains("SUM(") && !has_word(sql, "CAST") {
            let what = "SUM of BIGINT is NUMERIC in PostgreSQL: write CAST(SUM(x) AS BIGINT)";
            findings.push(Finding::new(&file.path, line, what));
        }
    }
    findings
}

/// Whether every LIKE of this line compares a column that the program writes in lower case: `search_name`, `name_lower`.
fn compares_lower_case(text: &str) -> bool {
    let operands = text.split(" LIKE ").collect::<Vec<_>>();
    let columns = operands.split_last().map_or(&[][..], |(_, columns)| columns);
    columns.iter().all(|before| {
        let column = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        column.starts_with("search_") || column.ends_with("_lower")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let files = vec![SourceFile::new(path, text)];
        check(&Tree { files }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_type_of_one_database_alone_is_reported_with_its_line_and_a_replacement() {
        let sql = "CREATE TABLE orders (\n  order_id TEXT PRIMARY KEY,\n  paid BOOLEAN -- or not\n);";
        let expected = "services/order/migrations/V1__orders.sql:3: BOOLEAN is not in the SQL that SQLite and \
                        PostgreSQL share: write BIGINT NOT NULL CHECK (x IN (0, 1))";
        assert_eq!(found("services/order/migrations/V1__orders.sql", sql), [expected]);
    }

    #[test]
    fn without_rowid_is_allowed_only_at_the_end_of_a_table_in_a_migration() {
        let ends = |end: &str| found("services/order/migrations/V1__orders.sql", &format!("CREATE TABLE t (\n{end}"));
        assert!(ends(") WITHOUT ROWID;").is_empty());
        assert_eq!(ends(")  WITHOUT ROWID;").len(), 1);
        assert_eq!(ends(")\nWITHOUT ROWID;").len(), 1);
        assert_eq!(found("services/order/src/store.rs", "const SQL: &str = \"SELECT ROWID FROM t\";").len(), 1);
    }

    #[test]
    fn comments_literals_and_prose_are_not_statements() {
        let sql = "-- no BOOLEAN here\nCREATE TABLE t (x TEXT CHECK (x IN ('REAL', 'INT')), paid BIGINT);";
        assert!(found("platform/db/migrations/V1__platform.sql", sql).is_empty());
        assert!(found("services/order/src/store.rs", "fn f() { \"a STRICT rule\" }").is_empty());
    }

    #[test]
    fn sums_are_cast_and_like_ignores_case() {
        let store = |sql: &str| found("services/order/src/store.rs", &format!("const SQL: &str = \"{sql}\";"));
        assert!(store("SELECT CAST(SUM(x) AS BIGINT) FROM t WHERE LOWER(a) LIKE LOWER($1)").is_empty());
        assert_eq!(store("SELECT SUM(x) FROM t").len(), 1);
        assert_eq!(store("SELECT x FROM t WHERE a LIKE $1").len(), 1);
        assert!(store("SELECT x FROM t WHERE (p.search_name LIKE $1 OR name_lower LIKE $1)").is_empty());
        assert_eq!(store("SELECT x FROM t WHERE search_name LIKE $1 OR a LIKE $1").len(), 1);
        assert_eq!(store("SELECT x FROM t FOR UPDATE").len(), 1);
    }
}
