//! The address of the check from outside. It is read by hand, as far as Longshore needs it: a scheme, a host, perhaps a
//! port and a path. What a URL could have besides, like a password, is refused.

use crate::text::text;
use serde_json::json;
use std::net::Ipv4Addr;

text!(
    /// An address that the health verifier asks from outside.
    HealthUrl,
    "an address like \"https://orders.example.com/health\"; http only to localhost, 127.0.0.1 or [::1]",
    check_url,
    json!({
        "type": "string",
        "maxLength": 512,
        "pattern": r#"^(https://([A-Za-z0-9.-]{1,253}|\[::1\])|http://(localhost|127\.[0-9.]{5,11}|\[::1\]))(:[1-9][0-9]{0,4})?([/?][!"$-~]*)?$"#
    })
);

fn check_url(text: &str) -> Result<(), &'static str> {
    if text.len() > 512 || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
        return Err("is too long, or has a space, a # or a character that is not ASCII");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("is not an address");
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let Some((authority, _)) = rest.split_at_checked(end) else {
        return Err("is not an address");
    };
    let host = check_authority(authority)?;
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => Err("is http, which anybody on the way can read and change"),
        _ => Err("is neither https nor http"),
    }
}

/// Splits a port off and returns the host.
fn check_authority(authority: &str) -> Result<&str, &'static str> {
    if authority.contains('@') {
        return Err("has a user or a password in it");
    }
    let (host, port) = match authority.strip_prefix("[::1]") {
        Some(rest) => (
            "[::1]",
            rest.strip_prefix(':').or((!rest.is_empty()).then_some("")),
        ),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let plain = |port: &str| !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok();
    if !port.is_none_or(plain) {
        return Err("has a port that is not from 1 to 65535");
    }
    check_host(host)?;
    Ok(host)
}

/// A name, an IPv4 address or `[::1]`. Addresses of the link, where a cloud keeps its metadata, are refused.
fn check_host(host: &str) -> Result<(), &'static str> {
    if host == "[::1]" {
        return Ok(());
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|c: char| c.is_ascii_digit()) {
        return match host.parse::<Ipv4Addr>() {
            Ok(address) if address.is_link_local() || address.is_unspecified() => {
                Err("has an address of the link, or of no machine")
            }
            Ok(_) => Ok(()),
            Err(_) => Err("has a host that is not a name"),
        };
    }
    if host.len() <= 253 && host.split('.').all(is_label) {
        Ok(())
    } else {
        Err("has a host that is not a name")
    }
}

fn is_label(label: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(letters)
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<Ipv4Addr>();
    host == "localhost" || host == "[::1]" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_this_machine_is_asked() {
        for text in [
            "https://orders.example.com",
            "https://orders.example.com/health?deep=1",
            "https://orders.example.com:8443/health",
            "https://orders.example.com?x",
            "https://10.0.0.4/",
            "http://localhost:3000/health",
            "http://127.0.0.1:3000",
            "http://[::1]:3000/",
            "https://[::1]",
        ] {
            assert_eq!(check_url(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_address_that_could_lead_elsewhere_is_refused() {
        for text in [
            "",
            "orders.example.com",
            "http://orders.example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://2130706433/",
            "http://0x7f.1/",
            "https://user:password@example.com/",
            "https://example.com@evil.example/",
            "https://169.254.169.254/latest/meta-data",
            "http://169.254.169.254/latest/meta-data",
            "https://0.0.0.0/",
            "https://[fd00:ec2::254]/",
            "https://[::1]x/",
            "https://example.com:0/",
            "https://example.com:70000/",
            "https://example.com:/",
            "https://-a.example.com/",
            "https://a..example.com/",
            "https:///health",
            "https://example.com\\@evil.example/",
            "https://example.com/a b",
            "https://example.com/#x",
            "https://exämple.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "HTTPS://example.com/",
        ] {
            assert!(check_url(text).is_err(), "{text}");
        }
    }
}
