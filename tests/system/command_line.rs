//! The command line, as a person uses it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    time::Duration,
};

use contracts::event::EventKind;
use rustix::process::Signal;

use crate::{
    api_client::ApiClient,
    program::{TestShop, fnb},
    wait::wait_until,
};

fn output(command: &mut Command) -> (bool, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_names_every_command_and_source_of_settings() {
    let (is_ok, help, _) = output(fnb().arg("--help"));
    assert!(is_ok);
    for word in ["up", "config", "events", "staff", "audit-log", "fnb up --demo", "FNB_", "fnb.toml"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}

#[test]
fn the_command_line_wins_over_variables_and_those_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = "port = 1\nlisten = \"127.0.0.2\"\ndatabase = \"postgres://u:geheim@h:5432\"\ndata = \"from-file\"\n";
    std::fs::write(folder.path().join("fnb.toml"), file).unwrap();
    let mut command = fnb();
    command
        .current_dir(folder.path())
        .args(["config", "--port", "3"])
        .env("FNB_PORT", "2")
        .env("FNB_LISTEN", "127.0.0.3");
    let (is_ok, shown, error) = output(&mut command);
    assert!(is_ok, "{error}");
    assert!(shown.contains("port = 3"), "{shown}");
    assert!(shown.contains("listen = \"127.0.0.3\""), "{shown}");
    assert!(shown.contains("data = \"from-file\""), "{shown}");
    assert!(!shown.contains("geheim"), "{shown}");
}

#[test]
fn a_settings_file_in_a_parent_folder_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    std::fs::create_dir(&shop).unwrap();
    std::fs::write(folder.path().join("fnb.toml"), "port = 1\n").unwrap();
    let (is_ok, shown, error) = output(fnb().current_dir(shop).arg("config"));
    assert!(is_ok, "{error}");
    assert!(shown.contains("port = 8080"), "{shown}");
}

#[test]
fn log_levels_are_a_setting_like_the_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fnb.toml"), "log = \"warn,db=debug\"\n").unwrap();
    let (is_ok, shown, error) = output(fnb().current_dir(folder.path()).arg("config"));
    assert!(is_ok, "{error}");
    assert!(shown.contains("log = \"warn,db=debug\""), "{shown}");
    let (is_ok, _, error) = output(fnb().current_dir(folder.path()).arg("config").env("FNB_LOG", "debgu"));
    assert!(!is_ok);
    assert!(error.contains("\"debgu\" is no level"), "{error}");
    let (_, help, _) = output(fnb().args(["up", "--help"]));
    for word in ["--log", "--report-every-seconds", "--report-after-sale-seconds"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fnb.toml"), "prot = 1\n").unwrap();
    let (is_ok, _, error) = output(fnb().current_dir(folder.path()).arg("config"));
    assert!(!is_ok);
    assert!(error.contains("prot"), "{error}");
}

#[test]
fn a_port_in_use_is_refused_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let mut command = fnb();
    command.current_dir(folder.path()).args(["up", "--service-ports", "off", "--port", &port]);
    let (is_ok, out, error) = output(&mut command);
    assert!(!is_ok);
    assert!(out.is_empty(), "{out}");
    assert!(error.contains(&port) && error.contains("--port"), "{error}");
}

#[test]
fn a_running_shop_cannot_be_started_a_second_time() {
    let shop = TestShop::demo(&[]);
    let _running = shop.start();
    let (is_ok, _, error) = output(shop.command("up").args(["--port", "0", "--service-ports", "off"]));
    assert!(!is_ok);
    assert!(error.contains("another fnb runs the shop"), "{error}");
    let advice = if shop.is_on_a_server() { "with --database-prefix. If" } else { "with --data\n" };
    assert!(error.contains(advice), "{error}");
}

fn rename_shop(client: &ApiClient, name: &str) {
    let mut settings = client.get("/api/Shop").expect(200);
    settings["name"] = name.into();
    client.put("/api/Shop", &settings).expect(200);
}

#[test]
fn a_shop_with_settings_of_its_own_does_not_become_a_demo() {
    let shop = TestShop::empty();
    let running = shop.start();
    let owner = shop.owner(&running);
    rename_shop(&owner, "Kopi Sore");
    running.stop();
    let (is_ok, out, error) = output(shop.command("up").args(["--demo", "--port", "0", "--service-ports", "off"]));
    assert!(!is_ok);
    assert!(out.is_empty(), "{out}");
    assert!(error.contains("this shop is not the demo shop: start it without --demo"), "{error}");
    let running = shop.start();
    // The session goes on after a restart.
    let owner = running.client.with_credential_of(&owner);
    assert_eq!(owner.get("/api/Shop").expect(200)["name"], "Kopi Sore");
    assert_eq!(owner.get("/api/Product").expect(200)["items"], serde_json::json!([]));
}

#[test]
fn a_demo_shop_keeps_its_changed_settings_over_a_restart() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    rename_shop(&running.client, "Kopi Sore");
    running.stop();
    let running = shop.start();
    assert_eq!(running.client.get("/api/Shop").expect(200)["name"], "Kopi Sore");
}

#[test]
fn the_program_stops_on_request_while_a_screen_reads_the_stream() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let stream = format!("{}/api/Order/stream", running.url);
    let mut screen = ureq::get(&stream).header("Authorization", running.client.credential()).call().unwrap();
    running.client.post("/api/Order", &ApiClient::order(&[(&running.client.product("Espresso"), 1)])).expect(201);
    assert!(running.stop().success(), "{}", shop.log());
    let streamed = screen.body_mut().read_to_string().unwrap();
    assert!(streamed.contains("event: order"), "{streamed}");
}

#[test]
fn a_request_in_flight_is_finished_before_the_program_stops() {
    let shop = TestShop::demo(&[]);
    for signal in [Signal::TERM, Signal::INT] {
        let running = shop.start();
        let address = running.url.strip_prefix("http://").unwrap().to_owned();
        let order = ApiClient::order(&[(&running.client.product("Espresso"), 1)]).to_string();
        let mut connection = TcpStream::connect(&address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST /api/Order HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             expect: 100-continue\r\n\r\n",
            running.client.credential(),
            order.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        let mut response = BufReader::new(connection.try_clone().unwrap());
        let mut interim = String::new();
        response.read_line(&mut interim).unwrap();
        assert_eq!(interim, "HTTP/1.1 100 Continue\r\n");

        running.signal(signal);
        wait_until(Duration::from_secs(20), || match TcpStream::connect(&address) {
            Ok(_) => Err("a stopping program accepts new connections"),
            Err(_) => Ok(()),
        });
        connection.write_all(order.as_bytes()).unwrap();
        let mut rest = String::new();
        response.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("HTTP/1.1 201 Created"), "{rest}");
        assert!(running.wait_for_exit().success(), "{}", shop.log());
    }
    let running = shop.start();
    assert_eq!(running.client.get("/api/Order").expect(200)["items"].as_array().unwrap().len(), 2);
    shop.books().check();
}

#[test]
fn without_demo_there_is_no_menu_and_no_qris() {
    let shop = TestShop::empty();
    let running = shop.start();
    let owner = shop.owner(&running);
    assert_eq!(owner.get("/api/Product").expect(200)["items"], serde_json::json!([]));
    let methods = owner.get("/api/Payment/methods").expect(200).to_string();
    assert!(methods.contains("CASH") && !methods.contains("QRIS"), "{methods}");
}

#[test]
fn events_are_listed_shown_and_redriven() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let order =
        running.client.post("/api/Order", &ApiClient::order(&[(&running.client.product("Espresso"), 1)])).expect(201);
    let books = shop.books();
    books.wait_until_idle();
    let event = books.published_for("order", order["orderId"].as_str().unwrap(), EventKind::OrderCreated).remove(0);

    let events = |arguments: &[&str]| output(shop.command("events").args(arguments));
    let (is_ok, listed, error) = events(&["list"]);
    assert!(is_ok, "{error}");
    assert!(listed.contains("order") && listed.contains("0 unpublished, 0 dead letters"), "{listed}");
    let (is_ok, shown, _) = events(&["show", &event]);
    assert!(is_ok);
    assert!(shown.contains("in the outbox of order") && shown.contains(&event), "{shown}");
    let (is_ok, _, error) = events(&["redrive", &event]);
    assert!(!is_ok, "it is not a dead letter");
    assert!(error.contains("is not a dead letter") && error.contains("fnb events list"), "{error}");

    books.dead_letter(&event);
    let (_, listed, _) = events(&["list"]);
    assert!(listed.contains("by hand"), "{listed}");
    let (is_ok, redriven, error) = events(&["redrive", "--all"]);
    assert!(is_ok, "{error}");
    assert!(redriven.contains("Dead letters to redrive: 1"), "{redriven}");
    books.wait_until_no_dead_letters();
}
