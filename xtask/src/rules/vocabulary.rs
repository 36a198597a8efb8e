//! The words of the field: names that only this project would understand are refused, with the usual word.

use super::{
    Finding,
    rust_code::{RustCode, words_of},
    source::{SourceFile, Tree, has_word},
};

/// A word that no name of a file, function, type or module has, and what to write.
const IN_NAMES: [(&str, &str); 30] = [
    ("away", "unavailable"),
    ("buried", "dead-lettered"),
    ("bury", "dead_letter"),
    ("crew", "a noun for what it is"),
    ("forget", "delete, prune or evict"),
    ("forgets", "deletes, prunes or evicts"),
    ("forgotten", "deleted, pruned or evicted"),
    ("garbled", "malformed"),
    ("giveup", "cancel, expire or time_out"),
    ("grave", "dead_letter"),
    ("graves", "dead_letters"),
    ("hear", "consume, subscribe or fetch"),
    ("heard", "received or consumed"),
    ("hears", "consumes or subscribes_to"),
    ("lane", "queue, worker or connection"),
    ("patience", "timeout"),
    ("said", "published, returned or message"),
    ("say", "publish, return or report"),
    ("says", "publishes, returns or reports"),
    ("shed", "reject or a noun for what it is"),
    ("sick", "failing or unavailable"),
    ("surroundings", "context"),
    ("tell", "notify, send or return"),
    ("tells", "notifies, sends or returns"),
    ("told", "notified, sent or configured"),
    ("tries", "attempts"),
    ("twin", "counterpart or copy"),
    ("unsaid", "unpublished"),
    ("whose", "owner, or a noun for what it is"),
    ("wish", "options or request"),
];
/// A word that is odd in a comment too: each has only one meaning here.
const IN_COMMENTS: [(&str, &str); 12] = [
    ("buried", "dead-lettered"),
    ("bury", "dead-letter"),
    ("garbled", "malformed"),
    ("grave", "dead letter"),
    ("graves", "dead letters"),
    ("hear", "consume or receive"),
    ("heard", "consumed or received"),
    ("hears", "consumes or receives"),
    ("surroundings", "context"),
    ("tries", "attempts"),
    ("twin", "counterpart"),
    ("unsaid", "unpublished"),
];
/// In the name of a test, which is a sentence about a shop, these are plain English: the receipt says PAID.
const IN_SENTENCES: [&str; 5] = ["away", "say", "says", "tells", "whose"];
/// What introduces a name.
const DECLARATIONS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "mod", "const", "static"];

/// Finds such names in the file names, declarations and comments of every file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    // The lists above name the words themselves.
    let is_checked = |file: &&SourceFile| file.path != "xtask/src/rules/vocabulary.rs";
    tree.files.iter().filter(is_checked).flat_map(check_file).collect()
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: usize, name: &str, usual: &str| {
        findings.push(Finding::new(&file.path, line, format!("`{name}` is not a word of the field: write {usual}")));
    };
    for (word, usual) in banned_in_name(&file.path) {
        report(1, word, usual);
    }
    let code = RustCode::parse(if file.is_rust() { &file.text } else { "" });
    for (line, text) in code.code.iter().enumerate().map(|(index, text)| (index + 1, text.as_str())) {
        let is_test = file.is_tests() || line >= code.tests_from;
        for name in declared(text) {
            for (_, usual) in banned_in_name(name).filter(|(word, _)| !(is_test && IN_SENTENCES.contains(word))) {
                report(line, name, usual);
            }
        }
    }
    for (line, comment) in comments(file, &code) {
        for (word, usual) in IN_COMMENTS.iter().filter(|(word, _)| has_word(comment, word)) {
            report(line, word, usual);
        }
    }
    findings
}

fn banned_in_name(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let words = words_of(name);
    IN_NAMES.into_iter().filter(move |(banned, _)| words.iter().any(|word| word == banned))
}

/// The names that a line of code declares.
fn declared(line: &str) -> Vec<&str> {
    let words: Vec<&str> =
        line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    words.windows(2).filter(|pair| DECLARATIONS.contains(&pair[0])).map(|pair| pair[1]).collect()
}

/// The comments of a Rust file, or every line of a migration, whose columns and comments are names and prose alike.
fn comments<'a>(file: &'a SourceFile, code: &'a RustCode) -> Vec<(usize, &'a str)> {
    if file.path.ends_with(".sql") {
        return file.text.lines().enumerate().map(|(index, line)| (index + 1, line)).collect();
    }
    code.comments.iter().map(|(line, comment)| (*line, comment.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree { files: vec![SourceFile::new(path, text)] }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_banned_word_in_a_name_is_reported_with_its_line_and_the_usual_word() {
        let text = "\npub(crate) fn hear_of_money() {}\n";
        let expected = "services/order/src/model.rs:2: `hear_of_money` is not a word of the field: write consume, subscribe \
                        or fetch";
        assert_eq!(found("services/order/src/model.rs", text), [expected]);
        assert_eq!(found("platform/db/src/a.rs", "pub struct SaidEvent;\nenum Surroundings {}\nmod graves;").len(), 3);
    }

    #[test]
    fn file_names_test_names_and_migrations_are_checked_too() {
        assert_eq!(found("services/qr/src/commands/hear_machine.rs", "").len(), 1);
        let test = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn an_event_is_heard_twice() {}\n}";
        assert_eq!(found("platform/bus/src/a.rs", test).len(), 1);
        let sentence = test.replace("an_event_is_heard_twice", "an_order_whose_receipt_says_paid_is_paid");
        assert!(found("platform/bus/src/a.rs", &sentence).is_empty());
        assert_eq!(
            found("services/qr/migrations/V1__codes.sql", "CREATE TABLE t (\n  tries BIGINT -- graves\n);").len(),
            2
        );
    }

    #[test]
    fn a_comment_may_not_use_the_words_that_have_one_meaning_only() {
        assert_eq!(found("platform/bus/src/a.rs", "// The consumer hears it.\nfn f() {}").len(), 1);
        assert!(found("platform/bus/src/a.rs", "// Tells apart what a guest said.\nfn f() {}").is_empty());
    }

    #[test]
    fn longer_words_strings_and_uses_of_a_name_are_accepted() {
        assert!(
            found("platform/bus/src/a.rs", "fn shredder() { let x = \"heard\"; tell(x) }\nstruct Planet;").is_empty()
        );
    }
}
