// Shows the notice before the limit where a page may not do so itself, and brings its page back.
"use strict";

self.addEventListener("notificationclick", function (event) {
  event.notification.close();
  event.waitUntil(
    self.clients
      .matchAll({ type: "window", includeUncontrolled: true })
      .then((pages) => pages.find((page) => page.url.includes("/asistencia/"))?.focus()),
  );
});
