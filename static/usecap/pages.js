// What the students' pages can do better with JavaScript; they work without.
"use strict";

// A flaky connection.
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

// The timer of an open session, its warning, and "Cerrar ventana".
(function () {
  const RESYNC_MS = 60000;
  const { clockUrl, state } = document.querySelector("main").dataset;
  const card = document.querySelector("[data-timer]");
  const closeLink = document.querySelector("[data-close-window]");
  let putRight = function () {};

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
      if (card.dataset.tone !== tone) change(tone);
    }

    putRight = function (elapsed) {
      startedAt = Date.now() - elapsed * 1000;
      draw();
    };

    draw();
    setInterval(draw, 1000);
  }

  function change(tone) {
    card.dataset.tone = tone;
    const title = { near: card.dataset.titleNear, past: card.dataset.titlePast }[tone];
    document.title = `${title || card.dataset.title} · USECAP`;
    if (tone === "near") notify();
  }

  // The server's clock, and what happened in another tab or at SENCE.
  async function resync() {
    try {
      const response = await fetch(clockUrl, { cache: "no-store" });
      if (!response.ok) return;
      const clock = await response.json();
      if (clock.state !== state) window.location.reload();
      else putRight(clock.elapsed);
    } catch {
      // No connection for now: the timer goes on by the phone's clock.
    }
  }

  // Asked for by pressing a button alone, and only where the browser has notifications.
  const offer = document.querySelector("[data-notify]");

  function offerToNotify() {
    const button = offer.querySelector("button");
    const says = () => {
      offer.hidden = false;
      button.hidden = Notification.permission !== "default";
      for (const sentence of offer.querySelectorAll("[data-when]")) {
        sentence.hidden = sentence.dataset.when !== Notification.permission;
      }
    };
    button.addEventListener("click", async function () {
      await Notification.requestPermission();
      says();
    });
    if (Notification.permission !== "denied") says();
  }

  async function notify() {
    if (!offer || !("Notification" in window) || Notification.permission !== "granted") return;
    const { title, body, worker } = offer.dataset;
    const options = { body, tag: clockUrl, requireInteraction: true };
    try {
      new Notification(title, options).onclick = () => window.focus();
    } catch {
      // Android's Chrome shows none but a service worker's.
      const registered = await navigator.serviceWorker.register(worker);
      await activated(registered);
      await registered.showNotification(title, options);
    }
  }

  function activated(registered) {
    const worker = registered.installing || registered.waiting;
    return new Promise(function (resolve) {
      if (registered.active) resolve();
      else worker.addEventListener("statechange", () => worker.state === "activated" && resolve());
    });
  }

  if (card) startTimer();
  if (offer && "Notification" in window) offerToNotify();
  if (state === "open" || state === "requested") {
    setInterval(resync, RESYNC_MS);
    document.addEventListener("visibilitychange", function () {
      if (document.visibilityState === "visible") resync();
    });
  }

  if (closeLink) {
    // Where the browser refuses to close it, the link goes on to the sentence below it.
    closeLink.addEventListener("click", function () {
      window.close();
    });
  }
})();

// "Imprimir". The browser's own menu does the same.
(function () {
  const print = document.querySelector("[data-print]");
  if (!print) return;

  // Pictures that nobody has scrolled to yet would be missing on paper.
  function load(picture) {
    picture.loading = "eager";
    return picture.decode().catch(() => {});
  }

  print.hidden = false;
  print.addEventListener("click", async function () {
    await Promise.all([...document.images].map(load));
    window.print();
  });
})();
