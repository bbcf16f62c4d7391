"""Fields of forms that any app may use."""

from typing import Any

from django.contrib.admin.widgets import AdminTextareaWidget


class LinesWidget(AdminTextareaWidget):
    """Several lines that end as they are stored, and not as a browser sends them.

    Otherwise lines that nobody touched would count as changed, in the history too.
    """

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return value and value.replace("\r\n", "\n")
