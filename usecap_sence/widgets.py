"""Fields of forms that any app may use."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join


class LinesWidget(AdminTextareaWidget):
    """Several lines that end as they are stored, and not as a browser sends them.

    Otherwise lines that nobody touched would count as changed, in the history too.
    """

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return value and value.replace("\r\n", "\n")


class LongSelect(forms.Select):
    """A select of hundreds of options without groups. Django draws each by two templates."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        widget = self.get_context(name, value, attrs)["widget"]
        options = (option for _, options, _ in widget["optgroups"] for option in options)
        return format_html(
            "<select{}>\n{}\n</select>",
            flatatt({"name": name} | widget["attrs"]),
            format_html_join(
                "\n",
                "<option{}>{}</option>",
                (
                    (flatatt({"value": str(option["value"])} | option["attrs"]), option["label"])
                    for option in options
                ),
            ),
        )
