"""The first honest number: one file of predictions, one folder of images, a few hundred looks, one page.

`rows` reads the file, `drawing` draws n of its N parts, `opening` brings them in through the ordinary ingest,
`standing` says how far the looks are, and `result` measures and issues the report. docs/decisions.md says why the
sample is a simple random one.
"""
