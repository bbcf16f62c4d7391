// What a flaky connection does to the student's pages. They work without this.
"use strict";

(function () {
  const SECOND_TAP_MS = 3000;
  const notice = document.querySelector("[data-offline]");

  function showConnection() {
    if (notice) notice.hidden = navigator.onLine;
  }

  document.addEventListener("submit", function (event) {
    const form = event.target;
    const since = Date.now() - Number(form.dataset.pressedAt || 0);
    form.dataset.pressedAt = Date.now();
    // A page that can't be left is better than the browser's own error page, which has no way on.
    // Some browsers say so wrongly: whoever presses again gets through.
    const offline = !navigator.onLine && !form.dataset.insisted;
    if (offline) form.dataset.insisted = "yes";
    if (offline || since < SECOND_TAP_MS) event.preventDefault();
    showConnection();
  });
  window.addEventListener("online", showConnection);
  window.addEventListener("offline", showConnection);
  window.addEventListener("pageshow", function (event) {
    // The browser kept the page as it was left; what happened meanwhile, the server knows.
    if (event.persisted) window.location.reload();
    showConnection();
  });
})();
