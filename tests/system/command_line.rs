//! The program as a person meets it in a terminal.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    time::Duration,
};

use contracts::event::EventKind;
use rustix::process::Signal;

use crate::{
    http::Till,
    patience::until,
    program::{TestShop, program},
};

fn output(command: &mut Command) -> (bool, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_teaches_every_command() {
    let (fine, help, _) = output(program().arg("--help"));
    assert!(fine);
    for word in ["up", "config", "events", "fnb up --demo", "FNB_", "fnb.toml"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}

#[test]
fn settings_come_from_the_command_line_then_variables_then_the_file_and_secrets_are_masked() {
    let folder = tempfile::tempdir().unwrap();
    let file = "port = 1\nlisten = \"127.0.0.2\"\ndatabase = \"postgres://u:geheim@h:5432\"\ndata = \"from-file\"\n";
    std::fs::write(folder.path().join("fnb.toml"), file).unwrap();
    let mut command = program();
    command
        .current_dir(folder.path())
        .args(["config", "--port", "3"])
        .env("FNB_PORT", "2")
        .env("FNB_LISTEN", "127.0.0.3");
    let (fine, shown, error) = output(&mut command);
    assert!(fine, "{error}");
    assert!(shown.contains("port = 3"), "{shown}");
    assert!(shown.contains("listen = \"127.0.0.3\""), "{shown}");
    assert!(shown.contains("data = \"from-file\""), "{shown}");
    assert!(!shown.contains("geheim"), "{shown}");
}

#[test]
fn a_file_in_a_folder_above_is_not_this_shops() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    std::fs::create_dir(&shop).unwrap();
    std::fs::write(folder.path().join("fnb.toml"), "port = 1\n").unwrap();
    let (fine, shown, error) = output(program().current_dir(shop).arg("config"));
    assert!(fine, "{error}");
    assert!(shown.contains("port = 8080"), "{shown}");
}

#[test]
fn what_is_logged_is_a_setting_like_the_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fnb.toml"), "log = \"warn,db=debug\"\n").unwrap();
    let (fine, shown, error) = output(program().current_dir(folder.path()).arg("config"));
    assert!(fine, "{error}");
    assert!(shown.contains("log = \"warn,db=debug\""), "{shown}");
    let (fine, _, error) = output(program().current_dir(folder.path()).arg("config").env("FNB_LOG", "debgu"));
    assert!(!fine);
    assert!(error.contains("\"debgu\" is no level"), "{error}");
    let (_, help, _) = output(program().args(["up", "--help"]));
    for word in ["--log", "--report-every-seconds", "--report-after-sale-seconds"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}

#[test]
fn a_setting_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fnb.toml"), "prot = 1\n").unwrap();
    let (fine, _, error) = output(program().current_dir(folder.path()).arg("config"));
    assert!(!fine);
    assert!(error.contains("prot"), "{error}");
}

#[test]
fn a_port_that_is_taken_is_said_with_the_way_on() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.current_dir(folder.path()).args(["up", "--service-ports", "off", "--port", &port]);
    let (fine, out, error) = output(&mut command);
    assert!(!fine);
    assert!(out.is_empty(), "{out}");
    assert!(error.contains(&port) && error.contains("--port"), "{error}");
}

#[test]
fn a_shop_that_runs_is_not_started_a_second_time() {
    let shop = TestShop::demo(&[]);
    let _running = shop.start();
    let (fine, _, error) = output(shop.command("up").args(["--port", "0", "--service-ports", "off"]));
    assert!(!fine);
    assert!(error.contains("another fnb runs the shop"), "{error}");
    let advice = if shop.is_on_a_server() { "with --database-prefix. If" } else { "with --data\n" };
    assert!(error.contains(advice), "{error}");
}

fn rename_shop(till: &Till, name: &str) {
    let mut settings = till.get("/api/Shop").expect(200);
    settings["name"] = name.into();
    till.put("/api/Shop", &settings).expect(200);
}

#[test]
fn a_shop_with_settings_of_its_own_is_not_made_a_demo() {
    let shop = TestShop::empty();
    let running = shop.start();
    rename_shop(&running.till, "Kopi Sore");
    running.stop();
    let (fine, out, error) = output(shop.command("up").args(["--demo", "--port", "0", "--service-ports", "off"]));
    assert!(!fine);
    assert!(out.is_empty(), "{out}");
    assert!(error.contains("this shop is not the demo's: start it without --demo"), "{error}");
    let running = shop.start();
    assert_eq!(running.till.get("/api/Shop").expect(200)["name"], "Kopi Sore");
    assert_eq!(running.till.get("/api/Product").expect(200)["items"], serde_json::json!([]));
}

#[test]
fn a_demo_shop_whose_settings_were_changed_starts_again_and_keeps_them() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    rename_shop(&running.till, "Kopi Sore");
    running.stop();
    let running = shop.start();
    assert_eq!(running.till.get("/api/Shop").expect(200)["name"], "Kopi Sore");
}

#[test]
fn the_program_stops_when_it_is_asked_to_though_a_screen_is_listening() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let stream = format!("{}/api/Order/stream", running.url);
    let mut screen = ureq::get(&stream).call().unwrap();
    running.till.post("/api/Order", &Till::order(&[(&running.till.product("Espresso"), 1)])).expect(201);
    assert!(running.stop().success(), "{}", shop.log());
    let heard = screen.body_mut().read_to_string().unwrap();
    assert!(heard.contains("event: order"), "{heard}");
}

#[test]
fn a_request_in_flight_is_answered_though_the_program_is_asked_to_stop() {
    let shop = TestShop::demo(&[]);
    for signal in [Signal::TERM, Signal::INT] {
        let running = shop.start();
        let address = running.url.strip_prefix("http://").unwrap().to_owned();
        let order = Till::order(&[(&running.till.product("Espresso"), 1)]).to_string();
        let mut till = TcpStream::connect(&address).unwrap();
        till.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST /api/Order HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             expect: 100-continue\r\n\r\n",
            order.len()
        );
        till.write_all(head.as_bytes()).unwrap();
        let mut answer = BufReader::new(till.try_clone().unwrap());
        let mut go_on = String::new();
        answer.read_line(&mut go_on).unwrap();
        assert_eq!(go_on, "HTTP/1.1 100 Continue\r\n");

        running.ask_to_stop(signal);
        until(Duration::from_secs(20), || match TcpStream::connect(&address) {
            Ok(_) => Err("a stopping program takes new guests"),
            Err(_) => Ok(()),
        });
        till.write_all(order.as_bytes()).unwrap();
        let mut rest = String::new();
        answer.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("HTTP/1.1 201 Created"), "{rest}");
        assert!(running.ended().success(), "{}", shop.log());
    }
    let running = shop.start();
    assert_eq!(running.till.get("/api/Order").expect(200)["items"].as_array().unwrap().len(), 2);
    shop.books().check();
}

#[test]
fn without_demo_there_is_no_menu_and_no_qris() {
    let shop = TestShop::empty();
    let running = shop.start();
    assert_eq!(running.till.get("/api/Product").expect(200)["items"], serde_json::json!([]));
    let methods = running.till.get("/api/Payment/methods").expect(200).to_string();
    assert!(methods.contains("CASH") && !methods.contains("QRIS"), "{methods}");
}

#[test]
fn events_are_listed_shown_and_redriven() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let order = running.till.post("/api/Order", &Till::order(&[(&running.till.product("Espresso"), 1)])).expect(201);
    let books = shop.books();
    books.settle();
    let event = books.said_of("order", order["orderId"].as_str().unwrap(), EventKind::OrderCreated).remove(0);

    let events = |arguments: &[&str]| output(shop.command("events").args(arguments));
    let (fine, listed, error) = events(&["list"]);
    assert!(fine, "{error}");
    assert!(listed.contains("order") && listed.contains("0 unpublished, 0 dead letters"), "{listed}");
    let (fine, shown, _) = events(&["show", &event]);
    assert!(fine);
    assert!(shown.contains("in the outbox of order") && shown.contains(&event), "{shown}");
    let (fine, _, error) = events(&["redrive", &event]);
    assert!(!fine, "it is not a dead letter");
    assert!(error.contains("is not a dead letter") && error.contains("fnb events list"), "{error}");

    books.dead_letter(&event);
    let (_, listed, _) = events(&["list"]);
    assert!(listed.contains("by hand"), "{listed}");
    let (fine, redriven, error) = events(&["redrive", "--all"]);
    assert!(fine, "{error}");
    assert!(redriven.contains("Dead letters to redrive: 1"), "{redriven}");
    books.until_no_dead_letters();
}
