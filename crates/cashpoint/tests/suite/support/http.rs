//! HTTP/1.1 down to the byte, over plain sockets.
//!
//! A client library would repair what these tests send and tidy what they read. It would also hide when a connection is
//! made, and tests of a thousand connections have to know.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest that any answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub(crate) struct Line {
    stream: BufReader<TcpStream>,
}

/// What came back, unread.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// Status code.
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The header's value; the first, if there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Line {
    /// Connects.
    pub(crate) fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Writes these bytes, whatever they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one response.
    pub(crate) fn read(&mut self) -> io::Result<Response> {
        let (status, headers) = self.read_head()?;
        let mut response = Response { status, headers, body: Vec::new() };
        let number = |text: &str| text.trim().parse().map_err(|_| broken("a length that is no number"));
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = self.read_chunks()?;
        } else if let Some(length) = response.header("content-length") {
            response.body = vec![0; number(length)?];
            self.stream.read_exact(&mut response.body)?;
        } else if !matches!(status, 204 | 304) {
            self.stream.read_to_end(&mut response.body)?;
        }
        Ok(response)
    }

    /// Writes a request and reads its response.
    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> io::Result<Response> {
        self.write(bytes)?;
        self.read()
    }

    /// Whether the other side has neither closed nor said anything.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let stream = self.stream.get_ref();
        let quiet = stream.set_nonblocking(true).is_ok()
            && stream.peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        quiet && stream.set_nonblocking(false).is_ok()
    }

    /// Whether the other side closes within `limit`, saying nothing more.
    pub(crate) fn closes_within(&mut self, limit: Duration) -> bool {
        let mut byte = [0];
        let waits = self.stream.get_ref().set_read_timeout(Some(limit)).is_ok();
        match self.stream.read(&mut byte) {
            Ok(read) => waits && read == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    fn read_head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let first = self.read_line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| broken(&format!("no status line: {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken("a header without a colon"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = self.read_line()?;
            let length = usize::from_str_radix(&length, 16).map_err(|_| broken("a chunk without a length"))?;
            let from = body.len();
            body.resize(from + length, 0);
            self.stream.read_exact(&mut body[from..])?;
            self.read_line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
