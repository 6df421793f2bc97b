"""The only room that speaks HTTP: sessions with limits, retries and redaction."""
