//! HTTP responses as web archives keep them (RFC 9110, RFC 9112).
//!
//! Status, headers, and the body without its transfer and content encodings.

use std::io::{self, Read};

use crate::ingest::decode::Charset;

/// The longest header of a response.
const MAX_HEADER: usize = 256 << 10;

/// A response whose body is still encoded.
#[derive(Debug, PartialEq)]
pub(super) struct Response<'a> {
    pub status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: &'a [u8],
}

/// A body without its encodings.
#[derive(Debug, PartialEq)]
pub(super) enum Body {
    Decoded(Vec<u8>),
    /// An encoding that is not known.
    Unknown(String),
    /// Longer than the limit.
    TooLong,
}

/// What a header `Content-Type` says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ContentType {
    /// In lower case; empty if there is no such header.
    pub media: String,
    pub charset: Option<Charset>,
}

impl ContentType {
    /// Reads `text/html; charset=utf-8`.
    pub fn parse(header: Option<&str>) -> ContentType {
        let mut parts = header.unwrap_or_default().split(';');
        let media = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let is_charset = name.trim().eq_ignore_ascii_case("charset");
            is_charset.then(|| value.trim().trim_matches(['"', '\'']).parse().ok()).flatten()
        });
        ContentType { media, charset }
    }
}

impl Response<'_> {
    /// The value of the first header `name`, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// Splits a response into its header and its body; `None` if it is no HTTP.
pub(super) fn parse(bytes: &[u8]) -> Option<Response<'_>> {
    let head = &bytes[..bytes.len().min(MAX_HEADER)];
    let crlf = head.windows(4).position(|w| w == b"\r\n\r\n").map(|at| (at, 4));
    let lf = head.windows(2).position(|w| w == b"\n\n").map(|at| (at, 2));
    let (end, gap) = match (crlf, lf) {
        (Some(crlf), Some(lf)) => crlf.min(lf),
        (crlf, lf) => crlf.or(lf).unwrap_or((head.len(), 0)),
    };
    let text = String::from_utf8_lossy(&head[..end]);
    let mut lines = text.lines();
    let mut words = lines.next()?.split_ascii_whitespace();
    if !words.next()?.to_ascii_uppercase().starts_with("HTTP") {
        return None;
    }
    let status = words.next()?.parse().ok()?;
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_string()))
    });
    Some(Response { status, headers: headers.collect(), body: &bytes[end + gap..] })
}

/// Decodes the body of a response. A crawler may have decoded it and kept the headers: a body that is not encoded as they
/// say is taken as it is.
pub(super) fn decode_body(response: &Response, limit: u64) -> Body {
    let is_chunked =
        response.header("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked"));
    let mut body = match is_chunked.then(|| unchunk(response.body)).flatten() {
        Some(body) => body,
        None => response.body.to_vec(),
    };
    let codings = response.header("content-encoding").unwrap_or_default().to_ascii_lowercase();
    // The last encoding was applied last.
    for coding in codings.rsplit(',').map(str::trim).filter(|coding| !coding.is_empty()) {
        body = match decompress(&body, coding, limit) {
            Ok(Some(plain)) if plain.len() as u64 > limit => return Body::TooLong,
            Ok(Some(plain)) => plain,
            Ok(None) => return Body::Unknown(coding.chars().take(20).collect()),
            Err(_) => body,
        };
    }
    Body::Decoded(body)
}

/// Joins the chunks of a body; `None` if it has none. A body that was cut off gives the chunks that it has.
fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut chunks = 0u64;
    while let Some(end) = bytes.iter().take(1024).position(|b| *b == b'\n') {
        let line = String::from_utf8_lossy(&bytes[..end]);
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        bytes = &bytes[end + 1..];
        chunks += 1;
        if size == 0 || bytes.is_empty() {
            break;
        }
        let (chunk, rest) = bytes.split_at(size.min(bytes.len()));
        out.extend_from_slice(chunk);
        bytes = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")).unwrap_or(rest);
    }
    (chunks > 0).then_some(out)
}

/// Decompresses at most one byte more than `limit`; `None` for an unknown encoding. Data that is cut off gives what it has.
///
/// # Errors
/// Nothing can be decompressed.
fn decompress(bytes: &[u8], coding: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let read = |reader: &mut dyn Read| {
        let mut plain = Vec::new();
        match reader.take(limit + 1).read_to_end(&mut plain) {
            Err(error) if plain.is_empty() => Err(error),
            _ => Ok(Some(plain)),
        }
    };
    match coding {
        "identity" => Ok(Some(bytes.to_vec())),
        "gzip" | "x-gzip" => read(&mut flate2::bufread::MultiGzDecoder::new(bytes)),
        // The name stands for zlib, but servers send raw deflate too.
        "deflate" => read(&mut flate2::bufread::ZlibDecoder::new(bytes))
            .or_else(|_| read(&mut flate2::bufread::DeflateDecoder::new(bytes))),
        "br" => read(&mut brotli_decompressor::Decompressor::new(bytes, 4096)),
        "zstd" => {
            let mut bytes = bytes;
            let mut decoder =
                ruzstd::decoding::StreamingDecoder::new(&mut bytes).map_err(io::Error::other)?;
            read(&mut decoder)
        }
        _ => Ok(None),
    }
}
