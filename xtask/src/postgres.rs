//! A PostgreSQL for the tests alone: from the machine's package, in a temporary folder, on a free port.
//!
//! It keeps nothing, flushes nothing, and accepts only the password of this run. It ends with this program: stopped by
//! its pid when the value is dropped, and by the kernel (`setpriv --pdeathsig`) if this program is killed.

use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    net::TcpListener,
    os::unix::{
        fs::{DirBuilderExt, OpenOptionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::process::{self, Failure, Interrupt};

/// The folder into which the package of Debian and Ubuntu puts the programs.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql/15/bin";
/// The name of that package.
const DEBIAN_PACKAGE: &str = "postgresql-15";
/// The user that the package creates; the server refuses to run as root.
const SERVER_USER: &str = "postgres";
/// A start takes a second; on a machine that is busy compiling, several.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A fast stop drops the connections, so it takes a moment.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// Another program may take the free port before the server does.
const START_ATTEMPTS_MAX: u32 = 3;
/// 128 bits cannot be guessed.
const PASSWORD_BYTES: usize = 16;
/// Enough of the log to show why a start failed.
const LOG_LINES_SHOWN: usize = 20;

/// A running server. Dropping it stops it and removes its folder.
pub(crate) struct Postgres {
    server: Child,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Postgres {
    /// Starts a server of these [`programs`].
    pub(crate) fn start(programs: &Path, interrupt: &Interrupt) -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("fnb-test-postgres-{}", std::process::id()));
        // Dropped and so removed if anything fails before the server runs.
        let removed = RemovedFolder::create(folder)?;
        let password = random_password().map_err(|error| Failure::new(format!("no random password: {error}")))?;
        let user = Account::of_server()?;
        create_cluster(programs, &removed.0, user, &password, interrupt)?;
        for _ in 1..START_ATTEMPTS_MAX {
            if let Ok(server) = launch(programs, &removed.0, user, interrupt) {
                return Ok(removed.keep_for(server, password));
            }
            interrupt.check()?;
        }
        launch(programs, &removed.0, user, interrupt).map(|server| removed.keep_for(server, password))
    }

    /// The address for the tests, with a user who may create databases.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{SERVER_USER}:{}@127.0.0.1:{}", self.password, self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        stop(&mut self.server);
        fs::remove_dir_all(&self.folder).ok();
    }
}

struct RemovedFolder(PathBuf);

impl RemovedFolder {
    /// Creates a folder for this user alone. An existing one is refused: it may be another user's link to anywhere.
    fn create(folder: PathBuf) -> Result<Self, Failure> {
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", folder.display())))?;
        Ok(Self(folder))
    }

    fn keep_for(mut self, (server, port): (Child, u16), password: String) -> Postgres {
        Postgres { server, port, password, folder: std::mem::take(&mut self.0) }
    }
}

impl Drop for RemovedFolder {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// The account that runs the server.
#[derive(Clone, Copy)]
enum Account {
    /// The one that runs this program.
    Ours,
    /// This program runs as root, which the server refuses.
    Other { uid: u32, gid: u32 },
}

impl Account {
    fn of_server() -> Result<Self, Failure> {
        let id = |args: &[&str]| -> Result<u32, Failure> {
            let text = process::output(Command::new("id").args(args))?;
            text.trim().parse().map_err(|_| Failure::new(format!("`id` printed {text:?}")))
        };
        if id(&["-u"])? != 0 {
            return Ok(Self::Ours);
        }
        Ok(Self::Other { uid: id(&["-u", SERVER_USER])?, gid: id(&["-g", SERVER_USER])? })
    }

    /// Gives `path` to this account.
    fn own(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Ours => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// `program` run by this account. It gets a signal if this program is killed, where the machine can do that.
    fn command(self, program: &Path) -> Command {
        let Some(setpriv) = process::find_program("setpriv") else {
            let mut command = Command::new(program);
            if let Self::Other { uid, gid } = self {
                command.uid(uid).gid(gid);
            }
            return command;
        };
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "INT"]);
        if let Self::Other { uid, gid } = self {
            command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".into()]);
        }
        command.arg("--").arg(program);
        command
    }
}

/// The folder of the server's programs. Installs the package if it is missing and this user may.
pub(crate) fn programs(interrupt: &Interrupt) -> Result<PathBuf, Failure> {
    if let Some(folder) = find_programs() {
        return Ok(folder);
    }
    let is_root = matches!(process::output(Command::new("id").arg("-u")), Ok(uid) if uid.trim() == "0");
    let missing = || Failure::new(format!("PostgreSQL 15 is missing: `apt-get install {DEBIAN_PACKAGE}`, then again"));
    if !(is_root || process::is_ci()) || process::find_program("apt-get").is_none() {
        return Err(missing());
    }
    eprintln!("xtask: PostgreSQL 15 is missing; installing the package {DEBIAN_PACKAGE}");
    let apt = |args: &[&str]| {
        let mut command = if is_root { Command::new("apt-get") } else { Command::new("sudo") };
        if !is_root {
            command.args(["-n", "apt-get"]);
        }
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        process::must(&mut command, interrupt)
    };
    apt(&["update", "-qq"])?;
    apt(&["install", "-y", "-qq", "--no-install-recommends", DEBIAN_PACKAGE])?;
    find_programs().ok_or_else(missing)
}

fn find_programs() -> Option<PathBuf> {
    let complete = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let packaged = PathBuf::from(DEBIAN_FOLDER);
    if complete(&packaged) {
        return Some(packaged);
    }
    let folder = process::find_program("initdb")?.parent()?.to_path_buf();
    complete(&folder).then_some(folder)
}

fn create_cluster(
    programs: &Path,
    folder: &Path,
    user: Account,
    password: &str,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let password_file = folder.join("password");
    write_secret(&password_file, password)
        .and_then(|()| user.own(&password_file))
        .and_then(|()| user.own(folder))
        .map_err(|error| Failure::new(format!("cannot prepare {}: {error}", folder.display())))?;
    let mut command = user.command(&programs.join("initdb"));
    // The password crosses the loopback in clear text: SCRAM in the tests' unoptimised client would take longer than most
    // of the tests.
    command.args(["--auth=password", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    command.arg("--pwfile").arg(&password_file);
    command.arg(format!("--username={SERVER_USER}")).arg("--pgdata").arg(folder.join("data"));
    process::must(command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()), interrupt)
}

/// Creates a file that its owner alone can read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn random_password() -> io::Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Starts the server on a free port and waits until it accepts connections.
fn launch(programs: &Path, folder: &Path, user: Account, interrupt: &Interrupt) -> Result<(Child, u16), Failure> {
    let port = free_port()?;
    let log_path = folder.join("log");
    let log = File::create(&log_path).map_err(|error| Failure::new(format!("no log of PostgreSQL: {error}")))?;
    let log_again = log.try_clone().map_err(|error| Failure::new(format!("no log of PostgreSQL: {error}")))?;
    let mut command = user.command(&programs.join("postgres"));
    command.arg("-D").arg(folder.join("data")).arg("-p").arg(port.to_string());
    // The tests' rows need not outlive them, so nothing is flushed.
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=300",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ];
    for setting in settings {
        command.args(["-c", setting]);
    }
    // A process group of its own: Ctrl-C stops the tests first, and the server after them.
    command.current_dir(folder).stdin(Stdio::null()).stdout(log).stderr(log_again).process_group(0);
    let mut server = command.spawn().map_err(|error| Failure::new(format!("cannot run postgres: {error}")))?;
    match wait_until_ready(programs, &mut server, port, interrupt) {
        Ok(()) => Ok((server, port)),
        Err(failure) => {
            stop(&mut server);
            let log = fs::read_to_string(&log_path).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(LOG_LINES_SHOWN).collect();
            let shown = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
            Err(Failure::new(format!("{failure}\n{shown}")))
        }
    }
}

fn wait_until_ready(programs: &Path, server: &mut Child, port: u16, interrupt: &Interrupt) -> Result<(), Failure> {
    /// Between two checks whether it accepts connections.
    const POLL_EVERY: Duration = Duration::from_millis(50);
    let started = Instant::now();
    while started.elapsed() < READY_WITHIN {
        interrupt.check()?;
        if let Ok(Some(status)) = server.try_wait() {
            return Err(Failure::new(format!("PostgreSQL stopped while it started: {status}")));
        }
        let mut is_ready = Command::new(programs.join("pg_isready"));
        is_ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        if is_ready.status().is_ok_and(|status| status.success()) {
            return Ok(());
        }
        thread::sleep(POLL_EVERY);
    }
    Err(Failure::new(format!("PostgreSQL was not ready within {} s", READY_WITHIN.as_secs())))
}

fn stop(server: &mut Child) {
    // SIGINT is PostgreSQL's fast stop: it does not wait for its clients.
    process::signal(server, Signal::INT);
    let started = Instant::now();
    while started.elapsed() < STOPPED_WITHIN {
        if !matches!(server.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    server.kill().ok();
    server.wait().ok();
}

fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| Failure::new(format!("no free port: {error}")))
}
