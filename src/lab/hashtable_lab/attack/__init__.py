"""Keys that collide: searched by algebra where the hash function is known, by birthday where it is not."""
