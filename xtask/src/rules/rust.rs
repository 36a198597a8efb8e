//! Just enough reading of Rust for the rules: code without its comments and texts, and the texts by themselves.

/// A Rust file, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Rust {
    /// The code, line by line; comments and the insides of texts are blank.
    pub(crate) code: Vec<String>,
    /// The texts ("..." and r"..."), each with the line on which it begins, from 1.
    pub(crate) texts: Vec<(usize, String)>,
    /// The line of `#[cfg(test)] mod ... {`, from which on the file is tests; past the end if there is none.
    pub(crate) tests_from: usize,
}

impl Rust {
    pub(crate) fn read(source: &str) -> Self {
        let mut reader = Reader { rest: source, line: 1, code: String::new(), texts: Vec::new() };
        reader.read();
        let code: Vec<String> = reader.code.lines().map(String::from).collect();
        let tests_from = tests_begin(&code).unwrap_or(usize::MAX);
        Self { code, texts: reader.texts, tests_from }
    }

    /// The lines of code before the tests, each with its number.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.code.iter().enumerate().map(|(index, line)| (index + 1, line.as_str()));
        numbered.take_while(|(line, _)| *line < self.tests_from)
    }

    /// The texts before the tests.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &(usize, String)> {
        self.texts.iter().filter(|(line, _)| *line < self.tests_from)
    }
}

/// Where `#[cfg(test)]` is followed by the module's own braces: by convention the end of the file.
fn tests_begin(code: &[String]) -> Option<usize> {
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
    texts: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.blank(end);
            } else if self.rest.starts_with("/*") {
                self.blank(block_comment_end(self.rest));
            } else if let Some((open, close)) = raw_text(self.rest, self.code.chars().last()) {
                self.text(open, &close, false);
            } else if first == '"' {
                self.text(1, "\"", true);
            } else if let Some(end) = character_end(self.rest) {
                self.blank(end);
            } else {
                self.keep(first.len_utf8());
            }
        }
    }

    /// Passes `length` bytes on as code.
    fn keep(&mut self, length: usize) {
        let (part, rest) = self.rest.split_at(length);
        self.line += part.matches('\n').count();
        self.code.push_str(part);
        self.rest = rest;
    }

    /// Passes `length` bytes over; line ends stay.
    fn blank(&mut self, length: usize) {
        let (part, rest) = self.rest.split_at(length);
        let ends = part.matches('\n').count();
        self.line += ends;
        self.code.push_str(&"\n".repeat(ends));
        self.rest = rest;
    }

    fn text(&mut self, open: usize, close: &str, has_escapes: bool) {
        let line = self.line;
        self.keep(open);
        let end = text_end(self.rest, close, has_escapes);
        self.texts.push((line, self.rest[..end].to_owned()));
        self.blank(end);
        self.keep(close.len().min(self.rest.len()));
    }
}

fn text_end(rest: &str, close: &str, has_escapes: bool) -> usize {
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

/// `r"`, `r#"`, `br"`: how long the opening is, and what closes it. `before`: an `r` that ends a name is none.
fn raw_text(rest: &str, before: Option<char>) -> Option<(usize, String)> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let prefix = rest.len() - rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?.len();
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let opens = rest[prefix + hashes..].starts_with('"');
    opens.then(|| (prefix + hashes + 1, format!("\"{}", "#".repeat(hashes))))
}

/// The end of a character such as `'"'`; a lifetime is none.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_comments_are_not_code() {
        let rust = Rust::read("let a = \"x // \\\" y\"; // z\nlet c = '\"';\nlet b: &'static str = r#\"q\"q\"#;\n");
        assert_eq!(rust.code, ["let a = \"\"; ", "let c = ;", "let b: &'static str = r#\"\"#;"]);
        assert_eq!(rust.texts, [(1, "x // \\\" y".to_owned()), (3, "q\"q".to_owned())]);
    }

    #[test]
    fn lines_are_counted_through_texts_and_comments() {
        let rust = Rust::read("/* a\n/* b */\n*/ \"one\ntwo\"\n\"three\"");
        assert_eq!(rust.texts, [(3, "one\ntwo".to_owned()), (5, "three".to_owned())]);
    }

    #[test]
    fn what_follows_the_test_module_is_tests() {
        let rust = Rust::read("fn a() {}\n#[cfg(test)]\nmod tests {\n  \"SELECT\"\n}\n");
        assert_eq!(rust.lines().count(), 1);
        assert_eq!(rust.texts().count(), 0);
        assert_eq!(Rust::read("#[cfg(test)]\nmod tests;\nfn a() {}\n").lines().count(), 3);
    }
}
