//! A minimal HTTP/1.1 client: the benchmark shares the machine's cores with the program, so it must be cheap.

use std::{
    io::{Error, ErrorKind, Result},
    net::SocketAddr,
};

use tokio::net::TcpStream;

/// Bytes for one read; a receipt is a few kilobytes.
const READ_BYTES: usize = 16 * 1024;
/// Larger than any response of the program.
const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A connection that stays open from request to request.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    body: Vec<u8>,
    /// Of the person who is signed in. Empty: nobody is.
    token: String,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(READ_BYTES), body: Vec::new(), token: String::new() })
    }

    /// Signs in as the owner of the demo shop, through the door of its start page.
    pub(crate) async fn sign_in(&mut self) -> Result<()> {
        self.send(b"POST /demo/owner HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n").await?;
        if self.token.is_empty() { Err(Error::other("the demo shop lets nobody in")) } else { Ok(()) }
    }

    /// A request without a body.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        let token = &self.token;
        format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             accept: application/json\r\n\r\n"
        )
        .into_bytes()
    }

    /// A POST request with an idempotency key.
    pub(crate) fn post(&self, path: &str, key: &str, json: &str) -> Vec<u8> {
        let (token, length) = (&self.token, json.len());
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\nidempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n{json}"
        )
        .into_bytes()
    }

    /// Sends a request and returns the status of the response; [`Self::body`] then has its body.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<u16> {
        self.write(request).await?;
        let head_end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let head = Head::read(&self.read[..head_end])?;
        self.read.drain(..head_end);
        if let Some(token) = head.token {
            self.token = token;
        }
        self.body.clear();
        match head.length {
            Some(length) => self.read_body(length).await?,
            None => self.read_chunks().await?,
        }
        Ok(head.status)
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for bytes and reads them.
    async fn fill(&mut self) -> Result<()> {
        let held = self.read.len();
        if held > RESPONSE_BYTES_MAX {
            return Err(Error::other("a response is longer than 8 MiB"));
        }
        self.read.resize(held + READ_BYTES, 0);
        let outcome = loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.read[held..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                other => break other,
            }
        };
        let taken = *outcome.as_ref().unwrap_or(&0);
        self.read.truncate(held + taken);
        match outcome {
            Ok(0) => Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn read_body(&mut self, length: usize) -> Result<()> {
        while self.read.len() < length {
            self.fill().await?;
        }
        self.body.extend(self.read.drain(..length));
        Ok(())
    }

    async fn read_chunks(&mut self) -> Result<()> {
        loop {
            let end = loop {
                if let Some(at) = find(&self.read, b"\r\n") {
                    break at;
                }
                self.fill().await?;
            };
            let size = std::str::from_utf8(&self.read[..end]).unwrap_or_default();
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
                .map_err(|_| Error::new(ErrorKind::InvalidData, "a chunk has no size"))?;
            self.read.drain(..end + 2);
            self.read_body(size).await?;
            while self.read.len() < 2 {
                self.fill().await?;
            }
            self.read.drain(..2);
            if size == 0 {
                return Ok(());
            }
        }
    }
}

struct Head {
    status: u16,
    /// `None`: the body comes in chunks.
    length: Option<usize>,
    /// The token of a person who signed in.
    token: Option<String>,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Self> {
        let invalid = || Error::new(ErrorKind::InvalidData, "the response is not HTTP/1.1");
        let text = std::str::from_utf8(bytes).map_err(|_| invalid())?;
        let status = text.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(invalid)?;
        let value = |name: &str| {
            let headers = text.lines().skip(1).filter_map(|line| line.split_once(':'));
            headers.into_iter().find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value.trim()))
        };
        if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Ok(Self { status, length: None, token: None });
        }
        let length = value("content-length").map_or(Ok(0), str::parse).map_err(|_| invalid())?;
        let cookies = text.lines().filter_map(|line| line.split_once(": fnb_session="));
        let token = cookies.filter_map(|(_, cookie)| cookie.split(';').next()).next().map(str::to_owned);
        Ok(Self { status, length: Some(length), token })
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_length_are_read_from_the_head() {
        let plain = Head::read(b"HTTP/1.1 201 Created\r\nContent-Length: 42\r\n\r\n").unwrap();
        assert_eq!((plain.status, plain.length), (201, Some(42)));
        let chunked = Head::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        assert_eq!((chunked.status, chunked.length), (200, None));
        assert!(Head::read(b"SSH-2.0-x\r\n\r\n").is_err());
    }
}
