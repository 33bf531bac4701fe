"""Pictures of the table: chains, and what the size does."""

from __future__ import annotations

from hashtable import HashTable

from drawings.svg import WIDTH, Picture, box, line, picture, words


@picture
def chains() -> Picture:
    """Buckets, entries, next."""
    keys = [6, 2, 7, 10]
    table = HashTable(size=4, max_load=1.0)
    for key in keys:
        table.set(key, key * key)
    number = {key: at + 1 for at, key in enumerate(table)}
    chains = [[key for key, _ in bucket] for bucket in table.buckets()]
    following = {key: after for chain in chains for key, after in zip(chain, [*chain[1:], None])}
    # For each key: the keys of its chain that a lookup passes, itself the last.
    passed = {key: chain[: chain.index(key) + 1] for chain in chains for key in chain}
    svg = words(10, 18, "buckets", "strong") + words(250, 18, "entries", "strong")
    top, high, step = 30, 34, 44
    for bucket, chain in enumerate(chains):
        y = top + bucket * step
        lit = " ".join(str(key) for key in keys if table.bucket_of(key) == bucket)
        first = str(number[chain[0]]) if chain else "0"
        svg += f'<g data-on="{lit}">{box(30, y, 60, high, "library")}</g>' + words(10, y + 22, str(bucket), "code")
        svg += words(60, y + 22, first, "code mid")
    for at, key in enumerate(keys):
        y = top + at * step
        lit = " ".join(str(other) for other in keys if key in passed[other])
        after = number[following[key]] if following[key] is not None else 0
        svg += f'<g data-on="{lit}">{box(250, y, 160, high, "library")}</g>' + words(232, y + 22, str(at + 1), "code")
        svg += words(260, y + 22, f"{key}: {key * key}", "code") + words(402, y + 22, f"next {after}", "code end")
    for bucket, chain in enumerate(chains):
        if chain:
            svg += line((90, top + bucket * step + high / 2), (226, top + (number[chain[0]] - 1) * step + high / 2))
        for key, after in zip(chain, chain[1:]):
            one, other = number[key] - 1, number[after] - 1
            # Out at the right of the one, and back in at the right of the other: no line crosses what is written.
            y, end, out = top + one * step + high / 2 - 4, top + other * step + high / 2 + 4, 424 + 8 * one
            svg += line((410, y), (out, y), (out, end), (412, end))
    buttons = "Look up " + " ".join(f'<button type="button" data-key="{key}">{key}</button>' for key in keys)
    shown = "; ".join(f"{key} mod 4 is {table.bucket_of(key)}" for key in keys)
    text = (
        f"Four pairs in four buckets. {shown}. A bucket holds the number of the first entry of its chain, an entry "
        "the number of the next one; 0 is the end. Press a key, and what a lookup of it visits lights up: its "
        "bucket, then the entries of the chain up to its own."
    )
    return Picture("Buckets, entries, and the next of each", svg, top + 4 * step, text, buttons)


@picture
def sizes() -> Picture:
    """Keys drop into buckets."""
    keys, size = list(range(0, 64, 8)), 16
    svg, base = "", 150
    width = (WIDTH - 20) / size
    svg += f'<g id="sizes-buckets" data-keys="{" ".join(map(str, keys))}">'
    for bucket in range(size):
        svg += box(10 + bucket * width, base, width, 24, "library")
        svg += words(10 + (bucket + 0.5) * width, base + 16, str(bucket), "small mid")
    height = dict.fromkeys(range(size), 0)
    for key in keys:
        bucket = key % size
        x, y = 10 + (bucket + 0.5) * width, base - 15 - 26 * height[bucket]
        svg += f'<circle class="box extension" cx="{x:g}" cy="{y:g}" r="11"/>' + words(x, y + 4, str(key), "small mid")
        height[bucket] += 1
    svg += "</g>"
    slider = (
        '<label for="sizes-slider">size <output id="sizes-shown">16</output></label>'
        '<input id="sizes-slider" type="range" min="4" max="20" value="16"/>'
    )
    probes = {size: HashTable(size=size, max_load=1.0) for size in (16, 17)}
    for table in probes.values():
        for key in keys:
            table.set(key, None)
    text = (
        f"The keys {', '.join(map(str, keys))} drop into buckets by key mod size. With 16 buckets they all land in "
        f"two: a lookup passes {probes[16].stats()['mean_probes']} pairs on average. Move the slider: with 17 "
        f"buckets each key has one to itself ({probes[17].stats()['mean_probes']})."
    )
    return Picture("Keys in buckets, for different sizes", svg, base + 30, text, slider)
