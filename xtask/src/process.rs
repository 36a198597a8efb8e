//! Running other programs: so that Ctrl-C stops them, and what was set up for them is cleared away.

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

/// How often a running child is looked at. A person does not notice it, and it costs nothing.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// A child that shares our terminal got the Ctrl-C too; after this long it is told again.
const HEARD_BY_ITSELF_WITHIN: Duration = Duration::from_secs(2);
/// After this long a child that was told to stop is killed.
const STOPPED_WITHIN: Duration = Duration::from_secs(15);

/// Why a command failed, and with which status it ends.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    status: u8,
}

impl Failure {
    /// Something did not work.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), status: 1 }
    }

    /// It was asked for in a way that we do not understand.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), status: 2 }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Whether someone asked us to stop (Ctrl-C, SIGTERM). From its making on, the signals no longer end us.
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

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Refuses to go on after a Ctrl-C.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_asked() { Err(Failure { what: "stopped, as asked".into(), status: 130 }) } else { Ok(()) }
    }
}

/// Runs `command` to its end, or until we are asked to stop, and answers its status.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<ExitStatus, Failure> {
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    let mut asked_at: Option<Instant> = None;
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| cannot_start(command, &error))? {
            return Ok(status);
        }
        if interrupt.is_asked() {
            let since = asked_at.get_or_insert_with(Instant::now).elapsed();
            if since > HEARD_BY_ITSELF_WITHIN && !told {
                signal(&child, Signal::TERM);
                told = true;
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

/// Runs `command`, which must succeed, and answers what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("{} failed: {}\n{said}", shown(command), output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sends a signal to a child of ours.
pub(crate) fn signal(child: &Child, signal: Signal) {
    // It may have ended by itself in this instant; then there is nobody to tell.
    kill_process(Pid::from_child(child), signal).ok();
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What cargo knows of the workspace's own packages.
pub(crate) fn cargo_metadata() -> Result<serde_json::Value, Failure> {
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&metadata)
        .map_err(|error| Failure::new(format!("cargo metadata is not what we know: {error}")))
}

/// Where the workspace is.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// Whether a machine runs us, whom nobody watches.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// The program of this name, as the shell would find it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn cannot_start(command: &Command, error: &io::Error) -> Failure {
    Failure::new(format!("cannot run {}: {error}", shown(command)))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
