"""`{% kept %}…{% endkept %}`: what shows the catalogue alone, drawn once for each state of it."""

from django import template
from django.template.base import NodeList, Parser, Token

register = template.Library()


@register.tag
def kept(parser: Parser, token: Token) -> "Kept":
    """Draw what is inside once, and show that until the catalogue changes or is read again.

    It must depend on nothing but the catalogue, the settings and static files, and hold no block
    that another template may fill: whoever sees the page first has it drawn for everybody. Where
    there is no catalogue, as on the page for our own errors, it is drawn each time.
    """
    inside = parser.parse(("endkept",))
    parser.delete_first_token()
    return Kept(inside)


class Kept(template.Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> str:
        snapshot = context.get("catalogue")
        if snapshot is None:
            return self.nodelist.render(context)
        if self not in snapshot.drawn:
            snapshot.drawn[self] = self.nodelist.render(context)
        return snapshot.drawn[self]
