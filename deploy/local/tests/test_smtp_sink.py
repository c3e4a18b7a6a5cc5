"""The sink takes what a real SMTP client sends, in order and fast, and refuses what it is asked to refuse."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from conduit_local.smtp_sink import FolderHandler, message_paths, read_messages
from tests.support.servers import SmtpSink


def message(subject: str, to: str = "desk@partner.example") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "hub@hub.example", to, subject
    made.set_content("Your referral has been received , thank you.\n.a line that begins with a dot\n")
    return made


def test_a_message_arrives_whole_with_its_recipients(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        client.send_message(message("Reçu"))
    kept = read_messages(smtp_sink.folder)[-1]
    assert kept["Subject"] == "Reçu"
    assert kept["X-Envelope-To"] == "desk@partner.example"
    body = kept.get_body()
    assert body is not None
    assert (
        body.get_content().replace("\r\n", "\n")
        == "Your referral has been received , thank you.\n.a line that begins with a dot\n"
    )


def test_hundreds_of_messages_are_kept_in_order(smtp_sink: SmtpSink) -> None:
    before = len(message_paths(smtp_sink.folder))
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        for number in range(300):
            client.send_message(message(str(number)))
    kept = read_messages(smtp_sink.folder)[before:]
    assert [int(one["Subject"]) for one in kept] == list(range(300))


@pytest.mark.parametrize(("domain", "code"), [("bounce.example", 550), ("defer.example", 451)])
def test_refusals_can_be_tried(smtp_sink: SmtpSink, domain: str, code: int) -> None:
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.send_message(message("no", to=f"desk@{domain}"))
    assert refused.value.recipients[f"desk@{domain}"][0] == code


def test_a_half_written_message_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "1.eml").write_text("half")
    assert read_messages(tmp_path) == []


def test_what_is_written_to_others_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir(mode=0o755)
    FolderHandler(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
