"""Who holds an object? `search` looks for its owners, in a child; `report` puts what it found into words; `command`."""
