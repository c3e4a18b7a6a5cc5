"""The words of troubles, and the catalogues in which words stand in other languages.

Words are English in the source. Another language is a file, `locale/<language>.po`, made of `locale/web.pot`.
"""

import gettext as standard
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from conduit_web.troubles import Trouble

LOCALE = Path(__file__).parent / "locale"
ENGLISH = "en-GB"
Gettext = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class TroubleWords:
    """What a page about a trouble says."""

    heading: str
    paragraphs: Sequence[str]
    sign_in: str = ""
    """The words of the link to sign in, where that is the next step."""


def catalogues(*folders: Path) -> dict[str, standard.NullTranslations]:
    """Every language that there is a file for, and English. A desk adds its own folder."""
    found: dict[str, standard.NullTranslations] = {ENGLISH: standard.NullTranslations()}
    for path in sorted(path for folder in (LOCALE, *folders) for path in folder.glob("*.po")):
        written = io.BytesIO()
        with path.open("rb") as file:
            write_mo(written, read_po(file, locale=path.stem.replace("-", "_")))
        written.seek(0)
        read = standard.GNUTranslations(written)
        if path.stem in found:
            read.add_fallback(found[path.stem])
        found[path.stem] = read
    return found


def language_for(accepted: str, known: Sequence[str]) -> str:
    """The first language of a browser's list that there is, English where there is none."""
    for wanted in (each.partition(";")[0].strip().lower() for each in accepted.split(",")):
        for language in known:
            if wanted in {language.lower(), language.lower().partition("-")[0]}:
                return language
    return ENGLISH


def worded(codes: Mapping[str, str], code: str, look_up: Gettext) -> str:
    """A code in words; without words as itself, so that nothing is hidden."""
    return look_up(codes[code]) if code in codes else code.replace("_", " ")


def N_(words: str) -> str:  # noqa: N802 - the name by which extractors know it
    """Marks words that are looked up later."""
    return words


_WORDS: Mapping[Trouble, TroubleWords] = {
    Trouble.SIGN_IN: TroubleWords(N_("Sign in"), [N_("You are not signed in. Nothing was changed.")], N_("Sign in")),
    Trouble.SESSION_ENDED: TroubleWords(
        N_("Your session has ended"),
        [N_("It was unused for too long, or was ended for you. What you had not sent was not saved.")],
        N_("Sign in and go back to the page"),
    ),
    Trouble.START_AGAIN: TroubleWords(
        N_("You are not signed in"),
        [N_("Signing in did not work. It may have taken too long, or been cancelled.")],
        N_("Try again"),
    ),
    Trouble.UNKNOWN_PERSON: TroubleWords(
        N_("You do not have access"),
        [N_("You signed in, but your organisation has not given you access. Ask whoever manages access there.")],
        N_("Sign out, to sign in as somebody else"),
    ),
    Trouble.SECOND_FACTOR: TroubleWords(
        N_("You need a second way to prove who you are"),
        [N_("People who see referrals sign in with more than a password. Set that up with your organisation.")],
        N_("Try again"),
    ),
    Trouble.FRESH_SIGN_IN: TroubleWords(
        N_("Sign in again to do this"),
        [N_("This needs a sign-in within the last five minutes. Nothing was changed.")],
        N_("Sign in"),
    ),
    Trouble.GLASS: TroubleWords(
        N_("This case is restricted"), [N_("Only the officers named for it may open it. Ask a supervisor.")]
    ),
    Trouble.REFUSED: TroubleWords(N_("You may not do this"), [N_("Your role does not allow it.")]),
    Trouble.MISSING: TroubleWords(
        N_("Page not found"), [N_("There is no such page, or it is not yours. Check the address.")]
    ),
    Trouble.WRONG_METHOD: TroubleWords(
        N_("This cannot be done here"), [N_("Nothing was changed. Begin on the first page.")]
    ),
    Trouble.FORM_REFUSED: TroubleWords(
        N_("The form was not accepted"),
        [N_("Nothing was changed. Go back, load the page again, and send the form from there.")],
    ),
    Trouble.TOO_LARGE: TroubleWords(N_("That is too much at once"), [N_("Nothing was changed. Shorten it.")]),
    Trouble.PROVIDER_DOWN: TroubleWords(
        N_("You cannot sign in at the moment"),
        [N_("The service with which you sign in does not answer. People who are already signed in stay signed in.")],
        N_("Try again"),
    ),
    Trouble.UNAVAILABLE: TroubleWords(
        N_("This service is unavailable"),
        [N_("Try again in a few minutes. If you sent something, look first whether it was done.")],
    ),
    Trouble.FAULT: TroubleWords(
        N_("Something went wrong"), [N_("It may or may not have been done. Look before you try again.")]
    ),
}


def trouble_words(trouble: Trouble, look_up: Gettext) -> TroubleWords:
    """What is wrong, and what to do next."""
    words = _WORDS[trouble]
    sign_in = look_up(words.sign_in) if words.sign_in else ""
    return TroubleWords(look_up(words.heading), [look_up(each) for each in words.paragraphs], sign_in)
