"""Facts: tables of docs/data with their sources, read, validated, computed and shown in both languages."""
