//! Which addresses may be told: public ones, so that nobody has the service ask its own neighbours. Pure, but for the
//! look-up of names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Passes if the address may be asked, as far as its text says: names are looked up when it is.
///
/// # Errors
/// Why not.
pub fn check(url: &Url, allow_private: bool) -> Result<(), &'static str> {
    const PUBLIC: &str = "an address that is public, unless LEDGERLINE_WEBHOOKS_PRIVATE allows others";
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err("an address that begins with https://"),
    }
    let public = match url.host() {
        None => return Err("an address with a host"),
        Some(Host::Ipv4(ip)) => is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => !name.eq_ignore_ascii_case("localhost") && !name.ends_with(".localhost"),
    };
    if public || allow_private { Ok(()) } else { Err(PUBLIC) }
}

/// Whether an address can be reached from anywhere: not this machine, its network, or a reserved range.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => embedded(ip).map_or_else(|| is_public_v6(ip), is_public_v4),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = match (a, b, c) {
        (100, b, _) => (64..=127).contains(&b),
        (172, b, _) => (16..=31).contains(&b),
        (0 | 10 | 127 | 224..=255, _, _)
        | (169, 254, _)
        | (192, 168, _)
        | (198, 18 | 19, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 51, 100)
        | (203, 0, 113) => true,
        _ => false,
    };
    !reserved
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // 2000::/3 is all that is given out; of it 2001:db8::/32 is for examples and 2001::/23 for protocols.
    (0x2000..0x4000).contains(&first) && !(first == 0x2001 && (second == 0xdb8 || second < 0x200)) && first != 0x3fff
}

/// The IPv4 address that an IPv6 one leads to: mapped, translated or tunnelled.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(v4(high, low))
        }
        _ => None,
    }
}

/// Looks names up, and forgets what is not public: it is asked for the very connection that is made, so that a name
/// cannot lead elsewhere a moment later.
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_not_public() {
        for ip in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "fec0::1",
        ] {
            assert!(!is_public(ip.parse().expect("an address")), "{ip}");
        }
        for ip in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(ip.parse().expect("an address")), "{ip}");
        }
    }

    #[test]
    fn an_address_is_judged_by_its_text_first() {
        let url = |text: &str| Url::parse(text).expect("an address");
        check(&url("https://example.com/hook"), false).expect("public");
        for text in [
            "http://example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://a.localhost/",
            "ftp://example.com/",
            "https://2130706433/",
        ] {
            assert!(check(&url(text), false).is_err(), "{text}");
        }
        check(&url("http://127.0.0.1:8080/"), true).expect("allowed by the configuration");
    }
}
