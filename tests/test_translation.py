"""
Every text that a person reads in the admin is marked for translation: in templates, in Python, in names that Django
asks for.

A failure names the place. In templates `{% translate %}` or `{% blocktranslate %}` marks it, in Python gettext.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.management import call_command
from django.db import models
from django.template.base import Lexer, Token, TokenType
from django.utils.functional import Promise

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# What speaks to people who look at a page. Commands and the log speak English, and so does what is stored.
SPEAKING = (
    *(ROOT / "integration" / name for name in ("admin", "inquiry", "sign_in")),
    *(ROOT / "rcintercom" / name for name in ("admin_look.py", "error_pages.py")),
)

# Names that are the same in every language.
NAMES = {"rcintercom", "CSV", "Amazon", "Stripe", "Paddle", "Roku"}
# Keys that only the program reads, nobody's id, a role as the database names it, parts of lines of the audit trail.
NOT_READ = {"Any", "identity queue", "project page", "rcintercom asks about nobody", "Viewer"} | {
    *("Tried again", "Named by hand", ", with repair", "the last ", "; its signing secret is stored"),
}
WORD = re.compile(r"[^\W\d_]{2,}")
READ_OUT = {"alt", "aria-label", "data-copied", "data-copy-failed", "placeholder", "title"}
# What the name of an icon in unfold's font of pictures stands in.
ICON = "material-symbols-outlined"
HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"

# Two words beside each other, or one that begins like a label.
SENTENCE = re.compile(r"[a-z]{2,},? [a-z]{2,}|^[A-Z][a-z]+\s?$", re.MULTILINE)
MARKED = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
# They write the audit trail, in the one language of that, or tell who gets no page why.
STORING = {"Http404", "log_actions", "log_change", "log_each", "write_trail"}
STORED_IN = {"_TRAIL", "_what", "_started", "_audit", "_change", "_said", "audit", "_save", "_remove"}


# --- Templates --------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects the texts of a page that are neither icons nor code."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.texts += [value for name, value in given.items() if name in READ_OUT and value]
        if tag not in {"br", "hr", "img", "input", "link", "meta"}:
            self._open.append(tag in {"script", "style", "code"} or ICON in (given.get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open):
            self.texts.append(data)


def unmarked_in(source: str) -> list[str]:
    """The texts of a template that are not marked."""
    reader, literals = Reader(), []
    reader.feed("".join(HOLE if token is None else token.contents for token in outside_of_marks(source)))
    reader.close()
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK and token.contents.split()[0] in ("include", "component", "with"):
            literals += re.findall(r"""=["']([A-Z][a-z]+[^"']*)["']""", token.contents)
    texts = (text.replace(HOLE, " ").strip(" |\n") for text in [*reader.texts, *literals])
    return [text for text in texts if WORD.search(text) and text not in NAMES]


def outside_of_marks(source: str) -> Iterator[Token | None]:
    """The pieces of HTML; None for what is filled in, and for what is marked."""
    inside = ""
    for token in Lexer(source).tokenize():
        name = token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""
        if name in ("blocktranslate", "comment"):
            inside = name
        elif name == f"end{inside}":
            inside = ""
        yield token if token.token_type == TokenType.TEXT and not inside else None


def test_the_search_finds_what_is_not_marked_in_a_template() -> None:
    assert unmarked_in('<p title="{{ a }} of all">Hello</p><b>{% translate "Yes" %}</b>') == ["of all", "Hello"]
    assert unmarked_in('{% include "a.html" with text="Check now" %}<code>key</code>') == ["Check now"]
    assert unmarked_in("{% blocktranslate %}Held since {{ at }}.{% endblocktranslate %} {# no #}") == []
    assert unmarked_in('<i class="material-symbols-outlined">close</i>') == []


def test_every_text_of_a_template_is_marked() -> None:
    wrong = {path.relative_to(ROOT): found for path in TEMPLATES if (found := unmarked_in(path.read_text()))}
    assert not wrong, wrong


# --- Python -----------------------------------------------------------------------------------------------------


def unmarked_in_python(source: str) -> Iterator[str]:
    """Texts that look like something to be read and are given to no gettext, each with its line."""
    tree = ast.parse(source)
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node not in docstrings and reads_like_text(node.value):
                yield f"{node.lineno}: {node.value[:80]!r}"
        elif not is_marked_or_stored(node):
            waiting += ast.iter_child_nodes(node)


def is_marked_or_stored(node: ast.AST) -> bool:
    """Whether what is below is translated, or is not for the reader of a page."""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called in MARKED | STORING or ast.unparse(node.func).startswith("logger.")
    if isinstance(node, ast.FunctionDef):
        return node.name in STORED_IN
    if isinstance(node, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases)
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(one, ast.Name) and one.id in STORED_IN for one in targets)


def reads_like_text(text: str) -> bool:
    """Words for people; no HTML, SQL or classes of a style."""
    is_text = text not in NAMES | NOT_READ and SENTENCE.search(text)
    return bool(is_text) and not re.search(r"<\w|=\"|SELECT", text)


def test_the_search_finds_what_is_not_marked_in_python() -> None:
    source = '"""Says something."""\nsay("Nothing was sent", _("All is well"), "key")\nlog_each("Was done here.")'
    assert list(unmarked_in_python(source)) == ["2: 'Nothing was sent'"]


def test_every_text_of_the_admins_code_is_marked() -> None:
    files = [file for place in SPEAKING for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    wrong = {
        str(file.relative_to(ROOT)): found for file in files if (found := list(unmarked_in_python(file.read_text())))
    }
    assert not wrong, wrong


def test_a_text_that_is_marked_is_no_f_string_and_is_not_put_together_before_it_is_translated() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / "integration").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in MARKED
        and any(isinstance(one, ast.JoinedStr | ast.BinOp | ast.Call) for one in node.args[:2])
    ]
    assert not wrong, wrong


# --- Names that Django asks for ---------------------------------------------------------------------------------

PAGES = [page for page in admin.site._registry.values() if type(page).__module__.startswith("integration.")]


def names_on(page: admin.ModelAdmin[Any]) -> Iterator[tuple[str, object]]:
    """What a page of the admin is called, and all its columns, fields, groups of fields, filters and actions."""
    options = page.model._meta
    if options.app_label == "integration":
        yield from (("verbose_name", options.verbose_name), ("verbose_name_plural", options.verbose_name_plural))
    for title, group in page.fieldsets or ():
        yield from (("group of fields", title), ("its description", group.get("description", "")))
    shown = {*page.list_display, *page.readonly_fields, *flatten_fieldsets(page.fieldsets or ())}
    for name in map(str, shown - {"__str__"}):
        yield from ((f"{name}: {what}", text) for what, text in texts_of(page, name).items())
    for one in page.list_filter:
        by = one[0] if isinstance(one, tuple) else one
        field = {field.name: field for field in options.fields + options.many_to_many}.get(str(by))
        yield f"filter {by}", field.verbose_name if field else getattr(by, "title", "none")
    for action in {*(page.actions or ()), *getattr(page, "actions_detail", ())}:
        yield f"action {action}", getattr(getattr(page, str(action)), "short_description", "none")


def texts_of(page: admin.ModelAdmin[Any], name: str) -> dict[str, object]:
    """The label and the help of one field or column."""
    entered = getattr(page.form, "base_fields", {}).get(name)
    if isinstance(entered, forms.Field):
        return {"label": entered.label, "help_text": entered.help_text, **choices_of(entered)}
    fields = {field.name: field for field in page.model._meta.get_fields() if isinstance(field, models.Field)}
    if name in fields:
        return {
            "verbose_name": fields[name].verbose_name,
            "help_text": fields[name].help_text,
            **choices_of(fields[name]),
        }
    return {"description": getattr(getattr(page, name), "short_description", "none")}


def choices_of(field: Any) -> dict[str, object]:
    """What can be chosen, but for rows of the database."""
    if isinstance(field, forms.ModelChoiceField):
        return {}
    return {f"choice {key}": text for key, text in getattr(field, "choices", None) or () if key}


def test_every_name_that_django_asks_for_is_marked() -> None:
    wrong = [
        f"{type(page).__name__}: {what}: {text!r}"
        for page in PAGES
        for what, text in names_on(page)
        if text and not isinstance(text, Promise)
    ]
    assert not wrong, "\n".join(wrong)


# --- Collecting them --------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="GNU gettext is not installed")
def test_makemessages_collects_texts_of_templates_of_python_and_of_the_core(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("integration", "rcintercom", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "locale").mkdir()
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    monkeypatch.chdir(tmp_path)
    call_command("makemessages", locale=["de"], verbosity=0)
    found = (tmp_path / "locale" / "de" / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    for text in ("Projects that need somebody", "Check connection", "A free trial has become a paid subscription."):
        assert f'msgid "{text}"' in found
