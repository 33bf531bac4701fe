from multidict import MultiDict

d = MultiDict([("a", 1), ("b", 2)])
for _ in range(5):
    d.items() - {("a", 1)}
