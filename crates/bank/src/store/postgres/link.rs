//! A connection to the server, as the bank uses it: statements go out together and their answers come back together, so
//! a batch costs one round trip however many statements it has. Each statement is prepared when it is first used.
//!
//! This is the one place of the bank that knows async, because the library does: the runtime belongs to the connection and
//! runs on the caller's thread, only while the caller waits. Nothing here retries or connects again.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_sink::Sink as _;
use tokio::pin;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::address::Address;
use super::tls;
use crate::store::StoreError;

/// One address has so long to answer a connection attempt.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// A value that goes with a statement.
pub(super) type Value<'a> = Box<dyn ToSql + Send + Sync + 'a>;

/// A statement with its values.
pub(super) struct Query<'a> {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value<'a>>,
    /// For a `COPY … FROM STDIN BINARY`: the rows, as it wants them.
    rows: Option<Bytes>,
}

impl<'a> Query<'a> {
    pub(super) fn new(sql: &'static str, values: Vec<Value<'a>>) -> Self {
        Self { sql, values, rows: None }
    }

    /// A statement without values.
    pub(super) const fn plain(sql: &'static str) -> Self {
        Self { sql, values: Vec::new(), rows: None }
    }

    /// A `COPY … FROM STDIN BINARY` of these rows.
    pub(super) const fn copy(sql: &'static str, rows: Bytes) -> Self {
        Self { sql, values: Vec::new(), rows: Some(rows) }
    }
}

/// A column of values, in the order of their rows.
pub(super) fn column<'a, T>(values: impl IntoIterator<Item = T>) -> Value<'a>
where
    T: Send + Sync + 'a,
    Vec<T>: ToSql,
{
    Box::new(values.into_iter().collect::<Vec<T>>())
}

/// What the server answered to a statement.
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// How many rows a statement without result changed.
    pub(super) changed: u64,
}

/// Why a batch came to nothing.
#[derive(Debug)]
pub(super) enum LinkError {
    /// The server refused a statement, with this code; the connection lives.
    Refused(SqlState, StoreError),
    /// The connection is gone, or of no use any more: what was under way is unknown.
    Lost(StoreError),
    /// What was answered means nothing, or may not be used; the connection lives.
    Unreadable(StoreError),
}

impl LinkError {
    fn of(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) if !ends_the_connection(code) => Self::Refused(code.clone(), StoreError(Box::new(error))),
            Some(_) | None => match tls::explained(&error) {
                Some(why) => Self::lost(why),
                None => Self::Lost(StoreError(Box::new(error))),
            },
        }
    }

    fn lost(why: impl fmt::Display) -> Self {
        Self::Lost(StoreError(why.to_string().into()))
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(_, error) | Self::Lost(error) | Self::Unreadable(error) => error.fmt(out),
        }
    }
}

impl From<LinkError> for StoreError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Refused(_, error) | LinkError::Lost(error) | LinkError::Unreadable(error) => error,
        }
    }
}

/// Whether the server leaves with this, or is one that must not be written to.
fn ends_the_connection(code: &SqlState) -> bool {
    // Operator intervention (but for a statement that took too long), connection exceptions, a server in recovery or one
    // that has become a standby.
    let class = &code.code()[..2];
    (class == "57" && *code != SqlState::QUERY_CANCELED)
        || class == "08"
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
}

/// One connection.
pub(super) struct Link {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    prepared: HashMap<&'static str, Statement>,
}

impl Link {
    /// Connects to the first server of the address that will have us.
    pub(super) fn connect(address: &Address) -> Result<Self, LinkError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(LinkError::lost)?;
        let connector = tls::connector(address.trust()).map_err(LinkError::lost)?;
        let mut config = address.config().clone();
        config.connect_timeout(CONNECT_WITHIN);
        let attempts = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
        let connecting = async {
            let (client, connection) = config.connect(connector).await?;
            // What ends a connection shows in the next statement that is sent over it.
            tokio::spawn(async move { drop(connection.await) });
            Ok(client)
        };
        let client = wait(&runtime, CONNECT_WITHIN * attempts, connecting)?;
        Ok(Self { runtime: Some(runtime), client, prepared: HashMap::new() })
    }

    /// Runs statements without values, one after the other, as a text.
    pub(super) fn script(&mut self, sql: &str, within: Duration) -> Result<(), LinkError> {
        wait(running(&self.runtime), within, self.client.batch_execute(sql))
    }

    /// What a statement that is made for the occasion answers, as text: its first row.
    pub(super) fn ask(&mut self, sql: &str, within: Duration) -> Result<Vec<Option<String>>, LinkError> {
        let answers = wait(running(&self.runtime), within, self.client.simple_query(sql))?;
        let row = answers
            .into_iter()
            .find_map(|answer| if let SimpleQueryMessage::Row(row) = answer { Some(row) } else { None });
        let row = row.ok_or_else(|| LinkError::Unreadable(StoreError("there is no answer".into())))?;
        Ok((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
    }

    /// Adds rows to a table: `sql` is a `COPY … FROM STDIN BINARY` of columns of these types.
    pub(super) fn fill<V: ToSql + Sync>(
        &mut self,
        sql: &str,
        types: &[Type],
        rows: &[Vec<V>],
        within: Duration,
    ) -> Result<u64, LinkError> {
        let client = &self.client;
        let filling = async {
            let writer = BinaryCopyInWriter::new(client.copy_in(sql).await?, types);
            pin!(writer);
            for row in rows {
                writer.as_mut().write_raw(row.iter()).await?;
            }
            writer.finish().await
        };
        wait(running(&self.runtime), within, filling)
    }

    /// Sends the statements together. The first error counts: those after it in a transaction are only its echo.
    pub(super) fn run(&mut self, queries: &[Query<'_>], within: Duration) -> Result<Vec<Answer>, LinkError> {
        self.prepare(queries, within)?;
        let Self { runtime, client, prepared } = self;
        let work = queries.iter().map(|query| one(client, &prepared[query.sql], query)).collect();
        wait(running(runtime), within, together(work))
    }

    /// As [`Self::run`], for one statement.
    pub(super) fn run_one(&mut self, query: Query<'_>, within: Duration) -> Result<Answer, LinkError> {
        let answers = self.run(&[query], within)?;
        Ok(answers.into_iter().next().expect("there is an answer for each statement"))
    }

    /// Runs migrations.
    pub(super) fn migrate(&mut self, runner: &refinery::Runner, within: Duration) -> Result<(), StoreError> {
        let Self { runtime, client, .. } = self;
        let timed = async { tokio::time::timeout(within, runner.run_async(client)).await };
        match block(running(runtime), timed) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(StoreError(Box::new(error))),
            Err(_) => Err(StoreError("the migrations did not end".into())),
        }
    }

    fn prepare(&mut self, queries: &[Query<'_>], within: Duration) -> Result<(), LinkError> {
        let Self { runtime, client, prepared } = self;
        let mut fresh: Vec<&'static str> = queries.iter().map(|query| query.sql).collect();
        fresh.retain(|sql| !prepared.contains_key(sql));
        fresh.dedup();
        if fresh.is_empty() {
            return Ok(());
        }
        let client = &*client;
        let work = fresh.iter().map(|sql| Box::pin(client.prepare(sql)) as Task<'_, Statement>).collect();
        let statements = wait(running(runtime), within, together(work))?;
        prepared.extend(fresh.into_iter().zip(statements));
        Ok(())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A runtime that is dropped waits, which is a panic on a thread that belongs to another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn running(runtime: &Option<Runtime>) -> &Runtime {
    runtime.as_ref().expect("it is there until the link is dropped")
}

type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send + 'a>>;

fn one<'a>(client: &'a Client, statement: &'a Statement, query: &'a Query<'_>) -> Task<'a, Answer> {
    Box::pin(async move {
        if let Some(rows) = &query.rows {
            let sink = client.copy_in(statement).await?;
            pin!(sink);
            poll_fn(|context| sink.as_mut().poll_ready(context)).await?;
            sink.as_mut().start_send(rows.clone())?;
            return Ok(Answer { rows: Vec::new(), changed: sink.finish().await? });
        }
        let values: Vec<&(dyn ToSql + Sync)> = query.values.iter().map(|value| &**value as _).collect();
        if statement.columns().is_empty() {
            Ok(Answer { rows: Vec::new(), changed: client.execute(statement, &values).await? })
        } else {
            Ok(Answer { rows: client.query(statement, &values).await?, changed: 0 })
        }
    })
}

/// Polls all in order, which is the order in which they are sent.
async fn together<T>(mut work: Vec<Task<'_, T>>) -> Result<Vec<T>, tokio_postgres::Error> {
    let mut done: Vec<Option<Result<T, tokio_postgres::Error>>> = work.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut open = false;
        for (task, done) in work.iter_mut().zip(&mut done) {
            if done.is_none() {
                match task.as_mut().poll(context) {
                    Poll::Ready(result) => *done = Some(result),
                    Poll::Pending => open = true,
                }
            }
        }
        if open { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Waits for an answer, but not for ever: a server that says nothing is gone.
fn wait<T: Send>(
    runtime: &Runtime,
    within: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
) -> Result<T, LinkError> {
    let timed = async { tokio::time::timeout(within, work).await };
    match block(runtime, timed) {
        Ok(result) => result.map_err(LinkError::of),
        Err(_) => Err(LinkError::lost(format_args!("no answer within {} s", within.as_secs()))),
    }
}

/// Runs a future to its end on this thread; on one beside it where this thread already belongs to a runtime.
fn block<T: Send>(runtime: &Runtime, work: impl Future<Output = T> + Send) -> T {
    if Handle::try_current().is_err() {
        return runtime.block_on(work);
    }
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| runtime.block_on(work));
        beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
