// SPDX-License-Identifier: ISC
// serve ADDRESS: what comes on port 7000 back, a thread each.  get HOST FILE:
// FILE there and back on 20 threads; deadlines; a name that is refused.
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use std::{env, fs, io, thread};

fn serve(at: SocketAddr) -> io::Result<()> {
    for s in TcpListener::bind(at)?.incoming() {
        let mut s = s?;
        thread::spawn(move || {
            let mut from = s.try_clone()?;
            io::copy(&mut from, &mut s)?;
            s.shutdown(Shutdown::Write)
        });
    }
    Ok(())
}

fn one(to: SocketAddr, big: &[u8]) -> io::Result<()> {
    let mut s = TcpStream::connect_timeout(&to, Duration::from_secs(10))?;
    assert_eq!(s.peer_addr()?, to);
    s.set_nodelay(true)?;
    s.set_ttl(60)?;
    s.set_read_timeout(Some(Duration::from_millis(20)))?;
    let mut byte = [0];
    let e = s.read(&mut byte).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::WouldBlock);
    s.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut to = s.try_clone()?;
    let sent = big.to_vec();
    let writer = thread::spawn(move || {
        to.write_all(&sent)?;
        to.shutdown(Shutdown::Write)
    });
    let mut got = Vec::new();
    s.read_to_end(&mut got)?;
    writer.join().unwrap()?;
    assert!(got == big, "not equal");
    assert!(s.take_error()?.is_none());
    Ok(())
}

fn main() -> io::Result<()> {
    let arg: Vec<String> = env::args().collect();
    let host = arg[2].parse().unwrap();
    let to = SocketAddr::new(host, 7000);
    if arg[1] == "serve" {
        return serve(to);
    }
    let big = fs::read(&arg[3])?;
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let big = big.clone();
            thread::spawn(move || one(to, &big))
        })
        .collect();
    for t in threads {
        t.join().unwrap()?;
    }
    let e = TcpStream::connect(SocketAddr::new(host, 7001)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::ConnectionRefused);
    Ok(())
}
