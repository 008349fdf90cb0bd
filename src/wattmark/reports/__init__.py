"""What a run looks like to a reader: HTML, Markdown, CSV, JSON."""
