//! Requests to the web, with TLS: what the fetcher asks for, and what it is led on to.
//!
//! Everything else here speaks plain HTTP, as a lab does; so it alone has a client with certificates.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, LOCATION, USER_AGENT},
};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::client::chain;

/// How often one is led on.
const MOST_REDIRECTS: usize = 10;

const AGENT: &str = concat!("mesoslab/", env!("CARGO_PKG_VERSION"));

/// A client that keeps no connections.
#[derive(Clone, Debug)]
pub struct Web(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl Web {
    /// One that trusts who signs for servers in these.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn trusting(roots: RootCertStore) -> Result<Self, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)))
    }

    /// The answer of whoever one is led to in the end.
    ///
    /// # Errors
    /// When nobody answers, or TLS fails; when one is led on without end.
    pub async fn ask(&self, method: Method, url: &str) -> Result<Response<Incoming>, String> {
        let mut url = Url::parse(url).map_err(|error| error.to_string())?;
        for _ in 0..=MOST_REDIRECTS {
            let asked = self.0.request(request(&method, &url)?).await;
            let response = asked.map_err(|error| format!("{url}: {}", chain(&error)))?;
            match led_on(&url, &response) {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(format!("too many redirects, the last one to {url}"))
    }
}

/// Those that this system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others); where it has none, those of Mozilla.
pub fn trusted() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// User and password of a URL go where HTTP has them.
fn request(method: &Method, url: &Url) -> Result<Request<Empty<Bytes>>, String> {
    let mut bare = url.clone();
    // Only of URLs without a host could these not be taken off.
    let _without = (bare.set_username(""), bare.set_password(None));
    bare.set_fragment(None);
    let request =
        Request::builder().method(method).uri(bare.as_str()).header(USER_AGENT, AGENT).header(ACCEPT, "*/*");
    let request = match (url.username(), url.password()) {
        ("", None) => request,
        (user, password) => {
            let mut text: Vec<u8> = percent_decode_str(user).collect();
            text.push(b':');
            text.extend(percent_decode_str(password.unwrap_or_default()));
            request.header(AUTHORIZATION, format!("Basic {}", BASE64_STANDARD.encode(text)))
        }
    };
    request.body(Empty::new()).map_err(|error| error.to_string())
}

/// Where an answer leads; from TLS to no other scheme.
fn led_on(from: &Url, response: &Response<Incoming>) -> Option<Url> {
    let leads = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let place = response.headers().get(LOCATION).filter(|_| leads)?.to_str().ok()?;
    let next = from.join(place).ok()?;
    let may = next.scheme() == "https" || (next.scheme() == "http" && from.scheme() == "http");
    may.then_some(next)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use http_body_util::BodyExt;
    use rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    };
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::runtime::Tasks;

    /// A server with TLS and one without, both at names that the certificate of the tests holds.
    struct Servers {
        secure: String,
        plain: String,
        _tasks: Tasks,
    }

    fn pem(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
    }

    fn certificate() -> CertificateDer<'static> {
        CertificateDer::from_pem_file(pem("certificate.pem")).unwrap()
    }

    async fn servers() -> Servers {
        let key = PrivateKeyDer::from_pem_file(pem("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor =
            TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate()], key).unwrap()));
        let listen = || TcpListener::bind("127.0.0.1:0");
        let (secure, plain) = (listen().await.unwrap(), listen().await.unwrap());
        let at = |scheme: &str, listener: &TcpListener| {
            format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port())
        };
        let (there, here) = (at("https", &secure), at("http", &plain));
        let (tasks, other) = (Tasks::new(), there.clone());
        tasks.spawn(async move {
            while let Ok((stream, _)) = plain.accept().await {
                answer(stream, &other).await;
            }
        });
        let other = here.clone();
        tasks.spawn(async move {
            while let Ok((stream, _)) = secure.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, &other).await;
                }
            }
        });
        Servers { secure: there, plain: here, _tasks: tasks }
    }

    /// What was asked for comes back; `/elsewhere` is at the other server, `/round` at itself.
    async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, other: &str) {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let request = String::from_utf8(request).unwrap();
        let found =
            |place: &str| format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
        let response = match request.split(' ').nth(1).unwrap() {
            "/elsewhere" => found(&format!("{other}/there")),
            "/round" => found("/round"),
            _ => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}", request.len()),
        };
        stream.write_all(response.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap_or_default();
    }

    fn web() -> Web {
        let mut roots = RootCertStore::empty();
        roots.add(certificate()).unwrap();
        Web::trusting(roots).unwrap()
    }

    async fn said(url: &str) -> (u16, String) {
        let response = web().ask(Method::GET, url).await.unwrap();
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (code, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_server_is_asked_whose_certificate_is_trusted() {
        let servers = servers().await;
        let (code, request) = said(&format!("{}/a?b=c#d", servers.secure)).await;
        assert_eq!(code, 200);
        assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("\r\nuser-agent: mesoslab/"), "{request}");
    }

    #[tokio::test]
    async fn a_server_is_not_asked_whose_certificate_is_not() {
        let servers = servers().await;
        let web = Web::trusting(RootCertStore::empty()).unwrap();
        let error = web.ask(Method::GET, &servers.secure).await.unwrap_err();
        assert!(error.contains("invalid peer certificate: UnknownIssuer"), "{error}");
    }

    #[tokio::test]
    async fn redirects_lead_to_tls_and_never_out_of_it() {
        let servers = servers().await;
        let (code, request) = said(&format!("{}/elsewhere", servers.plain)).await;
        assert_eq!((code, request.split(' ').nth(1)), (200, Some("/there")));
        let (code, _) = said(&format!("{}/elsewhere", servers.secure)).await;
        assert_eq!(code, 302, "the answer itself, as nobody is asked in the clear instead");
        let error = web().ask(Method::GET, &format!("{}/round", servers.plain)).await.unwrap_err();
        assert!(error.starts_with("too many redirects"), "{error}");
    }

    #[tokio::test]
    async fn user_and_password_go_into_a_header() {
        let servers = servers().await;
        let (_, request) = said(&servers.secure.replace("localhost", "ann:s%40fe@localhost")).await;
        let header = format!("\r\nauthorization: Basic {}\r\n", BASE64_STANDARD.encode("ann:s@fe"));
        assert!(request.contains(&header) && !request.contains("ann"), "{request}");
    }
}
