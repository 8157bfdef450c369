"""How a journey meets refusals: pressing, posting what no page offers, and reading what is said."""

from __future__ import annotations

from tests.journeys.walking import Walker

# Posts fields to a path, as a page of ours would that is no longer right.
_FORGED = """([path, fields, withToken]) => {
  const form = document.createElement('form');
  const token = document.querySelector('[name=csrf_token]');
  form.method = 'post';
  form.action = path;
  if (withToken && token) fields.csrf_token = token.value;
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement('input');
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}"""


def answer_to(walker: Walker, button: str) -> int:
    """Press the button; the status of the answer, whose page is looked at."""
    with walker.visitor.page.expect_navigation() as answer:
        walker.visitor.page.get_by_role("button", name=button, exact=True).first.click()
    return _plain(walker, answer.value.status)


def answer_to_forged(walker: Walker, path: str, *, with_token: bool = True, **fields: str) -> int:
    """Post a form that no page offers; the status of the answer, whose page is looked at."""
    with walker.visitor.page.expect_navigation() as answer:
        walker.visitor.page.evaluate(_FORGED, [path, fields, with_token])
    return _plain(walker, answer.value.status)


def answer_to_visit(walker: Walker, path: str) -> int:
    """Open a page that may not be there for this person; the status."""
    answer = walker.visitor.page.goto(walker.visitor.site.url + path)
    assert answer is not None
    return _plain(walker, answer.status)


def status_of(walker: Walker, path: str) -> int:
    """How the person's browser is answered there, without looking at the page."""
    return walker.visitor.page.request.get(walker.visitor.site.url + path).status


def _plain(walker: Walker, status: int) -> int:
    walker.visitor.check()
    assert status < 500
    assert "Traceback" not in walker.visitor.page.content()
    return status


def has_button(walker: Walker, words: str) -> bool:
    """Whether the page offers it."""
    return walker.visitor.page.locator("main").get_by_role("button", name=words).count() > 0


def typed(walker: Walker, name: str) -> str:
    """What stands in a field."""
    return walker.visitor.page.locator(f"[name='{name}']").first.input_value()


def errors(walker: Walker) -> str:
    """The error summary at the top of the page."""
    return walker.visitor.page.locator(".govuk-error-summary").inner_text()
