//! The beginning of a dialogue, up to its first encrypted word.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Encryption;
use super::progress::Phase;
use super::reply::{self, NoReply, Reply};
use super::stop::Stop;
use super::talk::Sender;
use super::wire::{Sealed, Wire};

/// The kernel holds no more than about this for a server that does not read: what it holds is lost to our knowledge.
const SEND_BYTES: u32 = 32 * 1024;

/// Connects and encrypts; and what we are called in this dialogue.
pub(super) async fn open(sender: &Sender<'_>) -> Result<(Sealed, ClientId), Stop> {
    let (server, progress) = (sender.server, &sender.progress);
    // Before anything is said, so that nothing is half done where it is missing.
    let tls = sender.trust.tls().map_err(Stop::Lasting)?;
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| Stop::Lasting("its name cannot be in a certificate; check it".to_owned()))?;
    progress.enter(Phase::Connecting);
    let tcp = connect(&server.host, server.port).await.map_err(|error| of_connecting(&error))?;
    let us = called(ClientId::default(), tcp.local_addr().ok());
    let mut wire = Wire::new(tcp, Arc::clone(progress));
    if server.encryption == Encryption::StartTls {
        demand(sender, &mut wire, &us).await?;
    }
    progress.enter(Phase::Encrypting);
    let tls: Result<TlsStream<Wire>, _> = TlsConnector::from(tls).connect(name, wire).await;
    let tls = tls.map_err(|error| Stop::of_io(&error, Phase::Encrypting))?;
    let sealed = match server.encryption {
        Encryption::StartTls => Sealed::greeted(tls),
        Encryption::Wrapper => Sealed::ungreeted(tls),
    };
    Ok((sealed, us))
}

/// What we call ourselves: this host's name where it is a whole one, else the address that we speak from (RFC 5321, 4.1.4).
/// Strict servers refuse a name without a dot.
fn called(host: ClientId, local: Option<SocketAddr>) -> ClientId {
    if matches!(&host, ClientId::Domain(name) if name.trim_matches('.').contains('.')) {
        return host;
    }
    let address = local.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |local| local.ip().to_canonical());
    match address {
        IpAddr::V4(address) => ClientId::Ipv4(address),
        IpAddr::V6(address) => ClientId::Ipv6(address),
    }
}

/// Connects to the first address that answers.
async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in tokio::net::lookup_host((host, port)).await? {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_send_buffer_size(SEND_BYTES)?;
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Errors of name resolution have no code of the system.
fn of_connecting(error: &io::Error) -> Stop {
    match Stop::of_io(error, Phase::Connecting) {
        Stop::Passing(_) if error.raw_os_error().is_none() => {
            Stop::Passing("its name cannot be resolved".to_owned())
        }
        stop => stop,
    }
}

/// The three lines in plain text. Without STARTTLS there is no fourth.
async fn demand(sender: &Sender<'_>, wire: &mut Wire, us: &ClientId) -> Result<(), Stop> {
    let progress = &sender.progress;
    progress.enter(Phase::Greeting);
    expect(sender, wire, 220).await?;
    say(sender, wire, &format!("EHLO {us}\r\n")).await?;
    let offers = expect(sender, wire, 250).await?;
    if !offers.text.lines().any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(Stop::Lasting(
            "it offers no STARTTLS, and nothing is sent unencrypted; name a port that is encrypted"
                .to_owned(),
        ));
    }
    progress.enter(Phase::Encrypting);
    say(sender, wire, "STARTTLS\r\n").await?;
    expect(sender, wire, 220).await.map(|_| ())
}

async fn say(sender: &Sender<'_>, wire: &mut Wire, line: &str) -> Result<(), Stop> {
    let written = wire.write_all(line.as_bytes()).await;
    written.map_err(|error| Stop::of_io(&error, sender.progress.phase()))
}

async fn expect(sender: &Sender<'_>, wire: &mut Wire, code: u16) -> Result<Reply, Stop> {
    let phase = sender.progress.phase();
    match reply::read(wire).await {
        Ok(reply) if reply.code == code => Ok(reply),
        Ok(reply) => Err(Stop::of_reply(&reply, phase, sender.secrets)),
        Err(NoReply::Io(error)) => Err(Stop::of_io(&error, phase)),
        Err(NoReply::Strange(why)) => Err(Stop::Lasting(format!("{why}; check its name and port"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_dot_is_no_name_and_the_address_stands_for_it() {
        let us = |host: &str, local: &str| {
            called(ClientId::Domain(host.to_owned()), local.parse().ok()).to_string()
        };
        assert_eq!(us("ops.example.test", "10.1.2.3:4"), "ops.example.test");
        for host in ["ops", "", "ops.", "a1b2c3d4e5f6"] {
            assert_eq!(us(host, "10.1.2.3:4"), "[10.1.2.3]", "{host}");
        }
        assert_eq!(us("ops", "[2001:db8::1]:4"), "[IPv6:2001:db8::1]");
        assert_eq!(us("ops", "[::ffff:10.1.2.3]:4"), "[10.1.2.3]");
        assert_eq!(us("ops", ""), "[127.0.0.1]");
    }
}
