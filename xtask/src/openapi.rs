//! The API documents against the real program: openapi-spec-validator reads each, and schemathesis sends what the gateway's
//! document allows and what it forbids.
//!
//! What is tolerated, and nothing else:
//! - `/api/Order/stream` is validated but not called: it never ends.
//! - A refusal because of rows (404, 409, 412), or of a rule that no schema expresses: `xtask/openapi/shop_checks.py`
//!   lists each of those rules.
//! - `5.0` is sent as `5`: JSON Schema calls both integers, the program takes the second.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    process::{self, Failure, Interrupt},
    python_tools::{self, PythonTools},
};

/// Each service's own port, as the specification gives them.
const SERVICE_PORTS: [(&str, u16); 6] =
    [("order", 5001), ("payment", 5002), ("product", 5003), ("inventory", 5004), ("qr", 5005), ("analytics", 8000)];
/// The stream of orders never ends, so schemathesis cannot wait for its answer.
const ENDLESS_PATH: &str = "/api/Order/stream";
/// What each answer must keep: a request that follows the document is not refused (a check of ours), and one that breaks
/// it is.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      negative_data_rejection,valid_request_is_not_refused";
/// Cases for each route: with the coverage phase some thousands of requests, in about a minute.
const EXAMPLES_PER_ROUTE: &str = "40";
/// The same requests in every run.
const SEED: &str = "20261122";
/// A receipt waits for its codes for 10 s at most.
const REQUEST_TIMEOUT_SECONDS: &str = "20";
/// A start takes a second; on a busy machine, several.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// The program finishes its requests within ten seconds.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// `cargo xtask openapi`: builds the program and checks its documents, as the long test run does.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    if let Some(arg) = args.first() {
        return Err(Failure::usage(format!("openapi takes no {arg:?}: `cargo xtask openapi` checks every document")));
    }
    let interrupt = Interrupt::listen()?;
    process::must(process::cargo().args(["build", "--package", "fnb", "--bin", "fnb"]), &interrupt)?;
    match check(&interrupt)? {
        Checked::Done(true) => Ok(()),
        Checked::Done(false) => Err(Failure::new("the documents and the program differ: see above")),
        Checked::Skipped(why) => Err(Failure::new(why)),
    }
}

/// How the check went.
pub(crate) enum Checked {
    /// Whether both programs were content.
    Done(bool),
    /// This machine cannot run them, for this reason.
    Skipped(String),
}

/// Starts a demo shop in a temporary folder and runs both programs against it. The binary is the one that was built last.
pub(crate) fn check(interrupt: &Interrupt) -> Result<Checked, Failure> {
    let programs = match python_tools::ensure(interrupt)? {
        PythonTools::Ready(programs) => programs,
        PythonTools::Missing(why) => return Ok(Checked::Skipped(why)),
    };
    let folder = TempFolder::create()?;
    let shop = Shop::start(&folder.0, interrupt)?;
    let documents = shop.save_documents(&folder.0)?;
    let mut validator = Command::new(programs.join("openapi-spec-validator"));
    validator.args(["--validation-errors", "all"]).args(&documents).stdin(Stdio::null());
    let is_valid = process::run(&mut validator, interrupt)?.success();
    interrupt.check()?;
    let is_kept = process::run(&mut schemathesis(&programs, &folder.0, &shop), interrupt)?.success();
    interrupt.check()?;
    let log = fs::read_to_string(folder.0.join("log")).unwrap_or_default();
    let panicked = log.contains("panicked");
    if panicked || !is_kept {
        eprintln!("xtask: the program's warnings and errors:");
        log.lines()
            .filter(|line| line.contains(" WARN ") || line.contains("ERROR") || line.contains("panicked"))
            .for_each(|line| eprintln!("  {line}"));
    }
    Ok(Checked::Done(is_valid && is_kept && !panicked))
}

fn schemathesis(programs: &Path, folder: &Path, shop: &Shop) -> Command {
    let url = format!("http://{}", shop.gateway);
    let mut command = Command::new(programs.join("schemathesis"));
    // Its folders of reports and examples are made where it runs.
    command.current_dir(folder).stdin(Stdio::null());
    command.env("FNB_SHOP_URL", &url);
    command.env("SCHEMATHESIS_HOOKS", "shop_checks").env("PYTHONDONTWRITEBYTECODE", "1");
    // Python orders its sets by a random number otherwise, and the seed would not repeat a run.
    command.env("PYTHONHASHSEED", "0");
    command.env("PYTHONPATH", process::root().join("xtask/openapi"));
    // The shop is on this machine.
    command.env("NO_PROXY", "*");
    command.args(["run", &format!("{url}/openapi.json"), "--checks", CHECKS, "--exclude-path", ENDLESS_PATH]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES_PER_ROUTE, "--seed", SEED]);
    command.args(["--request-timeout", REQUEST_TIMEOUT_SECONDS, "--workers", "1", "--warnings", "off"]);
    command
}

struct TempFolder(PathBuf);

impl TempFolder {
    fn create() -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("fnb-openapi-{}", std::process::id()));
        fs::create_dir(&folder)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A running demo shop with all its ports. Dropping it stops it.
struct Shop {
    program: Child,
    /// Held open, so that the program may print.
    _output: BufReader<ChildStdout>,
    gateway: SocketAddr,
}

impl Shop {
    fn start(folder: &Path, interrupt: &Interrupt) -> Result<Self, Failure> {
        let binary = process::target_folder()?.join("debug/fnb");
        // The services' ports are fixed. Of the loopback addresses, which Linux has by the million, this run has its own.
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let log = File::create(folder.join("log")).map_err(|error| Failure::new(format!("no log: {error}")))?;
        let mut command = Command::new(&binary);
        command.arg("up").args(["--demo", "--port", "0", "--service-ports", "on"]);
        command.args(["--listen", &format!("127.78.{high}.{low}")]).arg("--data").arg(folder.join("data"));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FNB_")) {
            command.env_remove(name);
        }
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut program =
            command.spawn().map_err(|error| Failure::new(format!("cannot run {}: {error}", binary.display())))?;
        let Some(output) = program.stdout.take() else { return Err(Failure::new("the program has no output")) };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        // The program prints this line or ends; CI's own bound is around both.
        let read = output.read_line(&mut line);
        let address = line.trim().strip_prefix("ready http://").and_then(|address| address.parse().ok());
        let Some(gateway) = address.filter(|_| read.is_ok()) else {
            program.kill().ok();
            program.wait().ok();
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            return Err(Failure::new(format!("the demo shop does not start: {line}\n{log}")));
        };
        let shop = Self { program, _output: output, gateway };
        shop.wait_until_ready(interrupt)?;
        Ok(shop)
    }

    fn wait_until_ready(&self, interrupt: &Interrupt) -> Result<(), Failure> {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            interrupt.check()?;
            if get(self.gateway, "/readyz").is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new(format!("the demo shop is not ready within {} s", READY_WITHIN.as_secs())))
    }

    /// Writes the documents of the gateway and of every service into files.
    fn save_documents(&self, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        let services = SERVICE_PORTS.map(|(name, port)| (name, SocketAddr::new(self.gateway.ip(), port)));
        let mut files = Vec::new();
        for (name, address) in [("gateway", self.gateway)].into_iter().chain(services) {
            let file = folder.join(format!("{name}.json"));
            let document = get(address, "/openapi.json")?;
            fs::write(&file, document)
                .map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))?;
            files.push(file);
        }
        Ok(files)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        process::signal(&self.program, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < STOPPED_WITHIN {
            if !matches!(self.program.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

/// The body of a successful GET. HTTP/1.0: the body ends with the connection.
fn get(address: SocketAddr, path: &str) -> Result<String, Failure> {
    let failed = |what: &dyn std::fmt::Display| Failure::new(format!("GET http://{address}{path}: {what}"));
    let mut stream = TcpStream::connect(address).map_err(|error| failed(&error))?;
    stream.set_read_timeout(Some(READY_WITHIN)).map_err(|error| failed(&error))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").map_err(|error| failed(&error))?;
    let mut response = String::new();
    stream.read_to_string(&mut response).map_err(|error| failed(&error))?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or_else(|| failed(&"the response has no end of its head"))?;
    if head.split(' ').nth(1) != Some("200") {
        return Err(failed(&head.lines().next().unwrap_or_default()));
    }
    Ok(body.to_owned())
}
