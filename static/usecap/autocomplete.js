// Says what each box that searches while one types is for: select2 names it by its value alone.
"use strict";

function nameBoxes() {
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${select.id}"]`);
    const box = select.parentElement.querySelector("[role=combobox]");
    const value = document.getElementById(`select2-${select.id}-container`);
    if (!label || !box || !value) continue;
    label.id ||= `${select.id}_label`;
    box.setAttribute("aria-labelledby", `${label.id} ${value.id}`);
    value.setAttribute("aria-labelledby", label.id);
  }
}

// After admin's own script, which waits for jQuery and makes the boxes then.
window.addEventListener("load", () => django.jQuery(nameBoxes));
