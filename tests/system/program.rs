//! The real binary, with a folder (or databases) of its own.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{books::Books, http::Till, patience::until};

/// How long a start, or a stop, may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shop that can be started and killed any number of times.
pub struct TestShop {
    folder: TempDir,
    arguments: Vec<String>,
}

/// The shop while it runs.
pub struct Running {
    child: Child,
    pub url: String,
    pub till: Till,
}

impl TestShop {
    /// A demo shop: on SQLite, or on the server that the environment names.
    pub fn demo(more: &[&str]) -> Self {
        Self::with(&[&["--demo", "--service-ports", "off"], more].concat())
    }

    /// A demo shop whose services have ports of their own, at an address of the loopback where nobody else has them.
    pub fn demo_with_service_ports(address: &str) -> Self {
        Self::with(&["--demo", "--service-ports", "on", "--listen", address])
    }

    /// A shop without a menu.
    pub fn empty() -> Self {
        Self::with(&["--service-ports", "off"])
    }

    fn with(more: &[&str]) -> Self {
        let arguments = [&["--port", "0"], more].concat();
        Self { folder: TempDir::new().unwrap(), arguments: arguments.into_iter().map(str::to_owned).collect() }
    }

    /// A command of the program, told where this shop's rows are.
    pub fn command(&self, command_name: &str) -> Command {
        let mut command = program();
        command.arg(command_name).arg("--data").arg(self.folder.path().join("data"));
        if let Some((server, prefix)) = self.server() {
            // A server's address may hold a password, which is not for the machine's list of processes.
            command.env("FNB_DATABASE", server).env("FNB_DATABASE_PREFIX", prefix);
        }
        command
    }

    /// Whether its rows are on a server, and not in its folder.
    pub fn is_on_a_server(&self) -> bool {
        self.server().is_some()
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
        let mut child = self
            .command("up")
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let line = first_line(child.stdout.take().unwrap());
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

/// What the program says first. Empty: it ended without a word, or says none.
fn first_line(output: ChildStdout) -> String {
    let (say, heard) = mpsc::channel();
    // Reading has no bound of its own.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(output).read_line(&mut line);
        let _ = say.send(line);
    });
    heard.recv_timeout(PATIENCE).unwrap_or_default()
}

impl Running {
    /// As when the plug is pulled.
    pub fn pull_the_plug(&self) {
        self.ask_to_stop(Signal::KILL);
    }

    /// As Ctrl-C and an orchestrator do.
    pub fn ask_to_stop(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How the program ends that was asked to.
    pub fn ended(mut self) -> ExitStatus {
        until(PATIENCE, || self.child.try_wait().unwrap().ok_or("the program does not stop"))
    }

    pub fn stop(self) -> ExitStatus {
        self.ask_to_stop(Signal::TERM);
        self.ended()
    }
}

impl Drop for Running {
    /// A test that failed leaves no program behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
