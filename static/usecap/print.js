// "Imprimir". The browser's own menu does the same without this.
"use strict";

(function () {
  const print = document.querySelector("[data-print]");

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
