"""Where a notice can be sent: what can't be is refused where it is entered, by the code that sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_notification import addresses, rendering, webhooks
from conduit_notification.addresses import AddressError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("team@partner.example", "team@partner.example"),
        ("team@m\u00fcnchen.example", "team@xn--mnchen-3ya.example"),
        ("first.last+x@sub.partner.example", "first.last+x@sub.partner.example"),
    ],
)
def test_an_address_is_written_as_the_network_has_it(text: str, expected: str) -> None:
    assert addresses.email(text) == expected
    assert rendering._checked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a..b@x.example",
        ".a@x.example",
        "a@",
        "a b@x.example",
        "a,b@x.example",
        "<a@x.example>",
        "a@x_y.example",
        "sch\u00fctz@x.example",
        "a@-x.example",
    ],
)
def test_what_no_server_takes_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(AddressError) as refused:
        addresses.email(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://m\u00fcnchen.example/hook?x=1", "https://xn--mnchen-3ya.example/hook?x=1"),
        ("https://x.example:8443/a", "https://x.example:8443/a"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
    ],
)
def test_a_url_is_written_as_the_network_has_it(text: str, expected: str) -> None:
    assert addresses.url(text) == expected
    assert webhooks.is_allowed(text, allow_http=False)


@pytest.mark.parametrize(
    "text",
    [
        "http://x.example/",
        "https://",
        "https://a..b/",
        "https://xn--/",
        "https://u:p@x.example/",
        "ftp://x.example",
        "https://x.example:99999/",
        "https://" + "a" * 64 + ".example/",
    ],
)
def test_a_url_that_leads_nowhere_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        addresses.url(text)
    assert not webhooks.is_allowed(text, allow_http=False)


@pytest.mark.parametrize(("text", "expected"), [("01632 960147", "+441632960147"), ("+44 (0)1632 960147", "+441632960147")])
def test_a_number_is_written_as_e164_has_it(text: str, expected: str) -> None:
    assert addresses.telephone(text) == expected


@pytest.mark.parametrize("text", ["", "call us", "12", "+44 1632 960147 ext. 5", "+999 123"])
def test_a_number_that_nobody_can_dial_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        addresses.telephone(text)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_refused_or_plain_ascii(text: str) -> None:
    for look in (addresses.email, addresses.url, addresses.telephone):
        try:
            assert look(text).isascii()
        except AddressError:
            continue
