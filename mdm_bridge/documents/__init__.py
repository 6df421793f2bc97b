"""What we write for people: tables, lists, CSV and spreadsheets."""
