// Moves the progress bar of a roster, and shows its page anew when the step is over.
"use strict";

(function () {
  const working = document.querySelector("[data-progress-url]");
  const bar = document.querySelector("progress");

  async function look() {
    try {
      const response = await fetch(working.dataset.progressUrl, { cache: "no-store" });
      const upload = await response.json();
      if (upload.stopped || upload.step !== working.dataset.step) {
        window.location.reload();
        return;
      }
      bar.value = upload.percent;
    } catch {
      // No connection for now: the work goes on without us.
    }
    setTimeout(look, 1000);
  }

  if (working) setTimeout(look, 300);
})();
