/* Places in the book that have moved, each with where it is now: an old link still leads to what it meant. */

"use strict";

const MOVED = {
  "ownership.html#one-value-from-in-to-out": "counts.html#one-value-in-and-out",
  "ownership.html#the-same-in-the-source": "counts.html#one-value-in-and-out",
  "type.html#three-words-first": "counts.html#who-has-to-give-it-back",
  "type.html#an-object-is-a-struct": "slots.html#what-a-struct-is",
  "type.html#the-life-of-an-object": "life.html",
  "type.html#it-comes": "life.html#it-comes",
  "type.html#it-goes": "life.html#it-goes",
  "type.html#it-is-looked-at-by-the-garbage-collector": "life.html#what-the-garbage-collector-asks",
  "type.html#the-edge-between-rust-and-c": "reading-rust.html#the-edge-between-rust-and-c",
  "two-bugs.html#what-a-count-looks-like": "counts.html#what-a-count-looks-like",
  "two-bugs.html#what-is-right": "two-bugs.html#forgetting-incref",
  "reentrancy.html#first-put-in-order-then-let-go": "reentrancy.html#first-put-in-order-then-give-back",
  "layers.html#the-same-way-in-the-source": "layers.html#the-same-way-in-python",
  "ledger.html#what-it-cannot-see": "ledger-limits.html",
  "from-bytecode-to-slot.html#what-the-interpreter-carries-out": "from-bytecode-to-slot.html#what-the-interpreter-runs",
  "getting-started.html#two-commands": "getting-started.html#three-commands",
  "getting-started.html#with-pip": "getting-started.html#by-hand",
  "gil.html#why-this-table-does-not-give-it-away": "gil.html#why-this-table-does-not-release-it",
  "road.html#what-can-be-told-and-from-what": "road.html#what-the-files-show",
  "fast.html#five-times-as-fast-as-the-textbook": "fast.html#why-not-five-times-as-fast-as-the-textbook",
  "index.html#how-to-read-it": "index.html#the-lesson",
  "atlas.html#hashing-rs": "atlas.html#table-hashing-rs",
  "atlas.html#iterators-rs": "atlas.html#views-iterators-rs",
  "atlas.html#lookup-rs": "atlas.html#table-lookup-rs",
  "atlas.html#mapping-rs": "atlas.html#slots-mapping-rs",
  "atlas.html#methods-rs": "atlas.html#slots-methods-rs",
  "atlas.html#operators-rs": "atlas.html#slots-operators-rs",
  "atlas.html#pickling-rs": "atlas.html#slots-pickling-rs",
  "atlas.html#picture-rs": "atlas.html#slots-picture-rs",
  "atlas.html#snapshot-rs": "atlas.html#table-snapshot-rs",
  "atlas.html#update-rs": "atlas.html#slots-update-rs",
  "atlas.html#view-sets-rs": "atlas.html#views-sets-rs",
  "atlas.html#views-rs": "atlas.html#views-view-rs"
};

/* Where the place that this page was asked for is now, if it has moved. */
function moved() {
  const page = location.pathname.split("/").pop() || "index.html";
  return MOVED[page + location.hash];
}

document.addEventListener("DOMContentLoaded", () => {
  const name = decodeURIComponent(location.hash.slice(1));
  if (name && !document.getElementById(name) && moved()) location.replace(moved());
});
