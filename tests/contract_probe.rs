//! What the prober promises, proved on servers on the loopback that misbehave in every way that was thought of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opswarden::adapters::probe::HttpProber;
use opswarden::ports::probe::{AssetReading, NamedAssets, ProbeAnswer, ProbeRequest, Prober as _};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Real answers of a platform of the kind that is watched.
const READY: &str = r#"{"success":true,"data":{"status":"ok","uptime":30,"self_test":"passed"}}"#;
const UNHEALTHY: &str = r#"{"status":"unhealthy","uptime":6,"self_test":"passed"}"#;
const REALTIME: &str = r#"{"status":"unhealthy","dependencies":{"redis":{"status":"unhealthy"}}}"#;

/// What a server does once it has read a request for a path.
enum Deed {
    Say(Vec<u8>),
    Drip,
    Silence,
    Flood,
}

fn answer(status: &str, body: &str) -> Deed {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    Deed::Say([head.as_bytes(), body.as_bytes()].concat())
}

fn deed(path: &str) -> Deed {
    match path {
        "/ready" => answer("200 OK", READY),
        "/unhealthy" => answer("503 Service Unavailable", UNHEALTHY),
        "/realtime" => answer("200 OK", REALTIME),
        "/throttled" => answer("429 Too Many Requests", "slow down"),
        "/empty" => answer("204 No Content", ""),
        "/redirect" => Deed::Say(
            b"HTTP/1.1 302 Found\r\nLocation: /ready\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        "/garbage" => Deed::Say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        "/half" => Deed::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"sta".to_vec()),
        "/half-chunk" => Deed::Say(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"sta\r\n".to_vec(),
        ),
        "/drip" => Deed::Drip,
        "/silence" => Deed::Silence,
        "/flood" => Deed::Flood,
        "/page" => {
            answer("200 OK", "<script src=/a.js?v=1></script><link rel=stylesheet href=/a.css>")
        }
        "/broken" => {
            answer("200 OK", "<script src=/gone.js></script><link rel=stylesheet href=/a.css>")
        }
        "/hanging" => {
            answer("200 OK", "<script src=/silence></script><link rel=stylesheet href=/half>")
        }
        "/bare" => answer("200 OK", "<p>nothing to follow</p>"),
        "/a.js?v=1" => answer("200 OK", &"x".repeat(100_000)),
        "/a.css" => answer("200 OK", "a{}"),
        "/gone.js" => answer("500 Internal Server Error", ""),
        _ => answer("404 Not Found", r#"{"statusCode":404}"#),
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
            return;
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    match deed(path) {
        Deed::Say(bytes) => {
            let _hung_up = stream.write_all(&bytes).await;
            let _hung_up = stream.shutdown().await;
        }
        Deed::Silence => std::future::pending().await,
        Deed::Drip => {
            let _hung_up =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() {
                pause().await;
            }
        }
        Deed::Flood => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30);
            let _hung_up = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b'x'; 8_192]).await.is_ok() {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a server that drips takes its time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

async fn plain() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream));
        }
    });
    address
}

/// A listener that accepts and at once drops what it was sent.
async fn resetting() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _sent = stream.readable().await;
        }
    });
    address
}

/// A listener that greets whoever comes, as a mail server does.
async fn greeting() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _hung_up = stream.write_all(b"220 mail.test ready\r\n").await;
            let _question = stream.read(&mut [0; 1_024]).await;
        }
    });
    address
}

fn request(url: String) -> ProbeRequest {
    let pointers = ["/status", "/data/status"].map(str::to_owned).to_vec();
    ProbeRequest { url, deadline: Duration::from_secs(5), pointers, assets: false }
}

async fn look(path: &str) -> ProbeAnswer {
    let address = plain().await;
    HttpProber::new(false).probe(&request(format!("http://{address}{path}"))).await.answer
}

async fn look_at_page(path: &str, deadline: Duration) -> (Vec<AssetReading>, bool) {
    let url = format!("http://{}{path}", plain().await);
    let request = ProbeRequest { assets: true, deadline, ..request(url) };
    match HttpProber::new(false).probe(&request).await.answer {
        ProbeAnswer::Http { status: 200, assets, named, .. } => (assets, named == NamedAssets::Own),
        other => panic!("{other:?}"),
    }
}

fn asset(path: &str, status: Option<u16>) -> AssetReading {
    AssetReading { path: path.to_owned(), status }
}

#[tokio::test]
async fn a_body_is_read_and_not_only_its_status() {
    let cases = [
        ("/ready", 200, "/data/status", "ok"),
        ("/unhealthy", 503, "/status", "unhealthy"),
        ("/realtime", 200, "/status", "unhealthy"),
    ];
    for (path, expected, pointer, word) in cases {
        let ProbeAnswer::Http { status, values, json: true, truncated: false, .. } =
            look(path).await
        else {
            panic!("{path}");
        };
        assert_eq!(status, expected);
        assert_eq!(values.get(pointer).map(String::as_str), Some(word));
        assert_eq!(values.len(), 1);
    }
}

#[tokio::test]
async fn a_status_is_reported_as_it_is_and_a_redirect_is_not_followed() {
    for (path, expected) in [("/redirect", 302), ("/throttled", 429), ("/empty", 204), ("/x", 404)]
    {
        let answer = look(path).await;
        let ProbeAnswer::Http { status, .. } = answer else { panic!("{path}: {answer:?}") };
        assert_eq!(status, expected, "{path}");
    }
}

#[tokio::test]
async fn half_an_answer_and_no_answer_are_failures() {
    for path in ["/half", "/half-chunk", "/garbage"] {
        let answer = look(path).await;
        assert!(
            matches!(&answer, ProbeAnswer::Failed { why } if !why.is_empty()),
            "{path}: {answer:?}"
        );
    }
    let url = format!("http://{}/", resetting().await);
    let answer = HttpProber::new(false).probe(&request(url)).await.answer;
    let broken = ProbeAnswer::Failed { why: "the connection was broken off".to_owned() };
    assert_eq!(answer, broken);
}

#[tokio::test]
async fn one_deadline_holds_for_silence_and_for_drips() {
    for path in ["/silence", "/drip"] {
        let url = format!("http://{}{path}", plain().await);
        let request = ProbeRequest { deadline: Duration::from_millis(300), ..request(url) };
        let reading = HttpProber::new(false).probe(&request).await;
        assert_eq!(reading.answer, ProbeAnswer::TimedOut, "{path}");
        assert!((300..2_000).contains(&reading.took_ms), "{path}: {} ms", reading.took_ms);
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the time it takes is the point")]
async fn a_gigabyte_is_read_up_to_the_limit() {
    let began = Instant::now();
    let answer = look("/flood").await;
    let ProbeAnswer::Http { size_bytes, truncated: true, json: false, .. } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(size_bytes, 1024 * 1024);
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_port_without_a_listener_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let prober = HttpProber::new(false);
    let connected = prober.probe(&request(format!("tcp://{address}"))).await.answer;
    assert_eq!(connected, ProbeAnswer::Connected);
    drop(listener);
    for scheme in ["http", "tcp"] {
        let answer = prober.probe(&request(format!("{scheme}://{address}"))).await.answer;
        assert_eq!(answer, ProbeAnswer::Refused, "{scheme}");
    }
}

#[tokio::test]
async fn an_address_that_means_nothing_is_not_asked_and_one_without_a_way_is_told() {
    let prober = HttpProber::new(false);
    let addresses = [
        "",
        "not a url",
        "ftp://127.0.0.1/",
        "tcp://127.0.0.1",
        "https://127.0.0.1:1/",
        "file:///etc",
    ];
    for address in addresses {
        let answer = prober.probe(&request(address.to_owned())).await.answer;
        assert!(matches!(answer, ProbeAnswer::NotAsked { .. }), "{address}: {answer:?}");
    }
    for url in ["http://no-such-host.invalid/", "tcp://no-such-host.invalid:1"] {
        let answer = prober.probe(&request(url.to_owned())).await.answer;
        let resolved = matches!(&answer, ProbeAnswer::NoWay { why } if why.contains("resolved"));
        assert!(resolved, "{url}: {answer:?}");
    }
}

#[tokio::test]
async fn what_a_page_names_is_followed() {
    let long = Duration::from_secs(5);
    let whole = look_at_page("/page", long).await;
    assert_eq!(whole, (vec![asset("/a.js", Some(200)), asset("/a.css", Some(200))], true));
    let broken = look_at_page("/broken", long).await;
    assert_eq!(broken, (vec![asset("/gone.js", Some(500)), asset("/a.css", Some(200))], true));
    assert_eq!(look_at_page("/bare", long).await, (Vec::new(), false));
    let hanging = look_at_page("/hanging", Duration::from_millis(500)).await;
    assert_eq!(hanging, (vec![asset("/silence", None), asset("/half", None)], true));
}

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("an authority") }
    }

    /// A server for `name` whose certificate ends with the year `ends`.
    async fn server(&self, name: &str, ends: i32) -> SocketAddr {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(ends, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a configuration");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream).await;
                    }
                });
            }
        });
        address
    }

    fn prober(&self) -> HttpProber {
        HttpProber::trusting(&[self.issuer.pem()]).expect("an authority")
    }
}

async fn look_at(prober: &HttpProber, address: SocketAddr) -> ProbeAnswer {
    prober.probe(&request(format!("https://localhost:{}/ready", address.port()))).await.answer
}

#[tokio::test]
async fn the_end_of_a_good_certificate_is_told() {
    let authority = Authority::new("ours");
    let prober = authority.prober();
    let answer = look_at(&prober, authority.server("localhost", 2040).await).await;
    let ProbeAnswer::Http { status: 200, certificate_ends, .. } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(certificate_ends, Some("2040-12-31T00:00:00Z".parse().expect("a time")));
}

#[tokio::test]
async fn a_bad_certificate_is_told_apart_from_a_bad_service() {
    let authority = Authority::new("ours");
    let prober = authority.prober();
    let expired = authority.server("localhost", 2021).await;
    let other_name = authority.server("other.test", 2040).await;
    let stranger = Authority::new("theirs").server("localhost", 2040).await;
    let plain_text = greeting().await;
    let cases = [
        (expired, "the certificate has expired"),
        (other_name, "the certificate is for another name"),
        (stranger, "the certificate's issuer is not trusted"),
    ];
    for (address, expected) in cases {
        let answer = look_at(&prober, address).await;
        let said = matches!(&answer, ProbeAnswer::Untrusted { why, .. } if why == expected);
        assert!(said, "{expected}: {answer:?}");
    }
    let answer = look_at(&prober, expired).await;
    let ended: Option<jiff::Timestamp> = "2021-12-31T00:00:00Z".parse().ok();
    assert!(
        matches!(answer, ProbeAnswer::Untrusted { ended: found, .. } if found == ended),
        "the day is told: {answer:?}"
    );
    let answer = look_at(&prober, plain_text).await;
    let handshake = "the TLS handshake failed";
    assert!(
        matches!(&answer, ProbeAnswer::Failed { why } if why.starts_with(handshake)),
        "{answer:?}"
    );
    // By the system's own roots, where it has any.
    let unknown = look_at(&HttpProber::new(true), stranger).await;
    assert!(
        matches!(unknown, ProbeAnswer::Untrusted { .. } | ProbeAnswer::NotAsked { .. }),
        "{unknown:?}"
    );
}
