//! A minimal scanner of Rust for the rules: code without comments and strings, and each of those by itself.

/// A Rust file, split into code, strings and comments.
#[derive(Debug, Default)]
pub(crate) struct RustCode {
    /// The code, line by line; comments and the contents of strings are blank.
    pub(crate) code: Vec<String>,
    /// The strings ("..." and r"..."), each with the line on which it starts, from 1.
    pub(crate) strings: Vec<(usize, String)>,
    /// The comments, each with the line on which it starts, from 1.
    pub(crate) comments: Vec<(usize, String)>,
    /// The line of `#[cfg(test)] mod ... {`, after which the file is tests; `usize::MAX` if there is none.
    pub(crate) tests_from: usize,
}

impl RustCode {
    pub(crate) fn parse(source: &str) -> Self {
        let mut reader =
            Reader { rest: source, line: 1, code: String::new(), strings: Vec::new(), comments: Vec::new() };
        reader.read();
        let code: Vec<String> = reader.code.lines().map(String::from).collect();
        let tests_from = find_test_module(&code).unwrap_or(usize::MAX);
        Self { code, strings: reader.strings, comments: reader.comments, tests_from }
    }

    /// The lines of code before the tests, each with its number.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.code.iter().enumerate().map(|(index, line)| (index + 1, line.as_str()));
        numbered.take_while(|(line, _)| *line < self.tests_from)
    }

    /// The strings before the tests.
    pub(crate) fn strings(&self) -> impl Iterator<Item = &(usize, String)> {
        self.strings.iter().filter(|(line, _)| *line < self.tests_from)
    }
}

/// The line of `#[cfg(test)]` in front of a module with a body: by convention the end of the file.
fn find_test_module(code: &[String]) -> Option<usize> {
    let attribute = |line: &&String| line.trim() == "#[cfg(test)]";
    code.iter().zip(1..).zip(code.iter().skip(1)).find_map(|((line, number), next)| {
        let opens = next.trim_start().starts_with("mod ") && next.trim_end().ends_with('{');
        (attribute(&line) && opens).then_some(number)
    })
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    code: String,
    strings: Vec<(usize, String)>,
    comments: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.comment(end);
            } else if self.rest.starts_with("/*") {
                self.comment(block_comment_end(self.rest));
            } else if let Some((open, close)) = raw_string_start(self.rest, self.code.chars().last()) {
                self.string(open, &close, false);
            } else if first == '"' {
                self.string(1, "\"", true);
            } else if let Some(end) = character_end(self.rest) {
                self.blank(end);
            } else {
                self.keep(first.len_utf8());
            }
        }
    }

    /// Keeps `length` bytes as code.
    fn keep(&mut self, length: usize) {
        let (part, rest) = self.rest.split_at(length);
        self.line += part.matches('\n').count();
        self.code.push_str(part);
        self.rest = rest;
    }

    /// Skips `length` bytes but keeps their line ends.
    fn blank(&mut self, length: usize) {
        let (part, rest) = self.rest.split_at(length);
        let ends = part.matches('\n').count();
        self.line += ends;
        self.code.push_str(&"\n".repeat(ends));
        self.rest = rest;
    }

    fn comment(&mut self, length: usize) {
        self.comments.push((self.line, self.rest[..length].to_owned()));
        self.blank(length);
    }

    fn string(&mut self, open: usize, close: &str, has_escapes: bool) {
        let line = self.line;
        self.keep(open);
        let end = string_end(self.rest, close, has_escapes);
        self.strings.push((line, self.rest[..end].to_owned()));
        self.blank(end);
        self.keep(close.len().min(self.rest.len()));
    }
}

fn string_end(rest: &str, close: &str, has_escapes: bool) -> usize {
    let mut from = 0;
    while let Some(found) = rest[from..].find(close) {
        let at = from + found;
        let slashes = rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        if !has_escapes || slashes % 2 == 0 {
            return at;
        }
        from = at + close.len();
    }
    rest.len()
}

/// `r"`, `r#"` or `br"`: the length of the opening, and what closes the string. `before`: the character in front; an `r`
/// at the end of a name opens nothing.
fn raw_string_start(rest: &str, before: Option<char>) -> Option<(usize, String)> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let prefix = rest.len() - rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?.len();
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let opens = rest[prefix + hashes..].starts_with('"');
    opens.then(|| (prefix + hashes + 1, format!("\"{}", "#".repeat(hashes))))
}

/// The end of a character literal such as `'"'`; `None` for a lifetime.
fn character_end(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if inside.starts_with('\\') {
        return inside[2..].find('\'').map(|end| end + 4);
    }
    let first = inside.chars().next()?;
    inside[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

fn block_comment_end(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The words of a name in lower case, whether it is `snake_case`, `CamelCase` or a path.
pub(crate) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter.is_uppercase() || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_are_not_code() {
        let rust =
            RustCode::parse("let a = \"x // \\\" y\"; // z\nlet c = '\"';\nlet b: &'static str = r#\"q\"q\"#;\n");
        assert_eq!(rust.code, ["let a = \"\"; ", "let c = ;", "let b: &'static str = r#\"\"#;"]);
        assert_eq!(rust.comments, [(1, "// z".to_owned())]);
        assert_eq!(rust.strings, [(1, "x // \\\" y".to_owned()), (3, "q\"q".to_owned())]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let rust = RustCode::parse("/* a\n/* b */\n*/ \"one\ntwo\"\n\"three\"");
        assert_eq!(rust.strings, [(3, "one\ntwo".to_owned()), (5, "three".to_owned())]);
    }

    #[test]
    fn code_after_the_start_of_the_test_module_is_tests() {
        let rust = RustCode::parse("fn a() {}\n#[cfg(test)]\nmod tests {\n  \"SELECT\"\n}\n");
        assert_eq!(rust.lines().count(), 1);
        assert_eq!(rust.strings().count(), 0);
        assert_eq!(RustCode::parse("#[cfg(test)]\nmod tests;\nfn a() {}\n").lines().count(), 3);
    }

    #[test]
    fn a_name_is_split_into_its_words() {
        assert_eq!(words_of("place_order"), ["place", "order"]);
        assert_eq!(words_of("PlaceOrder"), ["place", "order"]);
        assert_eq!(words_of("src/place_order.rs"), ["src", "place", "order", "rs"]);
    }
}
