"""The demos, one to a file. In each, `play` tells a story on a `Stage` and checks what it promises."""
