//! The real program, started and stopped as its owner does.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{failure::Failure, plan::Plan};

/// The program finishes its requests within ten seconds.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// A running shop. Dropping it stops it.
pub(crate) struct Server {
    program: Child,
    /// Held open, so that the program may print.
    _output: BufReader<ChildStdout>,
    /// The address of the gateway.
    pub(crate) address: SocketAddr,
    /// The time until it printed `ready`.
    pub(crate) started_in: Duration,
    pub(crate) data: PathBuf,
}

/// The program's resident memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident_kib: u64,
    pub(crate) peak_kib: u64,
}

impl Server {
    /// Starts the program on `data` and waits until it is ready.
    pub(crate) fn start(plan: &Plan, data: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(data)?;
        let log_path = data.with_extension("log");
        let mut command = Command::new(&plan.program);
        command.arg("up").arg("--data").arg(data).args(["--port", "0", "--service-ports", "off", "--demo"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log_path)?);
        // Settings in the environment or in a file of the current folder must not change what is measured.
        command.current_dir(data);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FNB_")) {
            command.env_remove(name);
        }
        if plan.flush_ms > 0 {
            command.env("FNB_BENCH_FLUSH_MS", plan.flush_ms.to_string());
        }
        let started = Instant::now();
        let mut program =
            command.spawn().map_err(|error| Failure(format!("cannot run {}: {error}", plan.program.display())))?;
        let Some(output) = program.stdout.take() else { return Err(Failure("the program has no output".into())) };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                program.kill().ok();
                program.wait().ok();
                let log = fs::read_to_string(&log_path).unwrap_or_default();
                return Err(Failure(format!("the program ended before it was ready:\n{log}")));
            }
            if let Some(address) = line.trim().strip_prefix("ready http://") {
                break address.trim_end_matches('/').parse();
            }
        };
        let started_in = started.elapsed();
        let address = address.map_err(|_| Failure(format!("the program printed {line:?}, which is not an address")))?;
        Ok(Self { program, _output: output, address, started_in, data: data.to_path_buf() })
    }

    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id()))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
        };
        Ok(Memory { resident_kib: kib("VmRSS").unwrap_or(0), peak_kib: kib("VmHWM").unwrap_or(0) })
    }

    /// The CPU time that the program has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        /// Linux counts in hundredths of a second.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.program.id())).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = |at: usize| after_name.split_whitespace().nth(at).and_then(|text| text.parse::<f64>().ok());
        (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / TICKS_PER_SECOND
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.program), Signal::TERM).ok();
        let started = Instant::now();
        while started.elapsed() < STOPPED_WITHIN {
            if !matches!(self.program.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.program.kill().ok();
        self.program.wait().ok();
    }
}
