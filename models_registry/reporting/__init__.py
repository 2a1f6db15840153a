"""What a report holds, the sentences in it, and the page, table and hash that are made of it. Numbers in, bytes out."""
