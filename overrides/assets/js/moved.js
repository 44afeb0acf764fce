// Leads from an old address to where the page or the section is now; ids are kept.
(() => {
  const { to, ids } = document.currentScript.dataset;
  const places = JSON.parse(ids);
  const file = (address) => {
    const url = new URL(address, location);
    // A disk serves no folder's index.
    if (url.protocol === "file:" && url.pathname.endsWith("/")) url.pathname += "index.html";
    return url;
  };
  const lead = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    if (Object.hasOwn(places, id)) return location.replace(file(places[id]));
    if (to) location.replace(Object.assign(file(to), { search: location.search, hash: location.hash }));
  };
  addEventListener("hashchange", lead);
  lead();
})();
