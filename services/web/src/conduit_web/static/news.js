// Says that there is something new, and moves nothing under the reader. Without scripts people load the page again.
// Only a page that is in sight listens: a browser opens few connections to one host, and each of these holds one.
const told = document.getElementById("news");
let stream = null;

function open() {
  if (stream) return;
  stream = new EventSource(told.dataset.from);
  stream.addEventListener("message", ({ data }) => {
    if (data === told.firstElementChild.textContent) return;
    told.firstElementChild.textContent = data;
    told.hidden = data === "";
  });
  stream.addEventListener("end", close); // the session is over, or another page of it listens
  stream.addEventListener("error", () => { if (stream?.readyState === EventSource.CLOSED) stream = null; });
}

function close() {
  stream?.close();
  stream = null;
}

function look() {
  if (document.hidden) close(); else open();
}

if (told) {
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", close);
  addEventListener("pageshow", look);
  look();
}
