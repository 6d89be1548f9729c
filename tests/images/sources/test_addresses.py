"""Which addresses are public, and which URLs may be asked for."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.errors import FetchRefused
from mitame.images.sources.addresses import is_public, parse_url

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # a cloud's metadata, though the range is public
    "169.254.169.254",  # most clouds' metadata
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",  # a cloud's metadata
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4
    "2002:808:808::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",  # a cloud's metadata
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "192.0.1.1", "223.255.255.1"]
PUBLIC_V6 = ["2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    """Private, shared, local, multicast, reserved, metadata, and IPv4 inside of IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_V6)
def test_addresses_that_are_public(address: str) -> None:
    """Ordinary servers, and IPv4 ones behind NAT64."""
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_as_if_it_stood_alone(address: ipaddress.IPv4Address) -> None:
    """No way of writing an IPv4 address as IPv6 opens what is closed."""
    value = int(address)
    open_alone = is_public(str(address))
    assert is_public(str(ipaddress.IPv6Address(0xFFFF << 32 | value))) == open_alone
    assert is_public(str(ipaddress.IPv6Address(0x64FF9B << 96 | value))) == open_alone
    assert not is_public(str(ipaddress.IPv6Address(value)))
    assert not is_public(str(ipaddress.IPv6Address(0x2002 << 112 | value << 80)))


@given(st.ip_addresses(v=4))
def test_public_is_never_more_than_the_registry_says(address: ipaddress.IPv4Address) -> None:
    """The standard library's table is a bound from above."""
    assert address.is_global or not is_public(str(address))


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://example.com", "example.com", 80, "/"),
        ("HTTPS://Example.COM/a?b=1#c", "example.com", 443, "/a?b=1"),
        ("http://example.com:8080/a%20b/é", "example.com", 8080, "/a%20b/%C3%A9"),
        ("https://bücher.example/x", "xn--bcher-kva.example", 443, "/x"),
        ("http://[2606:4700::1111]:81/x", "2606:4700::1111", 81, "/x"),
        ("http://1.1.1.1/x", "1.1.1.1", 80, "/x"),
        ("http://a_b.example./x", "a_b.example.", 80, "/x"),
    ],
)
def test_urls_are_taken_apart(url: str, host: str, port: int, path: str) -> None:
    """Host in ASCII, the scheme's port, and a path that can be sent."""
    target = parse_url(url)
    assert (target.host, target.port, target.path) == (host, port, path)


def test_the_host_header_names_port_and_brackets_where_needed() -> None:
    """As RFC 9110, 7.2 has it."""
    assert parse_url("http://example.com:80/").authority == "example.com"
    assert parse_url("https://example.com:80/").authority == "example.com:80"
    assert parse_url("http://[::1]:8000/").authority == "[::1]:8000"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x",
        "file:///etc/passwd",
        "gopher://example.com",
        "data:image/png;base64,AAAA",
        "//example.com/x",
        "example.com/x",
        "http:///x",
        "http://",
        "http://user@example.com/x",
        "http://user:password@example.com/x",
        "http://public.example@127.0.0.1/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com/\r\nX: y",
        "http://example.com/\x85",
        "http://example.com\\@127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://1.2.3.4.5/",
        "http://example.0x/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://[v1.x]/",
        "http://%31%32%37.0.0.1/",
        "http://" + "a" * 300 + ".example/",
        "http://example.com/" + "a" * 9_000,
    ],
)
def test_urls_that_must_not_be_asked(url: str) -> None:
    """Other schemes, credentials, numbers in disguise, control characters, excess."""
    with pytest.raises(FetchRefused):
        parse_url(url)


def test_digits_of_other_scripts_are_no_way_around() -> None:
    """Full-width and circled digits become ASCII ones, and are then judged."""
    for url in ("http://１２７.0.0.1/", "http://①②⑦.⓪.⓪.①/"):  # noqa: RUF001 - the point of it
        try:
            host = parse_url(url).host
        except FetchRefused:
            continue
        assert not is_public(host)


@given(st.text(max_size=40))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    """No other exception; and what passes is ASCII without spaces."""
    for url in (text, f"http://{text}", f"http://example.com/{text}"):
        try:
            target = parse_url(url)
        except FetchRefused:
            continue
        assert target.host.isascii()
        assert target.path.isascii()
        assert " " not in target.host + target.path
