"""Pages from templates: GOV.UK Frontend without the crown, every value escaped, words from the catalogues."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from markupsafe import Markup, escape

from conduit_chassis import days
from conduit_contracts.geography import forces
from conduit_web.access import Action, reaches_of
from conduit_web.sessions import Session
from conduit_web.settings import Provider
from conduit_web.troubles import Trouble
from conduit_web.visits import FORM_FIELD, Visit
from conduit_web.words import N_, catalogues, language_for, trouble_words

LONDON = days.LONDON
"""Whose time is on the pages: that of everybody who reads them."""
_ROW, _CELL = "<tr", re.compile(r"<t[dh](?= )")


def clock_time(moment: datetime) -> str:
    """14:03:12"""
    return moment.astimezone(LONDON).strftime("%H:%M:%S")


def date_and_time(moment: datetime) -> str:
    """29/11/2026 14:03"""
    return moment.astimezone(LONDON).strftime("%d/%m/%Y %H:%M")


def force_name(force_id: str) -> str:
    """A force's name; its id where the list of forces has none."""
    known = forces().get(force_id)
    return known.name if known else force_id


class HtmlPages:
    """A desk's pages: its own templates and catalogues beside those that every desk has."""

    def __init__(
        self,
        desk_name: str,
        *,
        navigation: Sequence[Mapping[str, str]] = (),
        footer: Sequence[Mapping[str, str]] = (),
        templates: Path | None = None,
        locale: Path | None = None,
        languages: Mapping[str, NullTranslations] | None = None,
    ) -> None:
        """`navigation` has a `text` and a `href` for each page, and an `action` where it is shown to those who may do that,
        and so has `footer`; `languages` is given by tests."""
        self._desk_name, self._navigation, self._footer = desk_name, navigation, footer
        languages = languages or catalogues(*([locale] if locale else []))
        loaders = [FileSystemLoader(templates)] if templates else []
        shared = [
            PackageLoader("conduit_web", "templates"),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
        self._environments = {
            language: _environment(ChoiceLoader([*loaders, *shared]), words) for language, words in languages.items()
        }
        self._words = languages

    def page(
        self, request: Request, template: str, heading: str, *, visit: Visit | None = None, status: int = 200, **values: Any
    ) -> Response:
        """A page of the desk. `heading` is its first line and its title, in English; it names nobody."""
        language = self._language(request)
        _ = self._words[language].gettext
        given = {
            "language": language,
            "nonce": request.state.nonce,
            "desk_name": _(self._desk_name),
            "heading": _(heading),
            "navigation": [{**each, "text": _(each["text"])} for each in self._navigation if _is_for(each, visit)],
            "footer": [{**each, "text": _(each["text"])} for each in self._footer if _is_for(each, visit)],
            "visit": visit,
            "form_token": lambda: self.hidden(visit),
        }
        text = self._environments[language].get_template(template).render(**{**values, **given})
        return HTMLResponse(text, status_code=status, headers={"Content-Language": language, "Vary": "Accept-Language"})

    def hidden(self, visit: Visit | None) -> Markup:
        """What each form carries unseen."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_FIELD, visit.form_token if visit else "")

    def trouble(self, request: Request, trouble: Trouble, sign_in_address: str) -> Response:
        """What is wrong and what to do next."""
        words = trouble_words(trouble, self._words[self._language(request)].gettext)
        english = trouble_words(trouble, str)
        template, status = "conduit_web/trouble.html", trouble.status
        return self.page(request, template, english.heading, status=status, words=words, sign_in_address=sign_in_address)

    def choice(self, request: Request, providers: Sequence[Provider], return_to: str, *, fresh: bool) -> Response:
        """Which provider."""
        query = urlencode({"return_to": return_to} | ({"fresh": "true"} if fresh else {}))
        return self.page(request, "conduit_web/choice.html", N_("Choose how to sign in"), providers=providers, query=query)

    def sessions(self, request: Request, visit: Visit, sessions: Sequence[Session]) -> Response:
        """Where a person is signed in."""
        return self.page(request, "conduit_web/sessions.html", N_("Where you are signed in"), visit=visit, sessions=sessions)

    def signed_out(self, request: Request) -> Response:
        """What people see last."""
        return self.page(request, "conduit_web/signed_out.html", N_("You have signed out"))

    def nothing_here(self, request: Request, visit: Visit) -> Response:
        """For somebody whose role has no pages at this desk."""
        return self.page(request, "conduit_web/nothing_here.html", N_("Nothing here is for your role"), visit=visit)

    def look_up(self, request: Request) -> Callable[[str], str]:
        """Words in the language of the person who asks."""
        return self._words[self._language(request)].gettext

    def _language(self, request: Request) -> str:
        return language_for(request.headers.get("accept-language", ""), list(self._words))


def _environment(loader: ChoiceLoader, words: NullTranslations) -> Environment:
    # The macros read what was not given, which is why what is undefined may be looked into.
    made = Environment(loader=loader, autoescape=True, undefined=ChainableUndefined, extensions=["jinja2.ext.i18n"])
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    made.globals |= {"moment": date_and_time, "clock_time": clock_time, "labelled": labelled, "force_name": force_name}
    return made


def _is_for(page: Mapping[str, str], visit: Visit | None) -> bool:
    """Whether the person may do what the page is for."""
    return "action" not in page or (visit is not None and bool(reaches_of(Action(page["action"]), visit.person)))


def labelled(rows: Markup, heads: Sequence[str]) -> Markup:
    """Rows of a table whose cells say under which head they stand, for screens on which each cell is a line of its own.

    What people wrote is escaped by now, so whatever looks like a cell is one.
    """
    return Markup(_ROW.join(_labelled(row, iter(heads)) for row in rows.split(_ROW)))  # noqa: S704 - labels are escaped


def _labelled(row: str, heads: Iterator[str]) -> str:
    def label(cell: re.Match[str]) -> str:
        return f'{cell[0]} data-label="{escape(next(heads, ""))}"'

    return _CELL.sub(label, row)
