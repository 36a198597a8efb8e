//! The real binary, with a folder (or databases) of its own.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{books::Books, http::Till};

/// How long a start, or a stop, may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shop that can be started and killed any number of times.
pub struct Shop {
    folder: TempDir,
    arguments: Vec<String>,
}

/// The shop while it runs.
pub struct Running {
    child: Child,
    pub url: String,
    pub till: Till,
}

impl Shop {
    /// A demo shop: on SQLite, or on the server that the environment names.
    pub fn demo(more: &[&str]) -> Self {
        Self::with(&[&["--demo"], more].concat())
    }

    /// A shop without a menu.
    pub fn empty() -> Self {
        Self::with(&[])
    }

    fn with(more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut arguments: Vec<String> = ["--port", "0", "--service-ports", "off"].map(String::from).into();
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let mut shop = Self { folder, arguments };
        shop.arguments.extend(shop.place());
        shop
    }

    /// Where its rows are, for every command.
    pub fn place(&self) -> Vec<String> {
        let mut place = vec!["--data".to_owned(), self.folder.path().join("data").display().to_string()];
        if let Some((server, prefix)) = self.server() {
            place.extend(["--database".to_owned(), server, "--database-prefix".to_owned(), prefix]);
        }
        place
    }

    fn server(&self) -> Option<(String, String)> {
        let server = std::env::var("FNB_TEST_POSTGRES").ok().filter(|server| !server.is_empty())?;
        let name = self.folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let prefix: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        Some((server, format!("s{prefix}_")))
    }

    pub fn books(&self) -> Books {
        let databases = match self.server() {
            Some((server, prefix)) => host::Databases::postgres_prefixed(&server, &prefix).unwrap(),
            None => host::Databases::sqlite(&self.folder.path().join("data")),
        };
        Books::of(databases)
    }

    /// What the program wrote to standard error, over all starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn start(&self) -> Running {
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut child = program()
            .arg("up")
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.trim().strip_prefix("ready ") else {
            let _ = child.kill();
            panic!("the program said {line:?} and not that it is ready:\n{}", self.log());
        };
        Running { till: Till::at(url), url: url.to_owned(), child }
    }
}

/// The binary under test, without what the environment of a developer may hold.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fnb"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FNB_")) {
        command.env_remove(name);
    }
    command
}

impl Running {
    /// As when the plug is pulled.
    pub fn pull_the_plug(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    }

    /// As Ctrl-C and an orchestrator do.
    pub fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(asked.elapsed() < PATIENCE, "the program does not stop");
            std::thread::yield_now();
        }
    }
}

impl Drop for Running {
    /// A test that failed leaves no program behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
