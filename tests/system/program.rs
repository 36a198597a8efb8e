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
use serde_json::json;
use tempfile::TempDir;

use crate::{api_client::ApiClient, books::Books, wait::wait_until};

/// Limit for a start or a stop.
const START_OR_STOP_WITHIN: Duration = Duration::from_secs(30);

/// A shop that can be started and killed any number of times.
pub struct TestShop {
    folder: TempDir,
    arguments: Vec<String>,
}

/// A shop that is running.
pub struct RunningShop {
    child: Child,
    pub url: String,
    /// The owner's, in a demo shop; without a credential in any other.
    pub client: ApiClient,
}

impl TestShop {
    /// A demo shop: on SQLite, or on the PostgreSQL server that the environment names.
    pub fn demo(more: &[&str]) -> Self {
        Self::with(&[&["--demo", "--service-ports", "off"], more].concat())
    }

    /// A demo shop whose services listen on ports of their own, at a loopback address that no other test uses.
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

    /// A client of the owner of a new shop, by the PIN that its first start printed.
    pub fn owner(&self, running: &RunningShop) -> ApiClient {
        let listed = self.command("staff").arg("list").output().unwrap();
        let staff_id = String::from_utf8(listed.stdout).unwrap().split_whitespace().next().unwrap().to_owned();
        let sign_in = json!({ "staffId": staff_id, "pin": pin_in(&self.log()) });
        let session = running.client.post("/api/Session", &sign_in).expect(201);
        running.client.with_token(session["token"].as_str().unwrap())
    }

    fn is_demo(&self) -> bool {
        self.arguments.iter().any(|argument| argument == "--demo")
    }

    /// A command of the program for this shop's data.
    pub fn command(&self, command_name: &str) -> Command {
        let mut command = fnb();
        command.arg(command_name).arg("--data").arg(self.folder.path().join("data"));
        if let Some((server, prefix)) = self.server() {
            // The server's address may contain a password, which must not appear in the list of processes.
            command.env("FNB_DATABASE", server).env("FNB_DATABASE_PREFIX", prefix);
        }
        command
    }

    /// Whether its rows are on a server instead of in its folder.
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

    /// The standard error of the program, of all starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn start(&self) -> RunningShop {
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
            panic!("the program printed {line:?} instead of `ready`:\n{}", self.log());
        };
        let anonymous = ApiClient::at(url);
        let client = if self.is_demo() { anonymous.through_door("owner") } else { anonymous };
        RunningShop { client, url: url.to_owned(), child }
    }
}

/// The PIN in `owner PIN: 481 926 (Owner); ...`, whose groups of digits are apart.
pub fn pin_in(text: &str) -> String {
    let (_, after) = text.split_once("PIN: ").unwrap_or_else(|| panic!("no PIN in {text}"));
    after.chars().take_while(|c| c.is_ascii_digit() || *c == ' ').filter(char::is_ascii_digit).collect()
}

/// The binary under test, without the settings in a developer's environment.
pub fn fnb() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fnb"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FNB_")) {
        command.env_remove(name);
    }
    command
}

/// The first line that the program prints. Empty if it ends before, or prints none in time.
fn first_line(output: ChildStdout) -> String {
    let (sender, receiver) = mpsc::channel();
    // Reading a line has no time limit, so another thread does it.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(output).read_line(&mut line);
        let _ = sender.send(line);
    });
    receiver.recv_timeout(START_OR_STOP_WITHIN).unwrap_or_default()
}

impl RunningShop {
    /// Kills the program (SIGKILL), as a power cut does.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Sends a signal, as Ctrl-C and an orchestrator do.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until the program has ended.
    pub fn wait_for_exit(mut self) -> ExitStatus {
        wait_until(START_OR_STOP_WITHIN, || self.child.try_wait().unwrap().ok_or("the program does not stop"))
    }

    pub fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for_exit()
    }
}

impl Drop for RunningShop {
    /// A failed test must not leave the program running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
