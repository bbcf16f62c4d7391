// The timer of an open session, and "Cerrar ventana". The page works without either.
"use strict";

(function () {
  const RESYNC_MS = 60000;
  const card = document.querySelector("[data-timer]");
  const closeLink = document.querySelector("[data-close-window]");
  let resync = function () {};

  function asHours(seconds) {
    const pad = (n) => String(n).padStart(2, "0");
    return `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  }

  function startTimer() {
    const face = card.querySelector("[data-timer-face]");
    const limit = Number(card.dataset.limit);
    const warning = Number(card.dataset.warning);
    // Only differences of the phone's clock are used, so that it may be wrong; what it missed
    // while asleep or was set to meanwhile, the server puts right.
    let startedAt = Date.now() - Number(card.dataset.elapsed) * 1000;

    function draw() {
      const elapsed = Math.max(0, Math.floor((Date.now() - startedAt) / 1000));
      face.textContent = asHours(elapsed);
      const tone = elapsed > limit ? "past" : elapsed >= limit - warning ? "near" : "normal";
      if (card.dataset.tone !== tone) card.dataset.tone = tone;
    }

    resync = async function () {
      try {
        const response = await fetch(card.dataset.clockUrl, { cache: "no-store" });
        if (!response.ok) return;
        const clock = await response.json();
        if (clock.state !== "open") {
          window.location.reload();
          return;
        }
        startedAt = Date.now() - clock.elapsed * 1000;
        draw();
      } catch {
        // No connection for now: the timer goes on by the phone's clock.
      }
    };

    draw();
    setInterval(draw, 1000);
    setInterval(resync, RESYNC_MS);
  }

  if (card) startTimer();

  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "visible") resync();
  });
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) window.location.reload();
  });

  if (closeLink) {
    // Where the browser refuses to close it, the link goes on to the sentence below it.
    closeLink.addEventListener("click", function () {
      window.close();
    });
  }
})();
