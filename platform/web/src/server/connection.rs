//! One connection: how long a client may take to send, and how a refusal closes it.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, Request, header},
    response::{IntoResponse, Response},
    routing::future::RouteFuture,
};
use futures::future::{Either, Ready, ready as resolved};
use hyper::body::{Frame, Incoming, SizeHint};
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{AllowedHosts, security_headers};
use crate::Peer;

/// How long a request's head may take, from the connection or from its first byte, however it trickles in. A head has a
/// few hundred bytes.
pub(super) const HEAD_SECONDS_MAX: u64 = 5;

/// How long the rest of a body that nobody read is discarded, so that the client can read the response: a socket that is
/// closed with unread bytes resets the connection, and the client loses the response.
const LINGER_SECONDS_MAX: u64 = 5;
/// How many bytes of it are discarded.
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The phase of a connection. The transport and the service share it.
#[derive(Default)]
pub(super) struct ConnectionState(AtomicU8);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A head is awaited or has begun.
    Head,
    /// A request is in progress, and its body may still arrive.
    Body,
    /// A request is in progress, and was read to its end.
    Response,
    /// A request was answered. The next has not begun.
    Idle,
}

impl ConnectionState {
    fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Head,
            1 => Phase::Body,
            2 => Phase::Response,
            _ => Phase::Idle,
        }
    }

    fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }
}

/// The transport of one connection.
pub(super) struct ConnectionIo<S> {
    stream: S,
    state: Arc<ConnectionState>,
    deadline: Instant,
    /// `None` until a read has to wait: a head that arrives whole needs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    closing: Option<Closing>,
}

/// Our side is closed, and the rest of a body is discarded.
struct Closing {
    bytes_left: usize,
}

impl<S> ConnectionIo<S> {
    pub(super) fn new(stream: S, state: Arc<ConnectionState>) -> Self {
        let deadline = Instant::now() + Duration::from_secs(HEAD_SECONDS_MAX);
        Self { stream, state, deadline, timer: None, closing: None }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ConnectionIo<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        match self.state.phase() {
            Phase::Idle if buffer.filled().len() > before => {
                self.state.set(Phase::Head);
                self.deadline = Instant::now() + Duration::from_secs(HEAD_SECONDS_MAX);
            }
            Phase::Head if read.is_pending() => {
                return self.poll_deadline(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
            }
            Phase::Head if Instant::now() >= self.deadline => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            Phase::Head | Phase::Body | Phase::Response | Phase::Idle => {}
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ConnectionIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes our side, and discards what the client still sends of a body that nobody read.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.deadline = Instant::now() + Duration::from_secs(LINGER_SECONDS_MAX);
            self.closing = Some(Closing { bytes_left: LINGER_BYTES_MAX });
        }
        if self.state.phase() != Phase::Body {
            return Poll::Ready(Ok(()));
        }
        self.poll_linger(cx).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<S: AsyncRead + Unpin> ConnectionIo<S> {
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut discarded = [0; 16 * 1024];
        while self.poll_deadline(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut discarded);
            if ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)).is_err() || buffer.filled().is_empty() {
                break;
            }
            let Some(closing) = &mut self.closing else { break };
            let Some(bytes_left) = closing.bytes_left.checked_sub(buffer.filled().len()) else { break };
            closing.bytes_left = bytes_left;
        }
        Poll::Ready(())
    }
}

/// Serves the requests of one connection.
pub(super) struct ConnectionService {
    pub(super) router: Router,
    pub(super) hosts: Arc<AllowedHosts>,
    pub(super) state: Arc<ConnectionState>,
    pub(super) peer: Peer,
}

type RouterResponse = Either<RouteFuture<Infallible>, Ready<Result<Response, Infallible>>>;

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response;
    type Error = Infallible;
    type Future = ConnectionResponse;

    fn call(&self, request: Request<Incoming>) -> ConnectionResponse {
        let has_body = !request.body().is_end_stream();
        self.state.set(if has_body { Phase::Body } else { Phase::Response });
        let response = match self.hosts.check(&request, self.peer.is_encrypted) {
            Err(problem) => Either::Right(resolved(Ok(problem.into_response()))),
            Ok(()) => {
                let mut request = request.map(|body| match has_body {
                    true => Body::new(TrackedBody { body, state: Arc::clone(&self.state) }),
                    false => Body::empty(),
                });
                request.extensions_mut().insert(self.peer);
                Either::Left(tower::Service::call(&mut self.router.clone(), request))
            }
        };
        ConnectionResponse { response, state: Arc::clone(&self.state) }
    }
}

pin_project! {
    /// A response, with `Connection: close` if the rest of the request was not read.
    pub(super) struct ConnectionResponse {
        #[pin]
        response: RouterResponse,
        state: Arc<ConnectionState>,
    }
}

impl Future for ConnectionResponse {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match ready!(this.response.poll(cx)) {
            Ok(response) => response,
            Err(never) => match never {},
        };
        security_headers::add_to(response.headers_mut());
        match this.state.phase() {
            Phase::Body => {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Phase::Head | Phase::Response | Phase::Idle => this.state.set(Phase::Idle),
        }
        Poll::Ready(Ok(response))
    }
}

pin_project! {
    /// A body that notes its end.
    struct TrackedBody {
        #[pin]
        body: Incoming,
        state: Arc<ConnectionState>,
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        if frame.is_none() || this.body.is_end_stream() {
            this.state.set(Phase::Response);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
