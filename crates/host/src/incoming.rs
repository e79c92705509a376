//! A request as it came in, and its parts read one by one, in the order in which the interface's contract checks them:
//! media type, shape, session, channel.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use cashpoint_core::command::Standing;
use cashpoint_core::id::AccountNumber;
use cashpoint_core::session::Session;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::address::Address;
use crate::answer::Refused;
use crate::app::App;
use crate::server::{LateBody, Peer};

/// Most bytes that a body may have.
pub(crate) const LONGEST_BODY: usize = 64 * 1024;

const CHANNEL: &str = "cashpoint-channel";
const KEY: &str = "Idempotency-Key";
const LONGEST_KEY: usize = 255;

/// A request's head, and its body not yet read.
pub(crate) struct Incoming {
    head: Parts,
    body: Body,
}

/// The one variable segment of a path, decoded; empty if it is no text.
pub(crate) struct Segment(String);

/// The two variable segments of a path, decoded; empty what is no text.
pub(crate) struct Segments(pub(crate) Segment, pub(crate) Segment);

/// A valid idempotency key, sent or made.
#[derive(Clone, Debug)]
pub(crate) struct Key(String);

impl FromRequest<App> for Incoming {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        let (head, body) = request.into_parts();
        Ok(Self { head, body })
    }
}

impl FromRequestParts<App> for Segment {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let params = RawPathParams::from_request_parts(parts, app).await.ok();
        let first = params.as_ref().and_then(|params| params.iter().next());
        Ok(Self(first.map(|(_, text)| text.to_owned()).unwrap_or_default()))
    }
}

impl FromRequestParts<App> for Segments {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let params = RawPathParams::from_request_parts(parts, app).await.ok();
        let mut all = params.iter().flatten().map(|(_, text)| text.to_owned());
        let mut next = || Segment(all.next().unwrap_or_default());
        Ok(Self(next(), next()))
    }
}

impl Segment {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The account that the path names.
    pub(crate) fn account(&self) -> Result<AccountNumber, Malformed> {
        AccountNumber::parse(&self.0).map_err(|_| Malformed::AccountId { field: "account_id".to_owned() })
    }
}

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_header(self) -> HeaderValue {
        HeaderValue::try_from(self.0).expect("a key has only visible characters")
    }
}

impl Incoming {
    /// Who is asking, as far as the network can tell.
    pub(crate) fn address(&self, app: &App) -> Address {
        let peer = self.head.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| peer.ip());
        app.options().proxies.client(peer, &self.head.headers)
    }

    /// The idempotency key, made here if none was sent.
    pub(crate) fn key(&self, app: &App) -> Result<Key, Malformed> {
        let mut sent = self.head.headers.get_all(KEY).iter();
        let Some(key) = sent.next() else {
            return Ok(Key(app.ids().next()));
        };
        let visible = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
        let length = 1..=LONGEST_KEY;
        let text = key.to_str().ok().filter(|text| length.contains(&text.len()) && visible(text.as_bytes()));
        match (text, sent.next()) {
            (Some(text), None) => Ok(Key(text.to_owned())),
            (Some(_) | None, _) => {
                Err(Malformed::field(KEY, "it must be one header of 1 to 255 visible ASCII characters"))
            }
        }
    }

    /// Refuses a body that does not say that it is JSON.
    pub(crate) fn is_json(&self) -> Result<(), Code> {
        let named = self.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if named.is_some_and(is_json) { Ok(()) } else { Err(Code::UnsupportedMediaType) }
    }

    /// Reads the body that its media type says is JSON.
    pub(crate) async fn json<B: request::Body>(&mut self) -> Result<B, Refused> {
        self.is_json()?;
        let bytes = self.bytes().await?;
        Ok(B::parse(text(&bytes)?)?)
    }

    /// As [`Self::json`], where no body at all is as wrong as one of another media type.
    pub(crate) async fn present_json<B: request::Body>(&mut self) -> Result<B, Refused> {
        self.is_json()?;
        let bytes = self.bytes().await?;
        if bytes.is_empty() { Err(Code::UnsupportedMediaType.into()) } else { Ok(B::parse(text(&bytes)?)?) }
    }

    /// As [`Self::json`], for a body that is read in some other way.
    pub(crate) async fn json_text<T>(&mut self, read: fn(&str) -> Result<T, Malformed>) -> Result<T, Refused> {
        self.is_json()?;
        let bytes = self.bytes().await?;
        Ok(read(text(&bytes)?)?)
    }

    /// The body that its media type says is JSON, as it came: what was signed is looked at before it is read.
    pub(crate) async fn json_bytes(&mut self) -> Result<Bytes, Refused> {
        self.is_json()?;
        self.bytes().await
    }

    /// Refuses anything in the body of a request that takes none.
    pub(crate) async fn no_body(&mut self) -> Result<(), Refused> {
        let bytes = self.bytes().await?;
        if bytes.is_empty() { Ok(()) } else { Err(Malformed::whole("this request takes no body").into()) }
    }

    /// The whole body, if it is not too long. How long it may take is the server's to say.
    async fn bytes(&mut self) -> Result<Bytes, Refused> {
        let body = Limited::new(std::mem::take(&mut self.body), LONGEST_BODY);
        match body.collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Code::BodyTooLarge.into()),
            // There is no code for it but this one: the answer is the last on its connection, and says what was wrong.
            Err(error) if LateBody::caused(error.as_ref()) => {
                Err(Malformed::whole("the body did not come in time").into())
            }
            Err(_) => Err(Malformed::whole("the body broke off").into()),
        }
    }

    /// The parameters of the query string, decoded.
    pub(crate) fn query(&self) -> Result<Vec<(String, String)>, Malformed> {
        match Query::try_from_uri(&self.head.uri) {
            Ok(Query(pairs)) => Ok(pairs),
            Err(_) => Err(Malformed::whole("the query string cannot be decoded")),
        }
    }

    /// Refuses parameters where there are none.
    pub(crate) fn no_query(&self) -> Result<(), Malformed> {
        match self.head.uri.query() {
            None | Some("") => Ok(()),
            Some(_) => request::listing::Query::new(self.query()?, &[]).map(drop),
        }
    }

    /// The session whose token came along. Whether it still lives is not looked at.
    pub(crate) fn session(&self, app: &App) -> Result<Session, Refused> {
        let mut sent = self.head.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else {
            return Err(Code::Unauthenticated.into());
        };
        let token = value.to_str().ok().and_then(|text| text.split_once(' '));
        let Some((_, token)) = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(Code::Unauthenticated.into());
        };
        app.bank().authenticate(token.trim())?.ok_or_else(|| Code::Unauthenticated.into())
    }

    /// Where the request stands, by its channel credential.
    pub(crate) fn standing(&self, app: &App) -> Result<Standing, Refused> {
        let credential = self.head.headers.get(CHANNEL).and_then(|value| value.to_str().ok());
        Ok(app.bank().standing(credential)?)
    }
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed::whole("the body is not UTF-8"))
}

/// `application/json`, in UTF-8 if it says in what.
fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    let utf_8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) | None => true,
    };
    named && parts.all(utf_8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_json_by_its_media_type() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonp",
            "application/problem+json",
            "application/json; charset=latin1",
            "json",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
