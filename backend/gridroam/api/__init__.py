"""The query API over HTTP: what the index knows, as JSON, CSV and server-sent events. A relay can
mount it; `gridroam index serve` runs it alone.
"""
