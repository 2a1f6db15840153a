"""Addresses of images: which are asked, which are not, and the line that would change it."""

from __future__ import annotations

import pytest

from labeling.web_addresses import AllowList, why_no_key, why_no_web_address

NOBODY = AllowList.of([])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",  # noqa: S104
        "169.254.169.254", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "::169.254.169.254",
        "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    ],
)  # fmt: skip
def test_what_is_not_of_the_internet_is_refused_with_the_line_that_would_allow_it(address: str) -> None:
    refusal = NOBODY.why_refused("some.host", address)

    assert refusal is not None
    assert "REVIEWAPP_IMAGE_HOSTS=" in refusal


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_the_internet_may_be_asked(address: str) -> None:
    assert NOBODY.why_refused("example.com", address) is None


def test_a_listed_name_allows_private_addresses_and_no_metadata() -> None:
    allow = AllowList.of(["Camera-7.plant"])

    assert allow.why_refused("camera-7.plant", "10.1.2.3") is None
    assert allow.why_refused("CAMERA-7.plant.", "127.0.0.1") is None
    assert allow.why_refused("camera-8.plant", "10.1.2.3")
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "224.0.0.1", "fe80::1"):
        assert allow.why_refused("camera-7.plant", address)


def test_a_listed_network_allows_what_lies_in_it() -> None:
    allow = AllowList.of(["10.20.0.0/16", "fd00:7::/32"])

    assert allow.why_refused("a", "10.20.1.1") is None
    assert allow.why_refused("a", "::ffff:10.20.1.1") is None
    assert allow.why_refused("a", "fd00:7::1") is None
    assert allow.why_refused("a", "10.21.1.1")


def test_the_printed_line_keeps_what_was_allowed_and_names_what_is_missing() -> None:
    allow = AllowList.of(["camera-7.plant"])

    assert str(allow.why_refused("camera-8.plant", "10.1.2.3")).endswith(
        "REVIEWAPP_IMAGE_HOSTS=camera-7.plant,camera-8.plant"
    )
    assert str(allow.why_refused("odd", "169.254.1.1")).endswith("REVIEWAPP_IMAGE_HOSTS=camera-7.plant,169.254.1.1")


@pytest.mark.parametrize("entry", ["", "http://camera", "10.0.0.0/33", "10.0.0.1/8", "1.2.3", "a b", "-x", "a/24"])
def test_a_list_with_nonsense_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="no host name"):
        AllowList.of([entry])


@pytest.mark.parametrize("url", ["http://bücher.example/ä.png", "https://[2001:db8::1]:8443/x?y=z", "HTTP://a_b/x"])
def test_an_address_may_be_odd_and_right(url: str) -> None:
    assert why_no_web_address(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "//host/x", "ftp://h/x", "javascript:alert(1)", "http://", "http://:80/", "http://h:0/", "http://h:x/",
        "http://u@h/", "http://u:p@h/", "http://@h/", "http://h\\@evil/", "http://h;x/", "http://h,x/", "http://h'/",
        "http://h/a\nb", "http://h/\x00", "http://[::1", "http://\u2024/", "http://*.h/",
        "http://" + "a" * 64 + "ä.example/",
    ],
)  # fmt: skip
def test_an_address_that_may_be_a_trick_is_none(url: str) -> None:
    assert why_no_web_address(url)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\\b", "a\0b", "x" * 201])
def test_a_key_that_climbs_is_none(key: str) -> None:
    assert why_no_key(key)
