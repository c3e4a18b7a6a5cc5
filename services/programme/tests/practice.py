"""A practice question for tests, asked and answered on the pages as people do it."""

from __future__ import annotations

from services.programme.tests.pages import send, text_of
from services.web.tests.browser import Browser

ASKED = "Synthetic: a child told us of a man in another town. Do we write down every word?"
LATER = "Synthetic: and whom do we ask for their agreement?"
ANSWERED = "Synthetic: write down what the child said in their words, and ask nothing further."
TOLD = "Synthetic: a charity wants to know who keeps such notes with you."
JOINED = "Synthetic: our digital desk keeps them; call 101 and ask for it."
OURS, AT_HUB, AT_FORCE = "/our-questions", "/practice-questions", "/questions-to-us"
FORM = {"kind": "evidence", "words": ASKED, "force_may": "yes"}
ANSWER, NOT_YET = {"words": ANSWERED, "answers": "yes"}, {"words": "Synthetic: we ask somebody.", "answers": "no"}


async def asked(browser: Browser, **changes: str) -> str:
    """A partner asks; the id of the question."""
    answer = await send(browser, f"{OURS}/new", FORM | changes, danger="no")
    assert answer.status_code == 303, text_of(answer.text)
    return answer.headers["location"].removeprefix(f"{OURS}/")


async def done(browser: Browser, path: str, form: dict[str, str] | None = None) -> None:
    answer = await send(browser, path, form)
    assert answer.status_code == 303, text_of(answer.text)


async def taken(browser: Browser, question_id: str, instead_of: str = "") -> str:
    """An officer takes it; the address of its page at the hub."""
    await done(browser, f"{AT_HUB}/{question_id}/take", {"held_by": instead_of})
    return f"{AT_HUB}/{question_id}"


async def brought_in(browser: Browser, question_id: str, force_id: str = "kent") -> None:
    await done(browser, f"{AT_HUB}/{question_id}/force", {"force": force_id, "words": TOLD})
