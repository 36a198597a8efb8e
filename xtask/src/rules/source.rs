//! The files that the rules check.

use std::{fs, io, path::Path};

/// The folders with our code and documents.
pub(crate) const FOLDERS: [&str; 8] = ["bench", "contracts", "docs", "fnb", "platform", "services", "tests", "xtask"];

/// Every file in them, and the documents beside them.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
}

/// One file; its text is empty unless it is Rust, SQL or Markdown.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the workspace's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file is test code (`src/tests.rs`, `src/tests/`, `tests/`).
    pub(crate) fn is_tests(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The service that owns this file, and the path within its folder.
    pub(crate) fn in_service(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("services/")?.split_once('/')
    }
}

impl Tree {
    /// Reads the files of the workspace at `root`.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        for folder in FOLDERS {
            if root.join(folder).is_dir() {
                tree.read_folder(&root.join(folder), folder)?;
            }
        }
        tree.read_documents(root)?;
        tree.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(tree)
    }

    /// Reads the documents in the root itself, such as README.md.
    fn read_documents(&mut self, root: &Path) -> io::Result<()> {
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let path = entry.file_name().to_string_lossy().into_owned();
            if path.ends_with(".md") {
                self.files.push(SourceFile { path, text: fs::read_to_string(entry.path())? });
            }
        }
        Ok(())
    }

    fn read_folder(&mut self, folder: &Path, path: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            let path = format!("{path}/{name}");
            if entry.file_type()?.is_dir() {
                self.read_folder(&entry.path(), &path)?;
                continue;
            }
            let is_read = [".rs", ".sql", ".md"].iter().any(|ending| path.ends_with(ending));
            let text = if is_read { fs::read_to_string(entry.path())? } else { String::new() };
            self.files.push(SourceFile { path, text });
        }
        Ok(())
    }
}

/// Whether `text` contains `word` as a whole word, ignoring case.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let word = word.to_ascii_uppercase();
    let is_part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    text.match_indices(&word).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|index| text.as_bytes().get(index));
        !is_part(before) && !is_part(text.as_bytes().get(at + word.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_found_ignoring_case() {
        assert!(has_word("paid boolean not null", "BOOLEAN"));
        assert!(has_word("x SKIP LOCKED", "SKIP LOCKED"));
        assert!(!has_word("is_boolean_like", "BOOLEAN"));
        assert!(!has_word("points", "INT"));
    }

    #[test]
    fn a_files_service_and_whether_it_is_a_test_follow_from_its_path() {
        let file = SourceFile::new("services/order/src/tests/placing.rs", "");
        assert_eq!(file.in_service(), Some(("order", "src/tests/placing.rs")));
        assert!(file.is_tests());
        assert!(!SourceFile::new("services/order/src/store.rs", "").is_tests());
    }
}
