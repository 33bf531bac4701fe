// Keeps the site for when there is no network. The pages are kept when the site is first visited; Python and its modules, which
// are large, from the moment that a reader first runs something. `FILES` is put in by build.py.

const { version, pages, live } = FILES;
const store = `hashtable-book-${version}`;

async function keep(paths) {
  const cache = await caches.open(store);
  const root = new URL("./", self.registration.scope);
  for (const path of paths) {
    const url = new URL(path, root).href;
    if (!(await cache.match(url))) await cache.add(url).catch(() => {});
  }
}

self.addEventListener("install", (event) => event.waitUntil(keep(pages).then(() => self.skipWaiting())));

self.addEventListener("activate", (event) =>
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith("hashtable-book-") && name !== store) await caches.delete(name);
      await self.clients.claim();
    })(),
  ),
);

self.addEventListener("message", (event) => {
  if (event.data?.keep === "live") event.waitUntil(keep(live));
});

// The network first: a page that was built anew is seen at once. What the network cannot give, the store may have.
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(
    fetch(event.request).catch(async () => {
      const cache = await caches.open(store);
      const found = await cache.match(event.request, { ignoreSearch: true });
      if (found) return found;
      const path = new URL(event.request.url).pathname;
      if (path.endsWith("/")) {
        const index = await cache.match(new URL("index.html", event.request.url).href);
        if (index) return index;
      }
      return new Response("This page was not kept, and there is no network.", { status: 504, headers: { "Content-Type": "text/plain" } });
    }),
  );
});
