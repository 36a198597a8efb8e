//! Runs other programs so that Ctrl-C stops them and their temporary files are removed.

use std::{
    env, fmt, io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Between two checks whether a child has ended. A person does not notice it, and it costs nothing.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// A child that shares our terminal gets the Ctrl-C too; after this long it gets a SIGTERM.
const STOPPED_BY_CTRL_C_WITHIN: Duration = Duration::from_secs(2);
/// After this long a child that was asked to stop is killed.
const STOPPED_WITHIN: Duration = Duration::from_secs(15);

/// The reason why a command failed, and its exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    /// A failure while the command ran.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 2 }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Whether somebody asked this program to stop (Ctrl-C, SIGTERM). While it exists, the signals do not end the program.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails after a Ctrl-C.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_requested() { Err(Failure { message: "stopped on request".into(), status: 130 }) } else { Ok(()) }
    }
}

/// Runs `command` until it ends, or until this program is asked to stop. Returns its status.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<ExitStatus, Failure> {
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    let mut asked_at: Option<Instant> = None;
    let mut is_terminated = false;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| cannot_start(command, &error))? {
            return Ok(status);
        }
        if interrupt.is_requested() {
            let since = asked_at.get_or_insert_with(Instant::now).elapsed();
            if since > STOPPED_BY_CTRL_C_WITHIN && !is_terminated {
                signal(&child, Signal::TERM);
                is_terminated = true;
            }
            if since > STOPPED_WITHIN {
                child.kill().ok();
            }
        }
        thread::sleep(POLL_EVERY);
    }
}

/// Runs `command`, which must succeed.
pub(crate) fn must(command: &mut Command, interrupt: &Interrupt) -> Result<(), Failure> {
    let status = run(command, interrupt)?;
    interrupt.check()?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{} failed: {status}", shown(command)))) }
}

/// Runs `command`, which must succeed, and returns its output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("{} failed: {}\n{errors}", shown(command), output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sends a signal to a child.
pub(crate) fn signal(child: &Child, signal: Signal) {
    // The child may have ended in this instant, which is no failure.
    kill_process(Pid::from_child(child), signal).ok();
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The workspace's own packages, as cargo describes them.
pub(crate) fn cargo_metadata() -> Result<serde_json::Value, Failure> {
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&metadata)
        .map_err(|error| Failure::new(format!("cannot read the output of cargo metadata: {error}")))
}

/// The root folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// Whether this runs on CI, where nobody watches.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// The program of this name on the path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Result<PathBuf, Failure> {
    cargo_metadata()?["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| Failure::new("cargo metadata names no target_directory"))
}

/// Builds and installs a cargo command of this version.
pub(crate) fn install_cargo_tool(name: &str, version: &str, interrupt: &Interrupt) -> Result<(), Failure> {
    eprintln!("xtask: {name} is missing; installing {version} (some minutes, once)");
    let mut command = cargo();
    // Outside the workspace, whose Cargo.lock is not the tool's.
    command.current_dir(env::temp_dir());
    command.args(["install", name, "--locked", "--version", version]);
    must(&mut command, interrupt)
}

fn cannot_start(command: &Command, error: &io::Error) -> Failure {
    Failure::new(format!("cannot run {}: {error}", shown(command)))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
